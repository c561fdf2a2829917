;; Names a million targets, each by the same text of 16 MiB: for the host these are 16 TiB.
(component
  (import "orchestrator:net/errors@0.1.0" (instance $errors
    (type $codes (enum "denied" "already-exists" "not-found" "in-use" "invalid-argument" "unsupported" "unreachable"
      "timed-out" "limit" "kernel"))
    (export "error-code" (type $code (eq $codes)))
    (type $fields (record (field "code" $code) (field "message" string) (field "errno" string)))
    (export "error" (type $error (eq $fields)))))
  (alias export $errors "error" (type $error))
  (import "orchestrator:net/netns@0.1.0" (instance $netns
    (export "netns" (type $netns (sub resource)))
    (export "host" (func (result (own $netns))))))
  (alias export $netns "netns" (type $handle))
  (import "orchestrator:net/probe@0.1.0" (instance $probe
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (alias outer 1 $handle (type $outer-netns))
    (export "netns" (type $netns (eq $outer-netns)))
    (type $outcomes (enum "reply" "no-reply" "unreachable"))
    (export "ping-outcome" (type $outcome (eq $outcomes)))
    (type $fields (record (field "outcome" $outcome) (field "message" string) (field "errno" string)
      (field "sent" u32) (field "received" u32) (field "round-trip-us" u32)))
    (export "ping-result" (type $result (eq $fields)))
    (export "ping-all" (func (param "sources" (list (borrow $netns))) (param "targets" (list string))
      (param "timeout-ms" u32) (result (result (list $result) (error $error)))))))
  (core module $memory
    (memory (export "memory") 512)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0x10_0000))
  (core instance $memory (instantiate $memory))
  (core func $host (canon lower (func $netns "host")))
  (core func $pings (canon lower (func $probe "ping-all")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $program
    (import "host" "memory" (memory 512))
    (import "host" "host" (func $host (result i32)))
    (import "host" "pings" (func $pings (param i32 i32 i32 i32 i32 i32)))
    (func (export "run") (result i32)
      (local $at i32)
      (loop $again
        (i32.store (local.get $at) (i32.const 0x100_0000))
        (i32.store offset=4 (local.get $at) (i32.const 0xff_0000))
        (br_if $again (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 0x80_0000))))
      (call $pings (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x10_0000) (i32.const 1) (i32.const 0))
      i32.const 0))
  (core instance $program (instantiate $program (with "host" (instance
    (export "memory" (memory $memory "memory"))
    (export "host" (func $host))
    (export "pings" (func $pings))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
