;; Traps when the host asks where to write an answer. (By a division: code that may be interrupted before an `unreachable` that comes
;; first has a second copy of it, which a trace shows as the byte after.)
(component
  (import "orchestrator:net/lab@0.1.0" (instance $lab (export "name" (func (result string)))))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (i32.div_u (local.get 3) (local.get 0))))
  (core instance $memory (instantiate $memory))
  (core func $name (canon lower (func $lab "name")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $program
    (import "host" "name" (func $name (param i32)))
    (func (export "run") (result i32) (call $name (i32.const 0)) i32.const 0))
  (core instance $program (instantiate $program (with "host" (instance (export "name" (func $name))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
