;; Makes objects for the engine to collect (the proposal GC).
(component
  (core module $program
    (type $list (struct (field (ref null $list))))
    (func (export "run") (result i32)
      (local $all (ref null $list))
      (loop $again (local.set $all (struct.new $list (local.get $all))) (br $again))
      unreachable))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
