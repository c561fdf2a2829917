;; Says a text that begins in its memory and ends beyond.
(component
  (import "orchestrator:net/lab@0.1.0" (instance $lab (export "log" (func (param "message" string)))))
  (core module $memory
    (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (core func $log (canon lower (func $lab "log") (memory (core memory $memory "memory"))))
  (core module $program
    (import "host" "log" (func $log (param i32 i32)))
    (func (export "run") (result i32) (call $log (i32.const 0xfff0) (i32.const 17)) i32.const 0))
  (core instance $program (instantiate $program (with "host" (instance (export "log" (func $log))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
