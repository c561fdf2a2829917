;; A command that fails (by a trap) if it gets a byte from its standard input.
(component
  (import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (export "input-stream" (type $input-stream (sub resource)))
    (type $failures (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failures)))
    (export "[method]input-stream.blocking-read" (func
      (param "self" (borrow $input-stream)) (param "len" u64)
      (result (result (list u8) (error $stream-error)))))))
  (alias export $streams "input-stream" (type $input-stream))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (alias outer 1 $input-stream (type $outer-stream))
    (export "input-stream" (type $input-stream (eq $outer-stream)))
    (export "get-stdin" (func (result (own $input-stream))))))

  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024))
  (core instance $memory (instantiate $memory))
  (core func $get-stdin (canon lower (func $stdin "get-stdin")))
  (core func $blocking-read (canon lower (func $streams "[method]input-stream.blocking-read")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $program
    (import "host" "memory" (memory 1))
    (import "host" "get-stdin" (func $get_stdin (result i32)))
    (import "host" "blocking-read" (func $blocking_read (param i32 i64 i32)))
    (func (export "run") (result i32)
      (call $blocking_read (call $get_stdin) (i64.const 100) (i32.const 0))
      ;; The result's case, 0 for ok, and behind it the list's address and length.
      (if (i32.eqz (i32.load8_u (i32.const 0)))
        (then (if (i32.load (i32.const 8)) (then unreachable))))
      i32.const 0))
  (core instance $program (instantiate $program (with "host" (instance
    (export "memory" (memory $memory "memory"))
    (export "get-stdin" (func $get-stdin))
    (export "blocking-read" (func $blocking-read))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
