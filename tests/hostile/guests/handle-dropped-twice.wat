;; Drops a handle twice, the second time perhaps that of somebody else.
(component
  (import "orchestrator:net/netns@0.1.0" (instance $netns
    (export "netns" (type $netns (sub resource)))
    (export "host" (func (result (own $netns))))
    (export "[method]netns.name" (func (param "self" (borrow $netns)) (result string)))))
  (alias export $netns "netns" (type $handle))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024))
  (core instance $memory (instantiate $memory))
  (core func $host (canon lower (func $netns "host")))
  (core func $name (canon lower (func $netns "[method]netns.name")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $drop (canon resource.drop $handle))
  (core module $program
    (import "host" "host" (func $host (result i32)))
    (import "host" "name" (func $name (param i32 i32)))
    (import "host" "drop" (func $drop (param i32)))
    (func (export "run") (result i32)
      (local $host i32)
      (local.set $host (call $host))
      (call $drop (local.get $host))
      (call $drop (local.get $host))
      i32.const 0))
  (core instance $program (instantiate $program (with "host" (instance
    (export "host" (func $host))
    (export "name" (func $name))
    (export "drop" (func $drop))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
