;; Does as Go's runtime does: what it grows by it takes to lie where its memory ends, whoever has grown it meanwhile.
(module
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 8) "\10\00\00\00\06\00\00\00")
  (data (i32.const 16) "whole\n")
  (global $end (mut i32) (i32.const 131072))
  (func $take (param $pages i32)
    (if (i32.eq (memory.grow (local.get $pages)) (i32.const -1)) (then unreachable))
    (memory.fill (global.get $end) (i32.const 0xaa) (i32.mul (local.get $pages) (i32.const 65536)))
    (global.set $end (i32.add (global.get $end) (i32.mul (local.get $pages) (i32.const 65536)))))
  (func (export "_start")
    (local $i i32)
    (call $take (i32.const 1))
    ;; The adapter's first call, at which it asks for memory of its own.
    (drop (call $environ (i32.const 64) (i32.const 68)))
    (loop $more
      (call $take (i32.const 16))
      (drop (call $environ (i32.const 64) (i32.const 68)))
      (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))
    (drop (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 64)))
    ;; There is no more than the room.
    (if (i32.ne (memory.grow (i32.const 448)) (i32.const -1)) (then unreachable)))
  (@producers (processed-by "Go cmd/compile" "go1.27")))
