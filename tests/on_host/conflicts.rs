//! What is refused before the first step, because the machine has it.

use crate::support::{Machine, Portrait};
use crate::{LAB, by_hand, inhabited, links_of, play};

/// Begins a lab that has things of its own before the one that meets something of the machine's.
const FIRST: &str = "netns.add,c1 bridge.add,host,br7 link.set-up,host,br7 address.add,host,br7,172.20.0.1/24 ";

/// Finds a scenario refused, both sides named, and nothing done, at the end of the scenario and at a look alike.
#[track_caller]
fn is_refused(m: &Machine, before: &Portrait, calls: &str, ours: &str, theirs: &str) {
    for apply in ["", " lab.apply"] {
        let refused = play(m, LAB, &[], &format!("{FIRST} {calls}{apply}")).run();
        // A scenario that returns the error that `lab.apply` has given it has failed by itself.
        let code = if apply.is_empty() { 2 } else { refused.code() };
        refused.complains(code, ours).stderr_has(theirs);
        assert!(matches!(refused.code(), 1 | 2), "{refused}");
        before.assert_is_again(m);
        assert!(m.labs().is_empty());
    }
}

#[test]
fn name_of_a_link_of_the_machine_is_refused() {
    inhabited(|m, before| {
        for (calls, ours, theirs) in [
            ("bridge.add,host,docker0", "bridge `docker0`", "a link `docker0` (bridge)"),
            ("bridge.add,host,eth0", "bridge `eth0`", "a link `eth0` (veth)"),
            ("veth.add,c1,eth0,host,vethapp", "`vethapp`", "a link `vethapp` (veth)"),
            ("veth.add,host,vethapp,c1,eth0", "`vethapp`", "a link `vethapp` (veth)"),
            ("veth.add,host,a0,host,eth0", "`eth0`", "a link `eth0` (veth)"),
        ] {
            is_refused(m, before, calls, ours, theirs);
        }
    });
}

#[test]
fn link_does_not_come_to_the_name_of_one_of_the_machine_later_either() {
    inhabited(|m, before| {
        for (calls, ours) in [
            ("netns.add,c1 veth.add,c1,eth0,c1,peer0 lab.apply link.set-netns,c1,eth0,host", "`eth0`"),
            ("netns.add,c1 veth.add,host,veth1,c1,peer0 lab.apply link.set-name,host,veth1,docker0", "`docker0`"),
        ] {
            let refused = play(m, LAB, &[], calls).run();
            // Something had been built, and was undone.
            refused.complains(2, ours).stderr_has("the machine has a link");
            before.assert_is_again(m);
        }
    });
}

#[test]
fn other_name_of_a_link_of_the_machine_is_refused() {
    inhabited(|m, _| {
        by_hand(m, "ip link property add dev eth0 altname uplink0");
        let before = Portrait::of(m);
        is_refused(m, &before, "bridge.add,host,uplink0", "bridge `uplink0`", "a link `eth0` (veth)");
        by_hand(m, "ip link property del dev eth0 altname uplink0");
    });
}

#[test]
fn bridge_of_somebody_else_is_left_alone_whatever_it_is_called() {
    inhabited(|m, _| {
        by_hand(
            m,
            "ip link add name br0 type bridge && ip link set dev br0 addrgenmode none
            ip address add 172.29.0.1/24 dev br0 && ip link set dev br0 up",
        );
        let before = Portrait::of(m);
        let refused = m.orchestrator(&["run", "two-containers", "--on-host"]);
        refused.complains(2, "bridge `br0`").stderr_has("the machine has a link `br0` (bridge)").stderr_has("hint: ");
        before.assert_is_again(m);
        by_hand(m, "ip link del dev br0");
    });
}

#[test]
fn name_of_a_netns_of_the_machine_is_refused() {
    inhabited(|m, before| {
        is_refused(m, before, "netns.add,app", "netns `app`", "the machine has a netns `app`");
    });
}

#[test]
fn address_that_overlaps_one_of_the_machine_is_refused() {
    inhabited(|m, before| {
        for (ours, theirs) in [
            ("10.0.0.9/16", "10.0.0.5/16"),
            ("10.0.5.1/24", "10.0.0.5/16"),
            ("10.0.0.0/8", "the machine has address `10."),
            ("10.0.0.5/32", "10.0.0.5/16"),
            ("172.17.0.3/16", "172.17.0.1/16"),
            ("10.255.0.9/24", "10.255.0.1/32"),
            ("127.1.0.1/16", "127.0.0.1/8"),
            ("fd10::9/64", "fd10::5/64"),
            ("fd10::5/128", "fd10::5/64"),
            ("fd10:0:0:1::1/32", "fd10::5/64"),
        ] {
            let calls = format!("address.add,host,br7,{ours}");
            is_refused(m, before, &calls, &format!("address `{ours}`"), theirs);
        }
    });
}

#[test]
fn address_that_overlaps_a_route_of_the_machine_is_refused() {
    inhabited(|m, before| {
        for (ours, theirs) in [
            ("192.168.50.9/32", "192.168.50.0/24"),
            ("192.168.0.1/16", "192.168.50.0/24"),
            ("198.51.100.1/24", "198.51.100.0/24"),
            ("fd50::1/64", "fd50::/48"),
        ] {
            let calls = format!("address.add,host,br7,{ours}");
            is_refused(m, before, &calls, &format!("address `{ours}`"), theirs);
        }
    });
}

#[test]
fn route_that_overlaps_one_of_the_machine_is_refused() {
    inhabited(|m, before| {
        let gateway = "address.add,host,br7,fd20::1/64";
        for (destination, via, theirs) in [
            ("10.0.7.0/24", "172.20.0.9", "10.0.0."),
            ("10.0.0.5/32", "172.20.0.9", "10.0.0.5"),
            ("192.168.50.0/24", "172.20.0.9", "192.168.50.0/24"),
            ("0.0.0.0/1", "172.20.0.9", "the machine has "),
            ("0.0.0.0/0", "172.20.0.9", "the machine has "),
            ("fd10::/48", "fd20::9", "fd10:"),
            ("fd50::7/128", "fd20::9", "fd50::/48"),
            ("::/0", "fd20::9", "the machine has "),
        ] {
            let calls = format!("{gateway} route.add,host,{destination},{via}");
            is_refused(m, before, &calls, "route `", theirs);
        }
    });
}

#[test]
fn networks_of_the_machine_may_be_had_in_namespaces_of_the_lab() {
    inhabited(|m, _| {
        let calls = "netns.add,c1 netns.add,c2 veth.add,c1,eth0,c2,docker0 link.set-up,c1,eth0 link.set-up,c2,docker0
            address.add,c1,eth0,10.0.0.5/16 address.add,c2,docker0,10.0.0.1/16 route.add,c1,default,10.0.0.1";
        crate::stand(m, LAB, calls);
        let ping = ["netns", "exec", "c1", "ping", "-c", "1", "-W", "5", "10.0.0.1"];
        m.root_command("ip").args(&ping).run().success();
        crate::down(m, LAB);
    });
}

#[test]
fn conflict_that_comes_with_a_later_step_undoes_the_lab() {
    inhabited(|m, before| {
        let calls = format!("{} lab.apply address.add,host,br0,10.0.9.1/24", crate::SMALL);
        let refused = play(m, LAB, &[], &calls).run();
        refused.complains(2, "10.0.9.1/24").stderr_has("10.0.0.5/16");
        before.assert_is_again(m);
        assert_eq!(links_of(m, LAB), Vec::<String>::new());
    });
}
