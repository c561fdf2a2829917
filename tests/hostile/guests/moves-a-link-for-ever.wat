;; Moves a link from netns to netns, round and round through a hundred of them, so that only the host could know where it was.
(component
  (import "orchestrator:net/errors@0.1.0" (instance $errors
    (type $codes (enum "denied" "already-exists" "not-found" "in-use" "invalid-argument" "unsupported" "unreachable"
      "timed-out" "limit" "kernel"))
    (export "error-code" (type $code (eq $codes)))
    (type $fields (record (field "code" $code) (field "message" string) (field "errno" string)))
    (export "error" (type $error (eq $fields)))))
  (alias export $errors "error" (type $error))
  (import "orchestrator:net/netns@0.1.0" (instance $netns
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (export "netns" (type $netns (sub resource)))
    (export "add" (func (param "name" string) (result (result (own $netns) (error $error)))))))
  (alias export $netns "netns" (type $netns-handle))
  (import "orchestrator:net/link@0.1.0" (instance $link
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (alias outer 1 $netns-handle (type $outer-netns))
    (export "netns" (type $netns (eq $outer-netns)))
    (export "link" (type $link (sub resource)))
    (export "[method]link.set-netns" (func
      (param "self" (borrow $link)) (param "target" (borrow $netns)) (result (result (error $error)))))))
  (alias export $link "link" (type $link-handle))
  (import "orchestrator:net/veth@0.1.0" (instance $veth
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (alias outer 1 $netns-handle (type $outer-netns))
    (export "netns" (type $netns (eq $outer-netns)))
    (alias outer 1 $link-handle (type $outer-link))
    (export "link" (type $link (eq $outer-link)))
    (export "add" (func (param "netns" (borrow $netns)) (param "name" string) (param "peer-netns" (borrow $netns))
      (param "peer-name" string) (result (result (tuple (own $link) (own $link)) (error $error)))))))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096))
  (core instance $memory (instantiate $memory))
  (core func $add-netns (canon lower (func $netns "add")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $add-veth (canon lower (func $veth "add")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $set-netns (canon lower (func $link "[method]link.set-netns")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $program
    (import "host" "memory" (memory 1))
    (import "host" "add-netns" (func $add_netns (param i32 i32 i32)))
    (import "host" "add-veth" (func $add_veth (param i32 i32 i32 i32 i32 i32 i32)))
    (import "host" "set-netns" (func $set_netns (param i32 i32 i32)))
    (func (export "run") (result i32)
      (local $n i32) (local $link i32)
      ;; A hundred names, of a letter that all have and one of their own; their handles are noted from 2048.
      (loop $names
        (i32.store8 (i32.const 0) (i32.add (i32.const 97) (i32.div_u (local.get $n) (i32.const 10))))
        (i32.store8 (i32.const 1) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
        (call $add_netns (i32.const 0) (i32.const 2) (i32.const 1024))
        (if (i32.load8_u (i32.const 1024)) (then unreachable))
        (i32.store offset=2048 (i32.mul (local.get $n) (i32.const 4)) (i32.load (i32.const 1028)))
        (br_if $names (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100))))
      ;; Between the first two of them is a cable, `a0` to `a`.
      (i32.store16 (i32.const 0) (i32.const 0x3061))
      (call $add_veth (i32.load (i32.const 2048)) (i32.const 0) (i32.const 2)
        (i32.load (i32.const 2052)) (i32.const 0) (i32.const 1) (i32.const 1024))
      (if (i32.load8_u (i32.const 1024)) (then unreachable))
      (local.set $link (i32.load (i32.const 1028)))
      (loop $again
        (local.set $n (i32.rem_u (i32.add (local.get $n) (i32.const 1)) (i32.const 100)))
        (call $set_netns (local.get $link) (i32.load offset=2048 (i32.mul (local.get $n) (i32.const 4))) (i32.const 1024))
        (if (i32.load8_u (i32.const 1024)) (then unreachable))
        (br $again))
      unreachable))
  (core instance $program (instantiate $program (with "host" (instance
    (export "memory" (memory $memory "memory"))
    (export "add-netns" (func $add-netns))
    (export "add-veth" (func $add-veth))
    (export "set-netns" (func $set-netns))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
