;; Throws an exception that nobody catches (the proposal exception handling).
(component
  (core module $program
    (tag $tag)
    (func (export "run") (result i32) (throw $tag)))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
