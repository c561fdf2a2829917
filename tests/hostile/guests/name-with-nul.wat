;; Adds a netns whose name ends for the kernel where it does not for the host.
(component
  (import "orchestrator:net/errors@0.1.0" (instance $errors
    (type $codes (enum "denied" "already-exists" "not-found" "in-use" "invalid-argument" "unsupported" "unreachable"
      "timed-out" "limit" "kernel"))
    (export "error-code" (type $code (eq $codes)))
    (type $fields (record (field "code" $code) (field "message" string) (field "errno" string)))
    (export "error" (type $error (eq $fields)))))
  (alias export $errors "error" (type $error))
  (import "orchestrator:net/netns@0.1.0" (instance $netns
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (export "netns" (type $netns (sub resource)))
    (export "add" (func (param "name" string) (result (result (own $netns) (error $error)))))))
  (import "orchestrator:net/lab@0.1.0" (instance $lab (export "log" (func (param "message" string)))))
  (core module $memory
    (memory (export "memory") 1)
    (data (i32.const 0) "red\00blue")
    (global $next (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $next (i32.add (global.get $next) (i32.const 1024)))
      (global.get $next)))
  (core instance $memory (instantiate $memory))
  (core func $add (canon lower (func $netns "add")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $log (canon lower (func $lab "log") (memory (core memory $memory "memory"))))
  (core module $program
    (import "host" "memory" (memory 1))
    (import "host" "add" (func $add (param i32 i32 i32)))
    (import "host" "log" (func $log (param i32 i32)))
    (func (export "run") (result i32)
      (call $add (i32.const 0) (i32.const 8) (i32.const 1024))
      ;; What it is told: the case, then the code, then the message.
      (if (i32.load8_u (i32.const 1024))
        (then (call $log (i32.load (i32.const 1032)) (i32.load (i32.const 1036)))))
      i32.const 0))
  (core instance $program (instantiate $program (with "host" (instance
    (export "memory" (memory $memory "memory"))
    (export "add" (func $add))
    (export "log" (func $log))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
