//! The network that must stand: each row of the article's table, with `ip -j` as the witness.

mod support;

#[path = "article/addresses.rs"]
mod addresses;
#[path = "article/autoconfiguration.rs"]
mod autoconfiguration;
#[path = "article/bridges.rs"]
mod bridges;
#[path = "article/links.rs"]
mod links;
#[path = "article/looks.rs"]
mod looks;
#[path = "article/netns.rs"]
mod netns;
#[path = "article/pings.rs"]
mod pings;
#[path = "article/routes.rs"]
mod routes;
#[path = "article/veth.rs"]
mod veth;

use std::collections::BTreeMap;
use std::process;

use support::{GUEST_CALLS, LabView, Machine, Outcome, Running, kernel_test};

/// The lab of a test that needs only one.
const LAB: &str = "t";

/// What a netns is to have, in the words of [`LabView::netns`].
type Network<'a> = &'a [(&'a str, &'a [&'a str])];

/// Returns a call in full: `ping,SOURCE,TARGET` is one that waits longer than `probe.ping`, for a machine that is busy.
fn in_full(call: &str) -> String {
    match call.strip_prefix("ping,") {
        Some(ping) => format!("probe.ping-within,{ping},1,600"),
        None => call.to_owned(),
    }
}

/// Starts the scenario that plays `calls`; a refusal of one ends it, unless `?` stands before.
#[track_caller]
fn start<'m>(m: &'m Machine, lab: &str, calls: &str) -> Running<'m> {
    let marked = |call: &str| if call.starts_with('?') { call.to_owned() } else { format!("!{}", in_full(call)) };
    let calls: Vec<String> = calls.split_whitespace().map(marked).collect();
    let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    m.command("orchestrator").args(&["run", GUEST_CALLS, "--name", lab, "--"]).args(&calls).spawn()
}

/// Runs the scenario that plays `calls` in [`LAB`].
#[track_caller]
fn play(m: &Machine, calls: &str) -> Outcome {
    start(m, LAB, calls).wait()
}

/// Returns what was answered to each of the calls that read `call`.
fn answers<'o>(outcome: &'o Outcome, call: &str) -> Vec<&'o str> {
    let call = in_full(call);
    outcome.stdout().lines().filter_map(|line| line.strip_prefix(&*call)?.strip_prefix(": ")).collect()
}

/// Lets the lab of `calls` stand, finds `network` in it and removes it.
#[track_caller]
fn stands(m: &Machine, calls: &str, network: Network<'_>) {
    play(m, calls).success();
    let lab = m.view(LAB);
    finds(&lab, network, "");
    lab.down();
}

/// Plays `calls` in two labs, one where all is applied at the end and one where each call is applied before the next,
/// so that the kernel is changed where it was first only drawn otherwise. The same network must stand in both.
#[track_caller]
fn stands_either_way(m: &Machine, calls: &str, network: Network<'_>) {
    let by_steps = calls.split_whitespace().collect::<Vec<_>>().join(" lab.apply ");
    let labs = [("at-once", calls), ("by-steps", &by_steps)];
    let running = labs.map(|(lab, calls)| start(m, lab, calls));
    for (running, (name, _)) in running.into_iter().zip(labs) {
        running.wait().success();
        let lab = m.view(name);
        finds(&lab, network, name);
        lab.down();
    }
}

/// Returns the MAC address of a place as another program reckons it: 02 and the first five bytes of SHA-256.
fn mac_of_place(place: &str) -> String {
    let script = "printf %s \"$0\" | sha256sum | sed -E 's/^(..)(..)(..)(..)(..).*/02:\\1:\\2:\\3:\\4:\\5/'";
    let reckoned = process::Command::new("sh").args(["-c", script, place]).output().expect("could not run `sh`");
    String::from_utf8(reckoned.stdout).expect("hexadecimal digits").trim().to_owned()
}

/// Compares all that a lab has to what it is to have.
#[track_caller]
fn finds(lab: &LabView<'_>, network: Network<'_>, when: &str) {
    let wanted: BTreeMap<&str, Vec<String>> =
        network.iter().map(|(netns, lines)| (*netns, lines.iter().map(ToString::to_string).collect())).collect();
    let found: BTreeMap<&str, Vec<String>> = network.iter().map(|(netns, _)| (*netns, lab.netns(netns))).collect();
    assert_eq!(found, wanted, "{when}");
    assert_eq!(lab.netns_count(), network.len(), "namespaces {when}");
}

/// The article's commands up to its first ping, in its order. What plays the host's other interface is a bridge.
const ARTICLE: &str = "
    netns.add,container1 netns.add,container2
    veth.add,host,veth1,host,ceth1 link.set-netns,host,ceth1,container1
    veth.add,host,veth2,host,ceth2 link.set-netns,host,ceth2,container2
    link.set-up,container1,lo link.set-up,container1,ceth1 address.add,container1,ceth1,172.16.0.2/24
    link.set-up,container2,lo link.set-up,container2,ceth2 address.add,container2,ceth2,172.16.0.3/24
    bridge.add,host,br0
    bridge.add-port,host,br0,veth1 link.set-up,host,veth1
    bridge.add-port,host,br0,veth2 link.set-up,host,veth2
    link.set-up,host,br0 address.add,host,br0,172.16.0.1/24
    bridge.add,host,uplink0 link.set-up,host,uplink0 address.add,host,uplink0,192.168.100.1/24 ";

kernel_test!(article_stands_in_its_own_order, |m| {
    let network: Network<'_> = &[
        (
            "host",
            &[
                "lo down",
                "br0 up 172.16.0.1/24 link-local",
                "uplink0 up 192.168.100.1/24 link-local",
                "veth1 up master br0",
                "veth2 up master br0",
                "172.16.0.0/24 dev br0 proto kernel scope link src 172.16.0.1",
                "192.168.100.0/24 dev uplink0 proto kernel scope link src 192.168.100.1",
            ],
        ),
        (
            "container1",
            &[
                "lo up 127.0.0.1/8 ::1/128",
                "ceth1 up 172.16.0.2/24 link-local",
                "default via 172.16.0.1 dev ceth1",
                "172.16.0.0/24 dev ceth1 proto kernel scope link src 172.16.0.2",
            ],
        ),
        (
            "container2",
            &[
                "lo up 127.0.0.1/8 ::1/128",
                "ceth2 up 172.16.0.3/24 link-local",
                "172.16.0.0/24 dev ceth2 proto kernel scope link src 172.16.0.3",
            ],
        ),
    ];
    stands_either_way(m, &format!("{ARTICLE} route.add-via,container1,ceth1,default,172.16.0.1"), network);
});

kernel_test!(article_has_the_answers_to_its_pings, |m| {
    let calls = format!(
        "{ARTICLE} probe.ping,container1,172.16.0.3 probe.ping,host,172.16.0.2 probe.ping,host,172.16.0.3
        probe.ping,container1,192.168.100.1
        route.add-via,container1,ceth1,default,172.16.0.1
        probe.ping,container1,192.168.100.1
        probe.ping,container1,203.0.113.1"
    );
    let outcome = play(m, &calls);
    outcome.success();
    let reply = "ok reply sent=1 received=1";
    for ping in ["container1,172.16.0.3", "host,172.16.0.2", "host,172.16.0.3"] {
        assert_eq!(answers(&outcome, &format!("probe.ping,{ping}")), [reply], "{ping}");
    }
    let unreachable = "ok unreachable ENETUNREACH sent=0 received=0";
    assert_eq!(answers(&outcome, "probe.ping,container1,192.168.100.1"), [unreachable, reply]);
    // The internet: the host has no way there, and does not forward.
    assert_eq!(answers(&outcome, "probe.ping,container1,203.0.113.1"), ["ok no-reply sent=1 received=0"]);
    m.view(LAB).down();
});
