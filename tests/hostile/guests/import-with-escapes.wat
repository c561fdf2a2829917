;; Imports what would clear the screen of whoever reads that it is not there.
(component
  (import "\1b[2J\1b]0;owned\07" (func))
  (core module $program
    (func (export "run") (result i32) i32.const 0))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
