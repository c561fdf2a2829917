;; Waits for the first of eight million events, each of which is the same.
(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))
    (export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $outer))
    (export "pollable" (type $pollable (eq $outer)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))
  (core module $memory
    (memory (export "memory") 512)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0))
  (core instance $memory (instantiate $memory))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $poll (canon lower (func $poll "poll")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $program
    (import "host" "memory" (memory 512))
    (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "host" "block" (func $block (param i32)))
    (import "host" "poll" (func $poll (param i32 i32 i32)))
    (func (export "run") (result i32)
      (local $event i32) (local $at i32)
      (local.set $event (call $subscribe (i64.const 1)))
      (loop $again
        (i32.store (local.get $at) (local.get $event))
        (br_if $again (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const 0x1ff_0000))))
      (call $poll (i32.const 0) (i32.const 0x7f_c000) (i32.const 0))
      i32.const 0))
  (core instance $program (instantiate $program (with "host" (instance
    (export "memory" (memory $memory "memory"))
    (export "subscribe" (func $subscribe))
    (export "block" (func $block))
    (export "poll" (func $poll))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
