;; Spends its time in one instruction, which fills 32 MiB, again and again.
(component
  (core module $program
    (memory 512)
    (func (export "run") (result i32)
      (loop $again
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x200_0000))
        (br $again))
      unreachable))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
