(component
  (core module $program
    (func $read_the_map unreachable)
    (func $find_the_way call $read_the_map)
    (func (export "run") (result i32) call $find_the_way i32.const 0))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
