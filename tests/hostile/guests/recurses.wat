;; Calls itself without end, until the stack is full.
(component
  (core module $program
    (func $deeper (param i64) (result i64)
      (i64.add (i64.const 1) (call $deeper (i64.add (local.get 0) (i64.const 1)))))
    (func (export "run") (result i32) (drop (call $deeper (i64.const 0))) i32.const 0))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
