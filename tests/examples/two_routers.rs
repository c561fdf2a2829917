//! `two-routers`: static routes over two netns that forward.

use serde_json::Value;

use crate::prints;
use crate::support::kernel_test;

kernel_test!(two_routers_stand_and_prove_themselves, |m| {
    let outcome = m.orchestrator(&["run", "two-routers"]);
    let beginnings = [
        "lan-a -> lan-b, 172.16.20.2, without routes: network is unreachable",
        "lan-a -> lan-b, fd00:20::2, without routes: network is unreachable",
        "lan-a -> lan-b, 172.16.20.2, with routes: no reply within 200 ms",
        "lan-a -> lan-b, fd00:20::2, with routes: no reply within 200 ms",
        "lan-a -> lan-b, 172.16.20.2, with routes and forwarding: reply in ",
        "lan-a -> lan-b, fd00:20::2, with routes and forwarding: reply in ",
    ];
    prints(&outcome, &beginnings);
    let lab = m.view("two-routers");
    assert_eq!(lab.netns("host"), ["lo down"]);
    let lan_a = [
        "lo up 127.0.0.1/8 ::1/128",
        "eth0 up 172.16.10.2/24 fd00:10::2/64 link-local",
        "default via 172.16.10.1 dev eth0",
        "172.16.10.0/24 dev eth0 proto kernel scope link src 172.16.10.2",
        "default via fd00:10::1 dev eth0 metric 1024",
        "fd00:10::/64 dev eth0 proto kernel metric 256",
    ];
    assert_eq!(lab.netns("lan-a"), lan_a);
    let router1 = [
        "lo up 127.0.0.1/8 ::1/128",
        "lan up 172.16.10.1/24 fd00:10::1/64 link-local",
        "wan up 172.16.12.1/24 fd00:12::1/64 link-local",
        "172.16.10.0/24 dev lan proto kernel scope link src 172.16.10.1",
        "172.16.12.0/24 dev wan proto kernel scope link src 172.16.12.1",
        "172.16.20.0/24 via 172.16.12.2 dev wan",
        "fd00:10::/64 dev lan proto kernel metric 256",
        "fd00:12::/64 dev wan proto kernel metric 256",
        "fd00:20::/64 via fd00:12::2 dev wan metric 1024",
    ];
    assert_eq!(lab.netns("router1"), router1);
    let router2 = [
        "lo up 127.0.0.1/8 ::1/128",
        "lan up 172.16.20.1/24 fd00:20::1/64 link-local",
        "wan up 172.16.12.2/24 fd00:12::2/64 link-local",
        "172.16.10.0/24 via 172.16.12.1 dev wan",
        "172.16.12.0/24 dev wan proto kernel scope link src 172.16.12.2",
        "172.16.20.0/24 dev lan proto kernel scope link src 172.16.20.1",
        "fd00:10::/64 via fd00:12::1 dev wan metric 1024",
        "fd00:12::/64 dev wan proto kernel metric 256",
        "fd00:20::/64 dev lan proto kernel metric 256",
    ];
    assert_eq!(lab.netns("router2"), router2);
    let lan_b = [
        "lo up 127.0.0.1/8 ::1/128",
        "eth0 up 172.16.20.2/24 fd00:20::2/64 link-local",
        "default via 172.16.20.1 dev eth0",
        "172.16.20.0/24 dev eth0 proto kernel scope link src 172.16.20.2",
        "default via fd00:20::1 dev eth0 metric 1024",
        "fd00:20::/64 dev eth0 proto kernel metric 256",
    ];
    assert_eq!(lab.netns("lan-b"), lan_b);
    assert_eq!(lab.netns_count(), 5);

    for (netns, forwards) in [("lan-a", false), ("router1", true), ("router2", true), ("lan-b", false)] {
        for family in ["-4", "-6"] {
            let shown =
                m.orchestrator(&["exec", "two-routers", netns, "--", "ip", "-j", family, "netconf"]).success().json();
            let links = ["all", "eth0", "lan", "wan"].map(Value::from);
            let settings = shown.as_array().into_iter().flatten();
            let found: Vec<&Value> = settings.filter(|link| links.contains(&link["interface"])).collect();
            assert!(found.len() > 1 && found.iter().all(|link| link["forwarding"] == forwards), "{netns}: {shown}");
        }
    }
    lab.down();
});
