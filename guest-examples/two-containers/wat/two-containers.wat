;; Two containers on a bridge, by hand: what every other language compiles to. The drawing is in ../README.md.
;;
;; An import is called by the interface and the function. A text is two numbers, where it is and how long; an object is one, its
;; handle. A function that can fail writes what it answers to the place that is its last argument:
;;
;;   0    0 if it succeeded, 1 if not
;;   4    the handle; or the error: its code
;;   8         a second handle;      where its message is
;;   12                              how long that is

(module
  (import "orchestrator:net/netns@0.1.0" "host" (func $netns.host (result i32)))
  (import "orchestrator:net/netns@0.1.0" "add" (func $netns.add (param i32 i32 i32)))
  (import "orchestrator:net/veth@0.1.0" "add" (func $veth.add (param i32 i32 i32 i32 i32 i32 i32)))
  (import "orchestrator:net/bridge@0.1.0" "add" (func $bridge.add (param i32 i32 i32 i32)))
  (import "orchestrator:net/bridge@0.1.0" "add-port" (func $bridge.add-port (param i32 i32 i32)))
  (import "orchestrator:net/address@0.1.0" "add" (func $address.add (param i32 i32 i32 i32)))
  (import "orchestrator:net/route@0.1.0" "add-via" (func $route.add-via (param i32 i32 i32 i32 i32 i32)))
  (import "orchestrator:net/link@0.1.0" "get" (func $link.get (param i32 i32 i32 i32)))
  (import "orchestrator:net/link@0.1.0" "[method]link.set-up" (func $link.set-up (param i32 i32)))
  (import "orchestrator:net/link@0.1.0" "[method]link.set-netns" (func $link.set-netns (param i32 i32 i32)))
  (import "orchestrator:net/probe@0.1.0" "ping" (func $probe.ping (param i32 i32 i32 i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (memory (export "memory") 1)

  (data (i32.const 0x100) "container1") (data (i32.const 0x110) "container2")
  (data (i32.const 0x120) "veth1")      (data (i32.const 0x130) "ceth1")
  (data (i32.const 0x140) "veth2")      (data (i32.const 0x150) "ceth2")
  (data (i32.const 0x160) "br0")        (data (i32.const 0x170) "uplink0")
  (data (i32.const 0x180) "lo")         (data (i32.const 0x190) "default")
  (data (i32.const 0x200) "172.16.0.2/24") (data (i32.const 0x220) "172.16.0.3/24")
  (data (i32.const 0x240) "172.16.0.1/24") (data (i32.const 0x260) "192.168.100.1/24")
  (data (i32.const 0x280) "no reply from 172.16.0.3\n")
  (data (i32.const 0x2a0) "container1 found a way to uplink0 without a route\n")
  (data (i32.const 0x2e0) "no reply from 192.168.100.1\n")
  (data (i32.const 0x300) "two containers and the host reach each other\n")
  (data (i32.const 0x330) "\n")
  (data (i32.const 0x340) "no reply from 172.16.0.2\n")

  ;; Texts that come back, such as an error's message, are put where the module says. This one forgets none of them.
  (global $free (mut i32) (i32.const 0x1000))
  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (global.set $free
      (i32.and (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
               (i32.sub (i32.const 0) (local.get $align))))
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (local.get $size))))

  (func $print (param $stream i32) (param $text i32) (param $length i32)
    (i32.store (i32.const 0x40) (local.get $text))
    (i32.store (i32.const 0x44) (local.get $length))
    (drop (call $fd_write (local.get $stream) (i32.const 0x40) (i32.const 1) (i32.const 0x48))))

  (func $fail (param $text i32) (param $length i32)
    (call $print (i32.const 2) (local.get $text) (local.get $length))
    (call $proc_exit (i32.const 1)))

  ;; Ends the scenario with the message of a call that was refused.
  (func $check
    (if (i32.load8_u (i32.const 0))
      (then
        (call $print (i32.const 2) (i32.load (i32.const 8)) (i32.load (i32.const 12)))
        (call $fail (i32.const 0x330) (i32.const 1)))))

  (func $handle (result i32)
    (call $check)
    (i32.load (i32.const 4)))

  ;; Sets up a link that is there already, such as `lo`.
  (func $up (param $link i32)
    (call $link.set-up (local.get $link) (i32.const 0))
    (call $check))

  ;; Moves one end of a pair into its container, sets it up there, and gives it its address.
  (func $plug (param $link i32) (param $container i32) (param $address i32)
    (call $link.set-netns (local.get $link) (local.get $container) (i32.const 0)) (call $check)
    (call $link.get (local.get $container) (i32.const 0x180) (i32.const 2) (i32.const 0))
    (call $up (call $handle))
    (call $up (local.get $link))
    (call $address.add (local.get $link) (local.get $address) (i32.const 13) (i32.const 0)) (call $check))

  ;; Tells what became of a ping: 0 a reply, 1 none, 2 there is no way.
  (func $outcome (param $source i32) (param $target i32) (param $length i32) (result i32)
    (call $probe.ping (local.get $source) (local.get $target) (local.get $length) (i32.const 0))
    (call $check)
    (i32.load8_u (i32.const 4)))

  (func (export "_start")
    (local $host i32) (local $container1 i32) (local $container2 i32)
    (local $veth1 i32) (local $ceth1 i32) (local $veth2 i32) (local $ceth2 i32)
    (local $br0 i32) (local $uplink0 i32)

    (local.set $host (call $netns.host))
    (call $netns.add (i32.const 0x100) (i32.const 10) (i32.const 0)) (local.set $container1 (call $handle))
    (call $netns.add (i32.const 0x110) (i32.const 10) (i32.const 0)) (local.set $container2 (call $handle))

    ;; A veth pair is a cable. One end stays in the host, the other moves into the container.
    (call $veth.add (local.get $host) (i32.const 0x120) (i32.const 5) (local.get $host) (i32.const 0x130) (i32.const 5) (i32.const 0))
    (local.set $veth1 (call $handle)) (local.set $ceth1 (i32.load (i32.const 8)))
    (call $veth.add (local.get $host) (i32.const 0x140) (i32.const 5) (local.get $host) (i32.const 0x150) (i32.const 5) (i32.const 0))
    (local.set $veth2 (call $handle)) (local.set $ceth2 (i32.load (i32.const 8)))
    (call $plug (local.get $ceth1) (local.get $container1) (i32.const 0x200))
    (call $plug (local.get $ceth2) (local.get $container2) (i32.const 0x220))

    ;; The bridge is the switch between the ends that stayed, and the host's own way into their network.
    (call $bridge.add (local.get $host) (i32.const 0x160) (i32.const 3) (i32.const 0)) (local.set $br0 (call $handle))
    (call $bridge.add-port (local.get $br0) (local.get $veth1) (i32.const 0)) (call $check)
    (call $up (local.get $veth1))
    (call $bridge.add-port (local.get $br0) (local.get $veth2) (i32.const 0)) (call $check)
    (call $up (local.get $veth2))
    (call $up (local.get $br0))
    (call $address.add (local.get $br0) (i32.const 0x240) (i32.const 13) (i32.const 0)) (call $check)

    ;; A bridge without ports plays the host's other interface: all that counts is its address.
    (call $bridge.add (local.get $host) (i32.const 0x170) (i32.const 7) (i32.const 0)) (local.set $uplink0 (call $handle))
    (call $up (local.get $uplink0))
    (call $address.add (local.get $uplink0) (i32.const 0x260) (i32.const 16) (i32.const 0)) (call $check)

    ;; An address is the beginning of what it is written with its prefix.
    (if (call $outcome (local.get $container1) (i32.const 0x220) (i32.const 10))
      (then (call $fail (i32.const 0x280) (i32.const 25))))
    (if (call $outcome (local.get $host) (i32.const 0x200) (i32.const 10))
      (then (call $fail (i32.const 0x340) (i32.const 25))))
    (if (call $outcome (local.get $host) (i32.const 0x220) (i32.const 10))
      (then (call $fail (i32.const 0x280) (i32.const 25))))
    ;; A ping that fails is an answer and no error: container1 knows only its own network.
    (if (i32.ne (call $outcome (local.get $container1) (i32.const 0x260) (i32.const 13)) (i32.const 2))
      (then (call $fail (i32.const 0x2a0) (i32.const 50))))
    (call $route.add-via (local.get $ceth1) (i32.const 0x190) (i32.const 7) (i32.const 0x240) (i32.const 10) (i32.const 0))
    (call $check)
    (if (call $outcome (local.get $container1) (i32.const 0x260) (i32.const 13))
      (then (call $fail (i32.const 0x2e0) (i32.const 28))))
    (call $print (i32.const 1) (i32.const 0x300) (i32.const 45))))
