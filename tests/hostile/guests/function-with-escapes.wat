;; Traps in a function whose name clears the screen, sets the title, rings and turns the line around.
(component
  (core module $program
    (func $"\1b[2J\1b]0;owned\07\e2\80\ae\e2\81\a6\e2\80\8b" unreachable)
    (func (export "run") (result i32) (call $"\1b[2J\1b]0;owned\07\e2\80\ae\e2\81\a6\e2\80\8b") i32.const 0))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
