;; Says what would clear the screen, set the title, ring, end the line, and turn the rest around.
(component
  (import "orchestrator:net/lab@0.1.0" (instance $lab (export "log" (func (param "message" string)))))
  (core module $memory
    (memory (export "memory") 1)
    (data (i32.const 0) "\1b[2J\1b]0;owned\07\0d\0aerror: \e2\80\ae\e2\81\a6\e2\80\8b\00"))
  (core instance $memory (instantiate $memory))
  (core func $log (canon lower (func $lab "log") (memory (core memory $memory "memory"))))
  (core module $program
    (import "host" "log" (func $log (param i32 i32)))
    (func (export "run") (result i32) (call $log (i32.const 0) (i32.const 35)) i32.const 0))
  (core instance $program (instantiate $program (with "host" (instance (export "log" (func $log))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
