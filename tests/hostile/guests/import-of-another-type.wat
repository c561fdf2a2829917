;; Imports a function that is there, with another type, to have the host read what it never wrote.
(component
  (import "orchestrator:net/lab@0.1.0" (instance (export "name" (func (param "a" u64) (param "b" u64) (result u64)))))
  (core module $program
    (func (export "run") (result i32) i32.const 0))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
