;; Takes memory, page by page, until there is none.
(component
  (core module $program
    (memory 1)
    (func (export "run") (result i32)
      (local $page i32)
      (loop $again
        (local.set $page (memory.grow (i32.const 1)))
        ;; Touched, or it would cost the host nothing.
        (i32.store (i32.mul (local.get $page) (i32.const 0x1_0000)) (i32.const 1))
        (br $again))
      unreachable))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
