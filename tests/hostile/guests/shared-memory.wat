;; Has a memory that several threads could share (the proposal threads).
(component
  (core module $program
    (memory 1 1 shared)
    (func (export "run") (result i32) (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
