;; Never says where the host may write its answer.
(component
  (import "orchestrator:net/lab@0.1.0" (instance $lab (export "name" (func (result string)))))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (loop $again (br $again)) unreachable))
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
