//! `fabric LEAVES SPINES HOSTS`: leaves and spines that route.

use std::collections::BTreeSet;

use serde_json::json;

use crate::prints;
use crate::support::kernel_test;

/// The addresses of a fabric, each behind the name of its link.
fn addresses(leaves: usize, spines: usize, hosts: usize, ipv6: bool) -> BTreeSet<String> {
    let mut addresses = BTreeSet::new();
    for leaf in 1..=leaves {
        let mut add = |link: &str, ipv4: String, also: String| {
            addresses.insert(format!("{link} {ipv4}"));
            addresses.extend(ipv6.then(|| format!("{link} {also}")));
        };
        add("br0", format!("10.{leaf}.0.1/16"), format!("fd00:a:{leaf}::1/64"));
        for place in 2..hosts + 2 {
            add("eth0", format!("10.{leaf}.0.{place}/16"), format!("fd00:a:{leaf}::{place}/64"));
        }
        for spine in 1..=spines {
            let (lower, higher) = (2 * spine - 2, 2 * spine - 1);
            let (up, down) = (format!("to-spine{spine}"), format!("to-leaf{leaf}"));
            // `ip` leaves out all zeros of the lower IPv6 address.
            add(&up, format!("172.16.{leaf}.{lower}/31"), format!("fd00:b:{leaf}:{spine}::/127"));
            add(&down, format!("172.16.{leaf}.{higher}/31"), format!("fd00:b:{leaf}:{spine}::1/127"));
        }
    }
    addresses
}

kernel_test!(fabric_deals_the_other_leaves_to_the_spines, |m| {
    let outcome = m.orchestrator(&["run", "fabric", "--", "3", "2", "4"]);
    let beginnings = [
        "leaf1-host1 -> leaf3-host4, 10.3.0.5, by spine1: reply in ",
        "leaf1-host1 -> leaf2-host4, 10.2.0.5, by spine2: reply in ",
    ];
    prints(&outcome, &beginnings);
    let lab = m.view("fabric");
    assert_eq!(lab.netns("host"), ["lo down"]);
    let leaf1 = [
        "lo up 127.0.0.1/8 ::1/128",
        "br0 up 10.1.0.1/16 link-local",
        "to-host1 up master br0",
        "to-host2 up master br0",
        "to-host3 up master br0",
        "to-host4 up master br0",
        "to-spine1 up 172.16.1.0/31 link-local",
        "to-spine2 up 172.16.1.2/31 link-local",
        "10.1.0.0/16 dev br0 proto kernel scope link src 10.1.0.1",
        "10.2.0.0/16 via 172.16.1.3 dev to-spine2",
        "10.3.0.0/16 via 172.16.1.1 dev to-spine1",
        "172.16.1.0/31 dev to-spine1 proto kernel scope link src 172.16.1.0",
        "172.16.1.2/31 dev to-spine2 proto kernel scope link src 172.16.1.2",
    ];
    assert_eq!(lab.netns("leaf1"), leaf1);
    // The way back is by the same spine.
    let (leaf2, leaf3) = (lab.netns("leaf2"), lab.netns("leaf3"));
    assert!(leaf2.contains(&"10.1.0.0/16 via 172.16.2.3 dev to-spine2".to_owned()), "{leaf2:?}");
    assert!(leaf3.contains(&"10.1.0.0/16 via 172.16.3.1 dev to-spine1".to_owned()), "{leaf3:?}");
    let spine1 = [
        "lo up 127.0.0.1/8 ::1/128",
        "to-leaf1 up 172.16.1.1/31 link-local",
        "to-leaf2 up 172.16.2.1/31 link-local",
        "to-leaf3 up 172.16.3.1/31 link-local",
        "10.1.0.0/16 via 172.16.1.0 dev to-leaf1",
        "10.2.0.0/16 via 172.16.2.0 dev to-leaf2",
        "10.3.0.0/16 via 172.16.3.0 dev to-leaf3",
        "172.16.1.0/31 dev to-leaf1 proto kernel scope link src 172.16.1.1",
        "172.16.2.0/31 dev to-leaf2 proto kernel scope link src 172.16.2.1",
        "172.16.3.0/31 dev to-leaf3 proto kernel scope link src 172.16.3.1",
    ];
    assert_eq!(lab.netns("spine1"), spine1);
    assert_eq!(lab.global_addresses(), addresses(3, 2, 4, false));
    assert_eq!(lab.netns_count(), 1 + 3 + 2 + 3 * 4);
    lab.down();
});

kernel_test!(fabric_stands_with_ipv6, |m| {
    let outcome = m.orchestrator(&["run", "fabric", "--", "2", "2", "2", "--ipv6"]);
    let beginnings = [
        "leaf1-host1 -> leaf2-host2, 10.2.0.3, by spine2: reply in ",
        "leaf1-host1 -> leaf2-host2, fd00:a:2::3, by spine2: reply in ",
    ];
    prints(&outcome, &beginnings);
    let lab = m.view("fabric");
    let host = [
        "lo up 127.0.0.1/8 ::1/128",
        "eth0 up 10.2.0.3/16 fd00:a:2::3/64 link-local",
        "default via 10.2.0.1 dev eth0",
        "10.2.0.0/16 dev eth0 proto kernel scope link src 10.2.0.3",
        "default via fd00:a:2::1 dev eth0 metric 1024",
        "fd00:a:2::/64 dev eth0 proto kernel metric 256",
    ];
    assert_eq!(lab.netns("leaf2-host2"), host);
    let spine2 = [
        "lo up 127.0.0.1/8 ::1/128",
        "to-leaf1 up 172.16.1.3/31 fd00:b:1:2::1/127 link-local",
        "to-leaf2 up 172.16.2.3/31 fd00:b:2:2::1/127 link-local",
        "10.1.0.0/16 via 172.16.1.2 dev to-leaf1",
        "10.2.0.0/16 via 172.16.2.2 dev to-leaf2",
        "172.16.1.2/31 dev to-leaf1 proto kernel scope link src 172.16.1.3",
        "172.16.2.2/31 dev to-leaf2 proto kernel scope link src 172.16.2.3",
        "fd00:a:1::/64 via fd00:b:1:2:: dev to-leaf1 metric 1024",
        "fd00:a:2::/64 via fd00:b:2:2:: dev to-leaf2 metric 1024",
        "fd00:b:1:2::/127 dev to-leaf1 proto kernel metric 256",
        "fd00:b:2:2::/127 dev to-leaf2 proto kernel metric 256",
    ];
    assert_eq!(lab.netns("spine2"), spine2);
    assert_eq!(lab.global_addresses(), addresses(2, 2, 2, true));
    assert_eq!(lab.netns_count(), 1 + 2 + 2 + 2 * 2);
    lab.down();
});

kernel_test!(fabric_takes_no_other_numbers, |m| {
    let cases: [(&[&str], &str); 10] = [
        (&[], "not provided: <LEAVES> <SPINES> <HOSTS>"),
        (&["2", "2"], "not provided: <HOSTS>"),
        (&["--ipv6", "2"], "not provided: <SPINES> <HOSTS>"),
        (&["1", "2", "2"], "'<LEAVES>': it is no whole number from 2 to 255"),
        (&["2", "0", "2"], "'<SPINES>': it is no whole number from 1 to 128"),
        (&["2", "2", "-1"], "'<HOSTS>': it is no whole number from 1 to 1000"),
        (&["256", "2", "2"], "'<LEAVES>': it is no whole number from 2 to 255"),
        (&["2", "129", "2"], "'<SPINES>': it is no whole number from 1 to 128"),
        (&["2", "2", "1001"], "'<HOSTS>': it is no whole number from 1 to 1000"),
        (&["2", "2", "2", "2"], "unexpected argument '2' found"),
    ];
    for (arguments, words) in cases {
        let outcome = m.command("orchestrator").args(&["run", "fabric", "--"]).args(arguments).run();
        outcome.complains(2, words);
        assert_eq!(outcome.stdout(), "", "{outcome}");
    }
    assert_eq!(m.orchestrator(&["list", "--json"]).success().json(), json!([]));
});
