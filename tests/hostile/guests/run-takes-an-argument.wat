;; Exports a `run` that is not the one of a command.
(component
  (core module $program
    (func (export "run") (param i32) (result i32) i32.const 0))
  (core instance $program (instantiate $program))
  (func $run (param "n" u32) (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
