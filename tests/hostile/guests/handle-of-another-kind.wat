;; Hands a netns over where a link is wanted.
(component
  (import "orchestrator:net/netns@0.1.0" (instance $netns
    (export "netns" (type $netns (sub resource)))
    (export "host" (func (result (own $netns))))))
  (import "orchestrator:net/link@0.1.0" (instance $link
    (export "link" (type $link (sub resource)))
    (export "[method]link.name" (func (param "self" (borrow $link)) (result string)))))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024))
  (core instance $memory (instantiate $memory))
  (core func $host (canon lower (func $netns "host")))
  (core func $name (canon lower (func $link "[method]link.name")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $program
    (import "host" "host" (func $host (result i32)))
    (import "host" "name" (func $name (param i32 i32)))
    (func (export "run") (result i32) (call $name (call $host) (i32.const 0)) i32.const 0))
  (core instance $program (instantiate $program (with "host" (instance
    (export "host" (func $host))
    (export "name" (func $name))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
