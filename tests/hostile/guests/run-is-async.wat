;; Exports a command that is asynchronous, as WASI 0.3 has it.
(component
  (core module $program
    (func (export "run") (result i32) i32.const 0)
    (func (export "callback") (param i32 i32 i32) (result i32) i32.const 0))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run") async (callback (core func $program "callback"))))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
