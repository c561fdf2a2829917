//! Links, addresses and routes as the kernel has them, and what is answered without asking the kernel.

use serde_json::{Value, json};

use crate::support::kernel_test;
use crate::{LAB, answers, finds, play, stands_either_way};

/// A network with something of everything.
const DRAWN: &str = "
    netns.add,c1 netns.add,c2 bridge.add,host,br0
    veth.add,host,veth1,c1,eth0 veth.add,host,veth2,c2,eth0 veth.add,c2,spare,c2,spare-too
    bridge.add-port,host,br0,veth1 bridge.add-port,host,br0,veth2
    link.set-up,host,veth1 link.set-up,host,veth2 link.set-up,c1,eth0 link.set-up,c2,eth0 link.set-up,host,br0
    link.set-up,c1,lo link.set-mtu,c2,spare,1400
    address.add,host,br0,172.16.0.1/24 address.add,host,br0,fd00::1/64
    address.add,c1,eth0,172.16.0.2/24 address.add,c1,eth0,172.16.0.9/24 address.add,c1,eth0,fd00::2/64
    address.add,c2,eth0,172.16.0.3/24 address.add,c2,spare,10.0.0.1/24
    route.add,c1,default,172.16.0.1 route.add,c1,default,fd00::1 route.add-on-link,c1,eth0,10.1.0.0/16
    route.add,c1,10.2.3.4,10.1.0.1 route.add-via,c1,eth0,fd05::/64,fe80::1 ";

/// Every question that the model answers.
const ASKED: &str = "
    netns.list netns.get,c1 link.list,host link.get,c1,eth0 link.show,c2,spare veth.peer,c1,eth0 bridge.ports,host,br0
    address.list,c1,eth0 route.list,c1 ";

kernel_test!(scenario_that_fails_after_gets_and_lists_has_touched_nothing, |m| {
    let outcome = play(m, &format!("{DRAWN} {ASKED} lab.name sys.fail,enough"));
    outcome.fails_with(1).stderr_has("nothing had been built").stderr_lacks("undone");
    assert_eq!(m.orchestrator(&["list", "--json"]).success().json(), json!([]));
});

kernel_test!(scenario_that_fails_after_a_look_is_undone, |m| {
    for look in [
        "lab.apply",
        "lab.wait,1000",
        "probe.links,c1",
        "probe.addresses,c1",
        "probe.routes,c1",
        "probe.ping,c1,172.16.0.3",
    ] {
        let outcome = play(m, &format!("{DRAWN} {look} sys.fail,enough"));
        outcome.fails_with(1).stderr_has("what had been built was undone");
        assert_eq!(m.orchestrator(&["list", "--json"]).success().json(), json!([]), "{look}");
    }
});

kernel_test!(gets_and_lists_tell_what_will_stand, |m| {
    let outcome = play(m, &format!("{DRAWN} {ASKED}"));
    outcome.success();
    let lab = m.view(LAB);
    let answer = |call: &str| match answers(&outcome, call)[..] {
        [only] => only.strip_prefix("ok ").unwrap_or_else(|| panic!("{call}: {only}")).to_owned(),
        _ => panic!("{call}: {outcome}"),
    };
    assert_eq!(answer("netns.list"), "host; c1; c2");
    assert_eq!(answer("netns.get,c1"), "c1");
    assert_eq!(answer("link.list,host"), "lo; br0; veth1; veth2");
    assert_eq!(answer("link.get,c1,eth0"), "eth0");
    assert_eq!(answer("veth.peer,c1,eth0"), "veth1 host");
    assert_eq!(answer("bridge.ports,host,br0"), "veth1; veth2");

    let spare = lab.link("c2", "spare");
    assert_eq!(answer("link.show,c2,spare"), format!("spare c2 veth {} 1400 down", spare["address"].as_str().unwrap()));
    let (links, routes) = lab.read("c1");
    assert_eq!(sorted(&answer("address.list,c1,eth0")), sorted_lines(cidrs(&links[1])));
    assert_eq!(sorted(&answer("route.list,c1")), sorted_lines(routes));
    lab.down();
});

kernel_test!(looks_show_what_ip_shows, |m| {
    let calls = format!("{DRAWN} lab.wait,5000 ");
    let looks: Vec<String> = ["host", "c1", "c2"]
        .iter()
        .map(|netns| format!("probe.links,{netns} probe.addresses,{netns} probe.routes,{netns}"))
        .collect();
    let outcome = play(m, &(calls + &looks.join(" ")));
    outcome.success();
    let lab = m.view(LAB);
    let shown = |look: &str, netns: &str| -> Vec<String> {
        let [only] = answers(&outcome, &format!("probe.{look},{netns}"))[..] else { panic!("{outcome}") };
        let lines = only.strip_prefix("ok ").unwrap_or_else(|| panic!("{only}"));
        lines.split("; ").filter(|line| !line.is_empty()).map(without_carrier).collect()
    };
    for netns in ["host", "c1", "c2"] {
        let (links, routes) = lab.read(netns);
        assert_eq!(shown("links", netns), links.iter().map(link_words).collect::<Vec<_>>(), "links of {netns}");
        let addresses: Vec<String> = links.iter().flat_map(address_words).collect();
        assert_eq!(shown("addresses", netns), addresses, "addresses of {netns}");
        assert_eq!(shown("routes", netns), routes, "routes of {netns}");
    }
    // Something was compared.
    assert_eq!(shown("routes", "c1").len(), 8, "{outcome}");
    lab.down();
});

kernel_test!(looks_with_changes_between_them_see_each_what_stands_then, |m| {
    let calls = "
        netns.add,c1 veth.add,host,veth1,c1,eth0 probe.links,c1
        link.set-up,host,veth1 link.set-up,c1,eth0 address.add,c1,eth0,172.16.0.2/24 probe.addresses,c1
        address.remove,c1,eth0,172.16.0.2/24 address.add,c1,eth0,10.0.0.2/24 probe.addresses,c1
        route.add,c1,default,10.0.0.1 probe.routes,c1
        netns.add,c2 link.set-netns,c1,eth0,c2 probe.links,c1 probe.links,c2
        link.set-name,c2,eth0,eth9 bridge.add,c2,br0 bridge.add-port,c2,br0,eth9 probe.links,c2
        link.set-up,c2,br0 bridge.remove-port,c2,eth9 link.set-up,c2,eth9 address.add,c2,eth9,fd00::9/64
        netns.remove,c1";
    let outcome = play(m, calls);
    outcome.success();
    let names = |call: &str| -> Vec<Vec<String>> {
        let names = |answer: &str| {
            answer
                .trim_start_matches("ok ")
                .split("; ")
                .map(|line| line.split(':').next().unwrap().to_owned())
                .collect()
        };
        answers(&outcome, call).into_iter().map(names).collect()
    };
    assert_eq!(names("probe.links,c1"), [vec!["lo", "eth0"], vec!["lo"]]);
    assert_eq!(names("probe.links,c2"), [vec!["lo", "eth0"], vec!["lo", "eth9", "br0"]]);
    let [first, second] = answers(&outcome, "probe.addresses,c1")[..] else { panic!("{outcome}") };
    assert!(first.contains("eth0 inet 172.16.0.2/24 scope global") && !first.contains("10.0.0.2"), "{first}");
    assert!(second.contains("eth0 inet 10.0.0.2/24 scope global") && !second.contains("172.16.0.2"), "{second}");
    let [routes] = answers(&outcome, "probe.routes,c1")[..] else { panic!("{outcome}") };
    assert!(routes.starts_with("ok default via 10.0.0.1 dev eth0"), "{routes}");

    let lab = m.view(LAB);
    let c2: &[&str] = &[
        "lo down",
        "br0 up link-local",
        "eth9 up fd00::9/64 link-local",
        "fd00::/64 dev eth9 proto kernel metric 256",
    ];
    finds(&lab, &[("host", &["lo down", "veth1 up link-local"]), ("c2", c2)], "");
    lab.down();
});

kernel_test!(network_is_the_same_however_often_it_was_looked_at, |m| {
    let host: &[&str] = &[
        "lo down",
        "br0 up 172.16.0.1/24 fd00::1/64 link-local",
        "veth1 up master br0",
        "veth2 up master br0",
        "172.16.0.0/24 dev br0 proto kernel scope link src 172.16.0.1",
        "fd00::/64 dev br0 proto kernel metric 256",
    ];
    let c1: &[&str] = &[
        "lo up 127.0.0.1/8 ::1/128",
        "eth0 up 172.16.0.2/24 172.16.0.9/24(secondary) fd00::2/64 link-local",
        "default via 172.16.0.1 dev eth0",
        "10.1.0.0/16 dev eth0 scope link",
        "10.2.3.4 via 10.1.0.1 dev eth0",
        "172.16.0.0/24 dev eth0 proto kernel scope link src 172.16.0.2",
        "default via fd00::1 dev eth0 metric 1024",
        "fd00::/64 dev eth0 proto kernel metric 256",
        "fd05::/64 via fe80::1 dev eth0 metric 1024",
    ];
    let c2: &[&str] = &[
        "lo down",
        "eth0 up 172.16.0.3/24 link-local",
        "spare down mtu 1400 10.0.0.1/24",
        "spare-too down",
        "172.16.0.0/24 dev eth0 proto kernel scope link src 172.16.0.3",
    ];
    stands_either_way(m, DRAWN, &[("host", host), ("c1", c1), ("c2", c2)]);
});

kernel_test!(apply_without_a_change_changes_nothing, |m| {
    let calls = "
        lab.apply lab.apply netns.add,c1 lab.apply lab.apply netns.add,c2 netns.remove,c2 lab.apply
        bridge.add,host,br0 link.set-up,host,br0 link.set-down,host,br0 link.remove,host,br0";
    stands_either_way(m, calls, &[("host", &["lo down"]), ("c1", &["lo down"])]);
});

kernel_test!(network_that_is_taken_back_before_the_end_leaves_nothing, |m| {
    let calls = format!("{DRAWN} netns.remove,c1 netns.remove,c2 link.remove,host,br0");
    stands_either_way(m, &calls, &[("host", &["lo down"])]);
});

/// Words a link as `probe.links` does, which is `ip -o -d link` without indexes.
fn link_words(link: &Value) -> String {
    let text = |key: &str| link[key].as_str().unwrap_or_default();
    let flags = link["flags"].as_array().unwrap().iter().map(|flag| flag.as_str().unwrap());
    // Which is a word about the other end.
    let flags: Vec<&str> = flags.filter(|flag| *flag != "M-DOWN").collect();
    let mut words = format!("{}: <{}> mtu {}", text("ifname"), flags.join(","), link["mtu"]);
    if link["master"].is_string() {
        words += &format!(" master {}", text("master"));
    }
    words += &format!(" state {} link/{} {}", text("operstate"), text("link_type"), text("address"));
    if let Some(kind) = link["linkinfo"]["info_kind"].as_str() {
        words += &format!(" {kind}");
    }
    without_carrier(&words)
}

/// Words the addresses of a link as `probe.addresses` does, which is `ip -o address` without indexes.
fn address_words(link: &Value) -> Vec<String> {
    let words = |address: &Value| {
        let text = |key: &str| address[key].as_str().unwrap_or_default();
        let secondary = if address["secondary"] == true { " secondary" } else { "" };
        let name = link["ifname"].as_str().unwrap();
        let (family, local, length) = (text("family"), text("local"), &address["prefixlen"]);
        format!("{name} {family} {local}/{length} scope {}{secondary}", text("scope"))
    };
    link["addr_info"].as_array().unwrap().iter().map(words).collect()
}

/// Leaves out what the kernel tells later: the state of a bridge, which follows its ports within a second.
fn without_carrier(line: &str) -> String {
    let line = line.replace(" pref medium", "").replace(" linkdown", "");
    match line.split_once(" state ") {
        Some((before, after)) if line.ends_with(" bridge") => {
            // `ip` makes this flag of the state.
            let before = before.replace("NO-CARRIER,", "");
            format!("{before} {}", after.split_once(' ').map_or("", |(_, rest)| rest))
        }
        _ => line,
    }
}

fn cidrs(link: &Value) -> Vec<String> {
    let addresses = link["addr_info"].as_array().unwrap().iter();
    addresses.map(|address| format!("{}/{}", address["local"].as_str().unwrap(), address["prefixlen"])).collect()
}

/// The items of an answer in an order that both sides have.
fn sorted(list: &str) -> Vec<String> {
    sorted_lines(list.split("; ").map(without_carrier).collect())
}

fn sorted_lines(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}
