;; Never ends and needs no stack for it: each call is the last thing that its caller does.
(component
  (core module $program
    (func $ping (result i32) return_call $pong)
    (func $pong (result i32) return_call $ping)
    (func (export "run") (result i32) return_call $ping))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
