;; A command that asks for more random bytes than any machine has memory for.
(component
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024))
  (core instance $memory (instantiate $memory))
  (core func $get-random-bytes (canon lower (func $random "get-random-bytes")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $program
    (import "host" "get-random-bytes" (func $get_random_bytes (param i64 i32)))
    (func (export "run") (result i32)
      (call $get_random_bytes (i64.const 0x100_0000_0000) (i32.const 0))
      i32.const 0))
  (core instance $program (instantiate $program (with "host" (instance (export "get-random-bytes" (func $get-random-bytes))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
