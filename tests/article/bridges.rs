//! `ip link add type bridge` and `ip link set master`.

use crate::support::{Kind, kernel_test, on_machine};
use crate::{LAB, answers, finds, play, stands, stands_either_way};

/// Two containers and a bridge that their cables reach, all up, with the addresses of the article.
const SWITCHED: &str = "
    netns.add,c1 netns.add,c2 bridge.add,host,br0
    veth.add,host,veth1,c1,ceth1 link.set-up,host,veth1 link.set-up,c1,ceth1 address.add,c1,ceth1,172.16.0.2/24
    veth.add,host,veth2,c2,ceth2 link.set-up,host,veth2 link.set-up,c2,ceth2 address.add,c2,ceth2,172.16.0.3/24
    bridge.add-port,host,br0,veth1 bridge.add-port,host,br0,veth2
    link.set-up,host,br0 address.add,host,br0,172.16.0.1/24 ";

const C1: (&str, &[&str]) = (
    "c1",
    &["lo down", "ceth1 up 172.16.0.2/24 link-local", "172.16.0.0/24 dev ceth1 proto kernel scope link src 172.16.0.2"],
);
const C2: (&str, &[&str]) = (
    "c2",
    &["lo down", "ceth2 up 172.16.0.3/24 link-local", "172.16.0.0/24 dev ceth2 proto kernel scope link src 172.16.0.3"],
);

kernel_test!(bridge_is_added_without_ports_and_down, |m| {
    let calls = "netns.add,c1 bridge.add,host,br0 bridge.add,c1,br0 bridge.ports,c1,br0";
    let outcome = play(m, calls);
    outcome.success();
    assert_eq!(answers(&outcome, "bridge.ports,c1,br0"), ["ok"]);
    let lab = m.view(LAB);
    finds(&lab, &[("host", &["lo down", "br0 down"]), ("c1", &["lo down", "br0 down"])], "");
    assert_eq!(lab.link("c1", "br0")["linkinfo"]["info_kind"], "bridge");
    lab.down();
});

kernel_test!(port_has_no_address_of_its_own_accord, |m| {
    let host: &[&str] = &[
        "lo down",
        "br0 up 172.16.0.1/24 link-local",
        "veth1 up master br0",
        "veth2 up master br0",
        "172.16.0.0/24 dev br0 proto kernel scope link src 172.16.0.1",
    ];
    stands_either_way(m, SWITCHED, &[("host", host), C1, C2]);
});

kernel_test!(bridge_in_a_container_is_like_one_in_the_host, |m| {
    let calls = "
        netns.add,c1 netns.add,switch
        veth.add,c1,eth0,switch,p1 veth.add,host,eth0,switch,p2 bridge.add,switch,br0
        link.set-up,switch,p1 link.set-up,switch,p2 link.set-up,c1,eth0 link.set-up,host,eth0 link.set-up,switch,br0
        bridge.add-port,switch,br0,p1 bridge.add-port,switch,br0,p2";
    let network: &[(&str, &[&str])] = &[
        ("host", &["lo down", "eth0 up link-local"]),
        ("c1", &["lo down", "eth0 up link-local"]),
        ("switch", &["lo down", "br0 up link-local", "p1 up master br0", "p2 up master br0"]),
    ];
    stands_either_way(m, calls, network);
});

kernel_test!(bridge_switches_between_its_ports_and_itself, |m| {
    let calls = format!("{SWITCHED} bridge.ports,host,br0 ping,c1,172.16.0.3 ping,host,172.16.0.2 ping,c2,172.16.0.1");
    let outcome = play(m, &calls);
    outcome.success();
    assert_eq!(answers(&outcome, "bridge.ports,host,br0"), ["ok veth1; veth2"]);
    for ping in ["c1,172.16.0.3", "host,172.16.0.2", "c2,172.16.0.1"] {
        assert_eq!(answers(&outcome, &format!("ping,{ping}")), ["ok reply sent=1 received=1"], "{ping}");
    }
    m.view(LAB).down();
});

kernel_test!(port_that_is_detached_has_its_link_local_address_again, |m| {
    let calls = format!("{SWITCHED} bridge.remove-port,host,veth1 bridge.remove-port,host,veth1");
    let host: &[&str] = &[
        "lo down",
        "br0 up 172.16.0.1/24 link-local",
        "veth1 up link-local",
        "veth2 up master br0",
        "172.16.0.0/24 dev br0 proto kernel scope link src 172.16.0.1",
    ];
    stands_either_way(m, &calls, &[("host", host), C1, C2]);
});

kernel_test!(port_that_is_detached_is_cut_off_and_back_once_it_is_attached, |m| {
    let calls = format!(
        "{SWITCHED} ping,c1,172.16.0.3
        bridge.remove-port,host,veth1 ping,c1,172.16.0.3
        bridge.add-port,host,br0,veth1 ping,c1,172.16.0.3"
    );
    let outcome = play(m, &calls);
    outcome.success();
    let (reply, no_reply) = ("ok reply sent=1 received=1", "ok no-reply sent=1 received=0");
    assert_eq!(answers(&outcome, "ping,c1,172.16.0.3"), [reply, no_reply, reply]);
    m.view(LAB).down();
});

kernel_test!(port_moves_from_one_bridge_to_another, |m| {
    let calls = format!(
        "{SWITCHED} bridge.add,host,br1 link.set-up,host,br1
        bridge.add-port,host,br1,veth2 bridge.ports,host,br0 bridge.ports,host,br1"
    );
    let host: &[&str] = &[
        "lo down",
        "br0 up 172.16.0.1/24 link-local",
        "br1 up link-local",
        "veth1 up master br0",
        "veth2 up master br1",
        "172.16.0.0/24 dev br0 proto kernel scope link src 172.16.0.1",
    ];
    stands_either_way(m, &calls, &[("host", host), C1, C2]);
});

kernel_test!(port_of_another_bridge_is_switched_there, |m| {
    let calls = format!(
        "{SWITCHED} bridge.add,host,br1 link.set-up,host,br1 address.add,host,br1,10.0.0.1/24 address.add,c2,ceth2,10.0.0.2/24
        ping,c1,172.16.0.3
        bridge.add-port,host,br1,veth2
        ping,c1,172.16.0.3 ping,c2,10.0.0.1"
    );
    let outcome = play(m, &calls);
    outcome.success();
    let (reply, no_reply) = ("ok reply sent=1 received=1", "ok no-reply sent=1 received=0");
    assert_eq!(answers(&outcome, "ping,c1,172.16.0.3"), [reply, no_reply]);
    assert_eq!(answers(&outcome, "ping,c2,10.0.0.1"), [reply]);
    m.view(LAB).down();
});

kernel_test!(ports_of_a_bridge_that_is_removed_stay, |m| {
    let calls = format!("{SWITCHED} link.set-down,host,veth2 link.remove,host,br0");
    let host: &[&str] = &["lo down", "veth1 up link-local", "veth2 down"];
    stands_either_way(m, &calls, &[("host", host), C1, C2]);
});

kernel_test!(port_that_is_down_and_one_that_is_removed_are_no_way, |m| {
    let calls = format!("{SWITCHED} link.set-down,host,veth1 link.remove,c2,ceth2");
    let host: &[&str] = &[
        "lo down",
        "br0 up 172.16.0.1/24 link-local",
        "veth1 down master br0",
        "172.16.0.0/24 dev br0 proto kernel scope link src 172.16.0.1",
    ];
    stands_either_way(m, &calls, &[("host", host), C1, ("c2", &["lo down"])]);
});

kernel_test!(port_keeps_addresses_that_were_added_to_it, |m| {
    let calls = "
        netns.add,c1 veth.add,host,veth1,c1,ceth1 bridge.add,host,br0 link.set-up,host,br0 link.set-up,host,veth1
        address.add,host,veth1,10.0.0.1/24 address.add,host,veth1,fd00::1/64 bridge.add-port,host,br0,veth1
        address.add,host,veth1,10.0.1.1/24";
    let host: &[&str] = &[
        "lo down",
        "br0 up link-local",
        "veth1 up master br0 10.0.0.1/24 10.0.1.1/24 fd00::1/64",
        "10.0.0.0/24 dev veth1 proto kernel scope link src 10.0.0.1",
        "10.0.1.0/24 dev veth1 proto kernel scope link src 10.0.1.1",
        "fd00::/64 dev veth1 proto kernel metric 256",
    ];
    stands_either_way(m, calls, &[("host", host), ("c1", &["lo down", "ceth1 down"])]);
});

kernel_test!(bridge_has_the_smallest_mtu_of_its_ports, |m| {
    let ports = "
        netns.add,c1 veth.add,host,a,c1,a veth.add,host,b,c1,b veth.add,host,c,c1,c bridge.add,host,br0 bridge.add,host,br1
        link.set-mtu,host,a,1400 bridge.add-port,host,br0,a bridge.add-port,host,br0,b
        link.set-mtu,host,b,1300 link.set-mtu,host,c,9000 bridge.add-port,host,br1,c ";
    let c1: &[&str] = &["lo down", "a down", "b down", "c down"];
    let host: &[&str] = &[
        "lo down",
        "a down mtu 1400 master br0",
        "b down mtu 1300 master br0",
        "br0 down mtu 1300",
        "br1 down mtu 9000",
        "c down mtu 9000 master br1",
    ];
    stands_either_way(m, ports, &[("host", host), ("c1", c1)]);

    // What leaves or goes does not count any more.
    let calls = format!("{ports} bridge.remove-port,host,b link.remove,c1,c");
    let host: &[&str] = &["lo down", "a down mtu 1400 master br0", "b down mtu 1300", "br0 down mtu 1400", "br1 down"];
    stands_either_way(m, &calls, &[("host", host), ("c1", &["lo down", "a down", "b down"])]);
});

#[test]
fn bridge_takes_as_many_ports_as_linux_gives_it() {
    on_machine(Kind::User, |m| {
        let calls = "
            bridge.add,host,br0 repeat,1024,veth.add,host,a{},host,b{} repeat,1023,bridge.add-port,host,br0,a{}";
        play(m, calls).success();
        let lab = m.view(LAB);
        let ports = lab.netns("host").iter().filter(|link| link.ends_with(" master br0")).count();
        assert_eq!(ports, 1023);
        // Nor does the kernel take one more.
        let more = ["exec", LAB, "host", "--", "ip", "link", "set", "dev", "a1024", "master", "br0"];
        m.orchestrator(&more).fails_with(2).stderr_has("RTNETLINK answers: Exchange full");
        lab.down();
    });
}

kernel_test!(bridge_keeps_an_mtu_that_was_set, |m| {
    let calls = "
        netns.add,c1 veth.add,host,a,c1,a bridge.add,host,br0 bridge.add-port,host,br0,a
        link.set-mtu,host,br0,1450 link.set-mtu,host,a,1400";
    let host: &[&str] = &["lo down", "a down mtu 1400 master br0", "br0 down mtu 1450"];
    stands_either_way(m, calls, &[("host", host), ("c1", &["lo down", "a down"])]);
});

kernel_test!(ports_are_exchanged_at_one_apply, |m| {
    let calls = format!(
        "{SWITCHED} bridge.add,host,br1 link.set-up,host,br1 bridge.add-port,host,br1,veth2
        lab.apply
        bridge.add-port,host,br1,veth1 bridge.add-port,host,br0,veth2 link.set-name,host,br0,free
        link.set-name,host,br1,br0 link.set-name,host,free,br1 link.set-down,host,br0"
    );
    let outcome = play(m, &calls);
    outcome.success();
    let lab = m.view(LAB);
    let host = lab.netns("host");
    assert_eq!(host[1], "br0 down");
    assert!(host[2].starts_with("br1 up 172.16.0.1/24 "), "{host:?}");
    assert_eq!(host[3..5], ["veth1 up master br0", "veth2 up master br1"]);
    lab.down();
});

kernel_test!(bridge_moves_with_its_name_only, |m| {
    let calls = "
        netns.add,c1 bridge.add,c1,br0 ?link.set-netns,c1,br0,host link.set-name,c1,br0,switch";
    let outcome = play(m, calls);
    outcome.success();
    let [refused] = answers(&outcome, "link.set-netns,c1,br0,host")[..] else { panic!("{outcome}") };
    assert!(refused.starts_with("invalid-argument EINVAL could not move link `br0` in netns `c1`"), "{refused}");
    let lab = m.view(LAB);
    finds(&lab, &[("host", &["lo down"]), ("c1", &["lo down", "switch down"])], "");
    lab.down();
});

kernel_test!(bridge_added_among_ports_that_stand_takes_them, |m| {
    let calls = "
        netns.add,c1 veth.add,host,veth1,c1,ceth1 link.set-up,host,veth1 link.set-up,c1,ceth1
        address.add,c1,ceth1,172.16.0.2/24 lab.apply
        bridge.add,host,br0 bridge.add-port,host,br0,veth1 link.set-up,host,br0 address.add,host,br0,172.16.0.1/24";
    let host: &[&str] = &[
        "lo down",
        "br0 up 172.16.0.1/24 link-local",
        "veth1 up master br0",
        "172.16.0.0/24 dev br0 proto kernel scope link src 172.16.0.1",
    ];
    stands(m, calls, &[("host", host), C1]);
});
