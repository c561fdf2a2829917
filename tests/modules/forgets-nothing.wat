;; A command that adds and removes a netns for ever and holds nothing, so that only the host could remember them.
(component
  (import "orchestrator:net/errors@0.1.0" (instance $errors
    (type $codes (enum "denied" "already-exists" "not-found" "in-use" "invalid-argument" "unsupported" "unreachable"
      "timed-out" "limit" "kernel"))
    (export "error-code" (type $error-code (eq $codes)))
    (type $fields (record (field "code" $error-code) (field "message" string) (field "errno" string)))
    (export "error" (type $error (eq $fields)))))
  (alias export $errors "error" (type $error))
  (import "orchestrator:net/netns@0.1.0" (instance $netns
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (export "netns" (type $netns (sub resource)))
    (export "add" (func (param "name" string) (result (result (own $netns) (error $error)))))
    (export "[method]netns.remove" (func (param "self" (borrow $netns)) (result (result (error $error)))))))
  (alias export $netns "netns" (type $netns-handle))

  (core module $memory
    (memory (export "memory") 1)
    (data (i32.const 0) "a-long-name")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096))
  (core instance $memory (instantiate $memory))
  (core func $add (canon lower (func $netns "add")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $remove (canon lower (func $netns "[method]netns.remove")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $drop (canon resource.drop $netns-handle))
  (core module $program
    (import "host" "memory" (memory 1))
    (import "host" "add" (func $add (param i32 i32 i32)))
    (import "host" "remove" (func $remove (param i32 i32)))
    (import "host" "drop" (func $drop (param i32)))
    (func (export "run") (result i32)
      (loop $again
        ;; The results are written to 1024, the handle behind its case.
        (call $add (i32.const 0) (i32.const 11) (i32.const 1024))
        (if (i32.load8_u (i32.const 1024)) (then unreachable))
        (call $remove (i32.load (i32.const 1028)) (i32.const 2048))
        (if (i32.load8_u (i32.const 2048)) (then unreachable))
        (call $drop (i32.load (i32.const 1028)))
        (br $again))
      i32.const 0))
  (core instance $program (instantiate $program (with "host" (instance
    (export "memory" (memory $memory "memory"))
    (export "add" (func $add))
    (export "remove" (func $remove))
    (export "drop" (func $drop))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
