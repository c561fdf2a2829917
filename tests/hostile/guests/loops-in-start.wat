;; Never ends, and begins with that before it is a command.
(component
  (core module $program
    (func $start (loop $again (br $again)))
    (start $start)
    (func (export "run") (result i32) i32.const 0))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
