//! What a scenario is shown of the machine: nothing.

use crate::support::Outcome;
use crate::{LAB, SMALL, down, inhabited, play};

/// Returns the one answer to `call`.
#[track_caller]
fn answer<'o>(outcome: &'o Outcome, call: &str) -> &'o str {
    let found = outcome.stdout().lines().find_map(|line| line.strip_prefix(call)?.strip_prefix(": "));
    found.unwrap_or_else(|| panic!("no answer to {call}: {outcome}"))
}

/// Finds nothing of what `Machine::inhabit` gives the machine.
#[track_caller]
fn is_silent_of_the_machine(shown: &str) {
    for private in
        ["eth0", "docker0", "vethapp", "10.0.0.", "10.255.", "fd10:", "172.17.", "192.168.50", "198.51", "fd50:"]
    {
        assert!(!shown.contains(private), "{private}: {shown}");
    }
}

#[test]
fn what_the_machine_has_is_not_shown_to_the_scenario() {
    inhabited(|m, _| {
        let looks = "?netns.list ?netns.get,app ?link.list,host ?link.get,host,eth0 ?link.get,host,docker0
            ?address.list,host,lo ?route.list,host ?probe.links,host ?probe.addresses,host ?probe.routes,host";
        let nothing = "?netns.add,c9 ?netns.remove,c9";
        let outcome = play(m, LAB, &[], &format!("{nothing} {looks}")).run();
        outcome.success();
        assert_eq!(answer(&outcome, "netns.list"), "ok host");
        assert_eq!(answer(&outcome, "link.list,host"), "ok lo");
        for call in ["netns.get,app", "link.get,host,eth0", "link.get,host,docker0"] {
            assert!(answer(&outcome, call).starts_with("not-found "), "{outcome}");
        }
        for look in
            ["address.list,host,lo", "route.list,host", "probe.links,host", "probe.addresses,host", "probe.routes,host"]
        {
            is_silent_of_the_machine(answer(&outcome, look));
        }
        down(m, LAB);
    });
}

#[test]
fn looks_show_what_the_lab_has_made_and_nothing_beside() {
    inhabited(|m, _| {
        let looks = ["probe.links,host", "probe.addresses,host", "probe.routes,host"];
        let outcome = play(m, LAB, &[], &format!("{SMALL} {}", looks.join(" "))).run();
        outcome.success();
        for (look, word) in looks.into_iter().zip(["br0", "172.16.0.1/24", "172.30.0.0/16"]) {
            let shown = answer(&outcome, look);
            assert!(shown.contains(word), "{outcome}");
            is_silent_of_the_machine(shown);
        }
        down(m, LAB);
    });
}

#[test]
fn what_is_the_machines_can_not_be_changed() {
    inhabited(|m, _| {
        let calls = "link.set-down,host,lo link.set-mtu,host,lo,1400 address.add,host,lo,172.31.0.1/32
            address.remove,host,lo,127.0.0.1/8 netns.set-forwarding,host,on netns.set-forwarding,host,off netns.remove,host
            netns.set-autoconfiguration,host,on netns.set-autoconfiguration,host,off
            link.remove,host,lo link.set-name,host,lo,lo0 route.add-on-link,host,lo,172.31.0.0/24
            link.set-down,host,eth0 link.remove,host,docker0 link.set-netns,host,eth0,c1 address.remove,host,eth0,10.0.0.5/16
            route.remove,host,default route.remove,host,192.168.50.0/24 netns.remove,app";
        let calls: Vec<&str> = calls.split_whitespace().collect();
        let marked = calls.iter().map(|call| format!("?{call}")).collect::<Vec<_>>().join(" ");
        let outcome = play(m, LAB, &[], &format!("?netns.add,c1 {marked} lab.apply")).run();
        outcome.success();
        for call in calls {
            assert!(!answer(&outcome, call).starts_with("ok"), "{call}: {outcome}");
        }
        down(m, LAB);
    });
}

#[test]
fn ping_from_the_host_leaves_over_links_of_the_lab_only() {
    inhabited(|m, _| {
        let targets = ["10.0.0.1", "172.17.0.2", "192.168.50.1", "8.8.8.8", "fd10::1"];
        let pings: Vec<String> =
            targets.iter().map(|target| format!("?probe.ping-within,host,{target},1,500")).collect();
        let calls = format!("{SMALL} {} probe.ping-within,host,172.16.0.2,1,5000", pings.join(" "));
        let outcome = play(m, LAB, &[], &calls).run();
        outcome.success();
        for target in targets {
            let answer = answer(&outcome, &format!("probe.ping-within,host,{target},1,500"));
            assert!(!answer.contains("ok reply"), "{target}: {answer}");
        }
        assert!(answer(&outcome, "probe.ping-within,host,172.16.0.2,1,5000").starts_with("ok reply"), "{outcome}");
        down(m, LAB);
    });
}
