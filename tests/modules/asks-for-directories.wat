;; A command that asks for its directories and does nothing with them, as the libraries of some languages do.
(component
  (import "wasi:filesystem/types@0.2.0" (instance $types (export "descriptor" (type (sub resource)))))
  (alias export $types "descriptor" (type $descriptor))
  (import "wasi:filesystem/preopens@0.2.0" (instance $preopens
    (alias outer 1 $descriptor (type $outer-descriptor))
    (export "descriptor" (type $directory (eq $outer-descriptor)))
    (export "get-directories" (func (result (list (tuple (own $directory) string)))))))

  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024))
  (core instance $memory (instantiate $memory))
  (core func $get-directories (canon lower (func $preopens "get-directories")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $program
    (import "host" "get-directories" (func $get_directories (param i32)))
    (func (export "run") (result i32)
      (call $get_directories (i32.const 0))
      i32.const 0))
  (core instance $program (instantiate $program (with "host" (instance
    (export "get-directories" (func $get-directories))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
