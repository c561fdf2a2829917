//! A netns whose IPv6 is left to the kernel.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{LabView, Machine, kernel_test, poll_until};
use crate::{LAB, answers, play};

/// Two namespaces, of which `own` configures itself; `br0` in it has the port `p`.
const PAIR: &str = "
    netns.add,own netns.add,lab netns.set-autoconfiguration,own,on
    bridge.add,own,br0 veth.add,own,p,lab,e bridge.add-port,own,br0,p
    link.set-up,own,p link.set-up,lab,e link.set-up,own,br0
    address.add,own,br0,fd00::1/64 address.add,lab,e,fd00::2/64 ";

/// Duplicate detection takes up to two seconds, on a machine at rest.
const DETECTED: Duration = Duration::from_secs(20);

/// Lists the IPv6 addresses of a link as `ip -j address` has them.
fn ipv6(lab: &LabView<'_>, netns: &str, link: &str) -> Vec<Value> {
    let addresses = lab.link(netns, link)["addr_info"].as_array().cloned().unwrap_or_default();
    addresses.into_iter().filter(|address| address["family"] == "inet6").collect()
}

/// Finds who makes the link-local address of a link (ip-sysctl, `addr_gen_mode`).
fn made_by(m: &Machine, netns: &str, link: &str) -> &'static str {
    let file = format!("/proc/sys/net/ipv6/conf/{link}/addr_gen_mode");
    match m.orchestrator(&["exec", LAB, netns, "--", "cat", &file]).success().stdout().trim() {
        "0" => "kernel",
        "1" => "lab",
        other => panic!("{netns}/{link}: {other}"),
    }
}

/// Waits until a link has so many IPv6 addresses, all of them usable.
#[track_caller]
fn gets(lab: &LabView<'_>, netns: &str, link: &str, count: usize) {
    let got = poll_until(Instant::now() + DETECTED, || {
        let found = ipv6(lab, netns, link);
        (found.len() == count && !has(&found, "tentative")).then_some(())
    });
    assert!(got.is_some(), "{netns}/{link}: {:?}", ipv6(lab, netns, link));
}

fn has(addresses: &[Value], key: &str) -> bool {
    addresses.iter().any(|address| address[key] == true)
}

kernel_test!(netns_that_configures_itself_has_what_linux_gives, |m| {
    let played = play(m, &format!("{PAIR} netns.autoconfiguration,own netns.autoconfiguration,lab"));
    played.success();
    assert_eq!(answers(&played, "netns.autoconfiguration,own"), ["ok true"]);
    assert_eq!(answers(&played, "netns.autoconfiguration,lab"), ["ok false"]);
    let lab = m.view(LAB);
    // A port has a link-local address too, and nobody asks for duplicate detection to be left out.
    for (link, count) in [("br0", 2), ("p", 1)] {
        gets(&lab, "own", link, count);
        assert!(!has(&ipv6(&lab, "own", link), "nodad"), "{link}");
        assert_eq!(made_by(m, "own", link), "kernel", "{link}");
    }
    let found = ipv6(&lab, "lab", "e");
    assert_eq!((found.len(), made_by(m, "lab", "e")), (2, "lab"));
    assert!(found.iter().all(|address| address["nodad"] == true), "{found:?}");
    let shown = m.orchestrator(&["show", LAB]);
    shown.success().stdout_has("netns own, autoconfiguration\n").stdout_has("netns lab\n");
    lab.down();
});

kernel_test!(ping_waits_until_an_address_is_no_duplicate, |m| {
    let played = play(m, &format!("{PAIR} ping,own,fd00::2 ping,lab,fd00::1"));
    played.success();
    for ping in ["ping,own,fd00::2", "ping,lab,fd00::1"] {
        let [answer] = answers(&played, ping)[..] else { panic!("{played}") };
        assert!(answer.starts_with("ok reply"), "{ping}: {answer}");
    }
    m.view(LAB).down();
});

kernel_test!(netns_that_stands_is_left_to_the_kernel_and_taken_back, |m| {
    play(m, &format!("{PAIR} netns.set-autoconfiguration,own,off lab.apply netns.set-autoconfiguration,own,on"))
        .success();
    let lab = m.view(LAB);
    gets(&lab, "own", "p", 1);
    assert_eq!(made_by(m, "own", "p"), "kernel");
    lab.down();
    play(m, &format!("{PAIR} lab.apply lab.wait,10000 netns.set-autoconfiguration,own,off")).success();
    let lab = m.view(LAB);
    assert_eq!(ipv6(&lab, "own", "p"), Vec::<Value>::new());
    assert_eq!(made_by(m, "own", "br0"), "lab");
    // Its own address was looked for at its neighbours when it was added; the link-local one is the lab's again.
    let found = ipv6(&lab, "own", "br0");
    let link_local: Vec<&Value> = found.iter().filter(|address| address["scope"] == "link").collect();
    assert_eq!((found.len(), link_local.len()), (2, 1), "{found:?}");
    assert_eq!(link_local[0]["nodad"], true);
    lab.down();
});

kernel_test!(link_that_is_moved_follows_its_netns, |m| {
    let calls = format!(
        "{PAIR} veth.add,own,there,lab,x veth.add,lab,back,own,y lab.apply
        link.set-netns,own,there,lab link.set-netns,lab,back,own
        link.set-up,lab,there link.set-up,lab,x link.set-up,own,back link.set-up,own,y"
    );
    play(m, &calls).success();
    let lab = m.view(LAB);
    for (netns, link, by) in [("lab", "there", "lab"), ("own", "back", "kernel"), ("own", "y", "kernel")] {
        gets(&lab, netns, link, 1);
        assert_eq!(made_by(m, netns, link), by, "{link}");
    }
    lab.down();
});

kernel_test!(what_the_kernel_makes_is_not_changed_by_hand, |m| {
    let calls = "
        netns.add,own netns.set-autoconfiguration,own,on veth.add,own,a,own,b link.set-up,own,a link.set-up,own,b
        address.list,own,a ?link.set-name,own,a,c
        link.set-down,own,a link.set-name,own,a,c link.set-up,own,c";
    let played = play(m, calls);
    played.success();
    let [address] = answers(&played, "address.list,own,a")[..] else { panic!("{played}") };
    let address = address.strip_prefix("ok ").unwrap_or_else(|| panic!("{address}"));
    let [refused, "ok"] = answers(&played, "link.set-name,own,a,c")[..] else { panic!("{played}") };
    assert!(refused.starts_with("in-use EBUSY") && refused.contains("it is up"), "{refused}");
    m.view(LAB).down();
    let calls = format!(
        "netns.add,own netns.set-autoconfiguration,own,on veth.add,own,a,own,b link.set-up,own,a
        ?address.remove,own,a,{address} link.set-down,own,a ?address.add,own,a,{address}"
    );
    let played = play(m, &calls);
    played.success();
    for verb in ["remove", "add"] {
        let [answer] = answers(&played, &format!("address.{verb},own,a,{address}"))[..] else { panic!("{played}") };
        assert!(answer.starts_with("unsupported EOPNOTSUPP") && answer.contains("the kernel makes it"), "{answer}");
    }
    m.view(LAB).down();
});
