;; Lets a table grow by a million elements again and again, and traps when it is told that it can't.
(component
  (core module $program
    (table $table 0 funcref)
    (func (export "run") (result i32)
      (loop $again
        (br_if $again (i32.ge_s (table.grow $table (ref.null func) (i32.const 100000)) (i32.const 0))))
      unreachable))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
