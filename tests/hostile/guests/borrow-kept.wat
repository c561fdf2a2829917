;; Keeps a handle that was lent to it for one call, when that call is over.
(component
  (import "orchestrator:net/netns@0.1.0" (instance $netns
    (export "netns" (type $netns (sub resource)))
    (export "host" (func (result (own $netns))))))
  (alias export $netns "netns" (type $handle))
  (component $keeper
    (import "netns" (type $netns (sub resource)))
    (core module $keep (func (export "keep") (param i32)))
    (core instance $keep (instantiate $keep))
    (func (export "keep") (param "netns" (borrow $netns)) (canon lift (core func $keep "keep"))))
  (instance $keeper (instantiate $keeper (with "netns" (type $handle))))
  (component $caller
    (import "netns" (type $netns (sub resource)))
    (import "host" (func $host (result (own $netns))))
    (import "keep" (func $keep (param "netns" (borrow $netns))))
    (core func $host (canon lower (func $host)))
    (core func $keep (canon lower (func $keep)))
    (core module $program
      (import "host" "host" (func $host (result i32)))
      (import "host" "keep" (func $keep (param i32)))
      (func (export "run") (result i32) (call $keep (call $host)) i32.const 0))
    (core instance $program (instantiate $program (with "host" (instance
      (export "host" (func $host))
      (export "keep" (func $keep))))))
    (func (export "run") (result (result)) (canon lift (core func $program "run"))))
  (instance $caller (instantiate $caller
    (with "netns" (type $handle))
    (with "host" (func $netns "host"))
    (with "keep" (func $keeper "keep"))))
  (instance $command (export "run" (func $caller "run")))
  (export "wasi:cli/run@0.2.0" (instance $command)))
