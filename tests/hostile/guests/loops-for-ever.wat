;; Never ends.
(component
  (core module $program
    (func (export "run") (result i32) (loop $again (br $again)) unreachable))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
