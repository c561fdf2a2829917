;; A core module that asks for a function of WASI preview 1 and has no memory for it.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
  (func (export "_start")))
