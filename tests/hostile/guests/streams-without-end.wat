;; Asks for its stdout again and again, and keeps each.
(component
  (import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error (type $outer))
    (export "error" (type $error (eq $outer)))
    (export "output-stream" (type $stream (sub resource)))
    (type $failures (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $failure (eq $failures)))
    (export "[method]output-stream.write" (func
      (param "self" (borrow $stream)) (param "contents" (list u8)) (result (result (error $failure)))))
    (export "[method]output-stream.blocking-write-zeroes-and-flush" (func
      (param "self" (borrow $stream)) (param "len" u64) (result (result (error $failure)))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $stream (type $outer))
    (export "output-stream" (type $stream (eq $outer)))
    (export "get-stdout" (func (result (own $stream))))))
  (core module $memory (memory (export "memory") 512))
  (core instance $memory (instantiate $memory))
  (core func $stdout (canon lower (func $stdout "get-stdout")))
  (core func $write (canon lower (func $streams "[method]output-stream.write") (memory (core memory $memory "memory"))))
  (core func $zeroes (canon lower (func $streams "[method]output-stream.blocking-write-zeroes-and-flush")
    (memory (core memory $memory "memory"))))
  (core func $drop (canon resource.drop $stream))
  (core module $program
    (import "host" "stdout" (func $stdout (result i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "zeroes" (func $zeroes (param i32 i64 i32)))
    (import "host" "drop" (func $drop (param i32)))
    (func (export "run") (result i32)
      (loop $again (drop (call $stdout)) (br $again))
      i32.const 0))
  (core instance $program (instantiate $program (with "host" (instance
    (export "stdout" (func $stdout))
    (export "write" (func $write))
    (export "zeroes" (func $zeroes))
    (export "drop" (func $drop))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
