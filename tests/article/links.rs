//! `ip link set` up, down, name and mtu.

use crate::support::{kernel_test, link_local};
use crate::{LAB, answers, mac_of_place, play, stands, stands_either_way};

/// A container whose link is up, with addresses and routes of every kind.
const CONTAINER: &str = "
    netns.add,c1 veth.add,host,veth1,c1,ceth1 link.set-up,host,veth1 link.set-up,c1,ceth1
    address.add,c1,ceth1,172.16.0.2/24 address.add,c1,ceth1,172.16.0.3/24 address.add,c1,ceth1,fd00::2/64
    route.add,c1,default,172.16.0.1 route.add,c1,default,fd00::1
    route.add-on-link,c1,ceth1,10.9.0.0/16 route.add-on-link,c1,ceth1,fd09::/64 ";

const HOST: (&str, &[&str]) = ("host", &["lo down", "veth1 up link-local"]);

kernel_test!(link_that_is_up_has_its_addresses_and_routes, |m| {
    let c1: &[&str] = &[
        "lo down",
        "ceth1 up 172.16.0.2/24 172.16.0.3/24(secondary) fd00::2/64 link-local",
        "default via 172.16.0.1 dev ceth1",
        "10.9.0.0/16 dev ceth1 scope link",
        "172.16.0.0/24 dev ceth1 proto kernel scope link src 172.16.0.2",
        "default via fd00::1 dev ceth1 metric 1024",
        "fd00::/64 dev ceth1 proto kernel metric 256",
        "fd09::/64 dev ceth1 metric 1024",
    ];
    stands_either_way(m, CONTAINER, &[HOST, ("c1", c1)]);
});

kernel_test!(link_that_is_set_down_loses_routes_and_ipv6_addresses, |m| {
    let calls = format!("{CONTAINER} link.set-down,c1,ceth1");
    let c1: &[&str] = &["lo down", "ceth1 down 172.16.0.2/24 172.16.0.3/24(secondary)"];
    stands_either_way(m, &calls, &[HOST, ("c1", c1)]);
});

kernel_test!(link_that_is_set_up_again_has_its_connected_routes_and_its_link_local_address, |m| {
    let calls = format!("{CONTAINER} link.set-down,c1,ceth1 link.set-up,c1,ceth1");
    let c1: &[&str] = &[
        "lo down",
        "ceth1 up 172.16.0.2/24 172.16.0.3/24(secondary) link-local",
        "172.16.0.0/24 dev ceth1 proto kernel scope link src 172.16.0.2",
    ];
    stands_either_way(m, &calls, &[HOST, ("c1", c1)]);
});

kernel_test!(link_that_goes_down_and_up_between_two_looks_has_lost_the_same, |m| {
    let calls = format!("{CONTAINER} lab.apply link.set-down,c1,ceth1 link.set-up,c1,ceth1");
    let c1: &[&str] = &[
        "lo down",
        "ceth1 up 172.16.0.2/24 172.16.0.3/24(secondary) link-local",
        "172.16.0.0/24 dev ceth1 proto kernel scope link src 172.16.0.2",
    ];
    stands(m, &calls, &[HOST, ("c1", c1)]);
});

kernel_test!(address_that_is_added_to_a_link_that_is_down_works_once_it_is_up, |m| {
    let calls = "
        netns.add,c1 veth.add,host,veth1,c1,ceth1 link.set-up,host,veth1
        address.add,c1,ceth1,172.16.0.2/24 address.add,c1,ceth1,fd00::2/64
        veth.add,c1,a,c1,b address.add,c1,a,10.0.0.1/24 address.add,c1,a,fd01::1/64
        link.set-up,c1,ceth1";
    let c1: &[&str] = &[
        "lo down",
        "a down 10.0.0.1/24 fd01::1/64",
        "b down",
        "ceth1 up 172.16.0.2/24 fd00::2/64 link-local",
        "172.16.0.0/24 dev ceth1 proto kernel scope link src 172.16.0.2",
        "fd00::/64 dev ceth1 proto kernel metric 256",
    ];
    stands_either_way(m, calls, &[HOST, ("c1", c1)]);
});

kernel_test!(pair_carries_only_with_both_ends_up, |m| {
    let calls = "
        netns.add,c1 veth.add,host,veth1,c1,ceth1 address.add,host,veth1,10.0.0.1/24 address.add,c1,ceth1,10.0.0.2/24
        link.set-up,host,veth1 ping,host,10.0.0.2
        link.set-up,c1,ceth1 ping,c1,10.0.0.1 ping,host,10.0.0.2
        link.set-down,host,veth1 ping,host,10.0.0.2 ping,c1,10.0.0.1";
    let outcome = play(m, calls);
    outcome.success();
    let (reply, no_reply) = ("ok reply sent=1 received=1", "ok no-reply sent=1 received=0");
    let unreachable = "ok unreachable ENETUNREACH sent=0 received=0";
    assert_eq!(answers(&outcome, "ping,host,10.0.0.2"), [no_reply, reply, unreachable]);
    assert_eq!(answers(&outcome, "ping,c1,10.0.0.1"), [reply, no_reply]);
    m.view(LAB).down();
});

kernel_test!(link_that_is_renamed_keeps_addresses_and_routes, |m| {
    let calls = "
        netns.add,c1 veth.add,host,veth1,c1,ceth1 link.set-up,host,veth1
        address.add,c1,ceth1,172.16.0.2/24 address.add,c1,ceth1,fd00::2/64
        bridge.add,host,br0 bridge.add-port,host,br0,veth1 link.set-up,host,br0 address.add,host,br0,172.16.0.1/24
        link.set-name,c1,ceth1,eth0 link.set-up,c1,eth0 route.add,c1,default,172.16.0.1
        link.set-name,host,br0,switch link.set-name,host,veth1,to-c1";
    let outcome = play(m, calls);
    outcome.success();
    let lab = m.view(LAB);
    let c1 = [
        "lo down",
        "eth0 up 172.16.0.2/24 fd00::2/64 link-local",
        "default via 172.16.0.1 dev eth0",
        "172.16.0.0/24 dev eth0 proto kernel scope link src 172.16.0.2",
        "fd00::/64 dev eth0 proto kernel metric 256",
    ];
    assert_eq!(lab.netns("c1"), c1);
    lab.down();
});

kernel_test!(link_that_is_up_can_be_renamed_after_a_look, |m| {
    let calls = "
        netns.add,c1 veth.add,host,veth1,c1,ceth1 bridge.add,host,br0 bridge.add-port,host,br0,veth1
        link.set-up,host,veth1 link.set-up,host,br0 link.set-up,c1,ceth1
        address.add,host,br0,172.16.0.1/24 address.add,c1,ceth1,172.16.0.2/24 route.add,c1,default,172.16.0.1
        ping,c1,172.16.0.1
        link.set-name,c1,ceth1,eth0 link.set-name,host,br0,switch link.set-name,host,veth1,to-c1
        ping,c1,172.16.0.1";
    let outcome = play(m, calls);
    outcome.success();
    assert_eq!(answers(&outcome, "ping,c1,172.16.0.1"), ["ok reply sent=1 received=1"; 2]);
    let lab = m.view(LAB);
    // The MAC address is that of the new name; the link-local address stays, as with `ip link set address`.
    let before = |place: &str| link_local(&mac_of_place(place));
    let c1 = [
        "lo down",
        &format!("eth0 up 172.16.0.2/24 {}/64", before("c1/ceth1")),
        "default via 172.16.0.1 dev eth0",
        "172.16.0.0/24 dev eth0 proto kernel scope link src 172.16.0.2",
        "fe80::/64 dev eth0 proto kernel metric 256",
    ];
    assert_eq!(lab.netns("c1"), c1);
    let host = [
        "lo down",
        &format!("switch up 172.16.0.1/24 {}/64", before("host/br0")),
        "to-c1 up master switch",
        "172.16.0.0/24 dev switch proto kernel scope link src 172.16.0.1",
        "fe80::/64 dev switch proto kernel metric 256",
    ];
    assert_eq!(lab.netns("host"), host);
    for (netns, link) in [("c1", "eth0"), ("host", "switch"), ("host", "to-c1")] {
        assert_eq!(lab.link(netns, link)["address"], mac_of_place(&format!("{netns}/{link}")));
    }
    lab.down();
});

kernel_test!(link_that_was_renamed_is_found_by_its_neighbours, |m| {
    let calls = "
        netns.add,c1 veth.add,host,veth1,c1,eth0 link.set-up,host,veth1 link.set-up,c1,eth0
        address.add,host,veth1,172.16.0.1/24 address.add,c1,eth0,172.16.0.2/24
        address.add,host,veth1,fd00::1/64 address.add,c1,eth0,fd00::2/64
        ping,host,172.16.0.2 ping,host,fd00::2
        link.set-name,c1,eth0,eth1
        probe.ping-within,host,172.16.0.2,3,1000 probe.ping-within,host,fd00::2,3,1000";
    let outcome = play(m, calls);
    outcome.success();
    for target in ["172.16.0.2", "fd00::2"] {
        assert_eq!(answers(&outcome, &format!("ping,host,{target}")), ["ok reply sent=1 received=1"], "{target}");
        // It has another MAC address now, but the host must not go on sending to the old one.
        let [within] = answers(&outcome, &format!("probe.ping-within,host,{target},3,1000"))[..] else {
            panic!("{outcome}")
        };
        assert!(within.starts_with("ok reply "), "{target}: {within}");
    }
    m.view(LAB).down();
});

kernel_test!(links_that_swap_their_names_do_so_at_one_apply, |m| {
    let calls = "
        netns.add,c1 veth.add,host,a,c1,x veth.add,host,b,c1,y veth.add,host,c,c1,z
        address.add,c1,x,10.0.1.1/24 address.add,c1,y,10.0.2.1/24 address.add,c1,z,10.0.3.1/24
        lab.apply
        link.set-name,c1,x,free link.set-name,c1,y,x link.set-name,c1,free,y
        link.set-name,host,a,free link.set-name,host,b,a link.set-name,host,c,b link.set-name,host,free,c
        veth.peer,host,a veth.peer,host,b veth.peer,host,c";
    let outcome = play(m, calls);
    outcome.success();
    assert_eq!(answers(&outcome, "veth.peer,host,a"), ["ok x c1"]);
    assert_eq!(answers(&outcome, "veth.peer,host,b"), ["ok z c1"]);
    assert_eq!(answers(&outcome, "veth.peer,host,c"), ["ok y c1"]);
    let lab = m.view(LAB);
    assert_eq!(lab.netns("c1"), ["lo down", "x down 10.0.2.1/24", "y down 10.0.1.1/24", "z down 10.0.3.1/24"]);
    for (link, peer) in [("a", "x"), ("b", "z"), ("c", "y")] {
        assert_eq!(lab.link("host", link)["link_index"], lab.link("c1", peer)["ifindex"], "{link}");
    }
    lab.down();
});

kernel_test!(mtu_is_that_of_one_end, |m| {
    let calls = "
        netns.add,c1 veth.add,host,veth1,c1,ceth1 bridge.add,c1,br0
        link.set-up,c1,ceth1 address.add,c1,ceth1,172.16.0.2/24 address.add,c1,ceth1,fd00::2/64
        link.set-mtu,c1,ceth1,1400 link.set-mtu,c1,br0,9000 link.set-mtu,c1,lo,1500 link.set-mtu,host,veth1,65535
        link.set-mtu,host,veth1,68";
    let c1: &[&str] = &[
        "lo down mtu 1500",
        "br0 down mtu 9000",
        "ceth1 up mtu 1400 172.16.0.2/24 fd00::2/64 link-local",
        "172.16.0.0/24 dev ceth1 proto kernel scope link src 172.16.0.2",
        "fd00::/64 dev ceth1 proto kernel metric 256",
    ];
    stands_either_way(m, calls, &[("host", &["lo down", "veth1 down mtu 68"]), ("c1", c1)]);
});

kernel_test!(link_below_1280_has_no_ipv6, |m| {
    let small = format!("{CONTAINER} link.set-mtu,c1,ceth1,1279");
    let c1: &[&str] = &[
        "lo down",
        "ceth1 up mtu 1279 172.16.0.2/24 172.16.0.3/24(secondary)",
        "default via 172.16.0.1 dev ceth1",
        "10.9.0.0/16 dev ceth1 scope link",
        "172.16.0.0/24 dev ceth1 proto kernel scope link src 172.16.0.2",
    ];
    stands_either_way(m, &small, &[HOST, ("c1", c1)]);
});

kernel_test!(link_that_has_1280_again_has_its_link_local_address, |m| {
    let again = format!("{CONTAINER} link.set-mtu,c1,ceth1,1279 link.set-mtu,c1,ceth1,1280");
    let c1: &[&str] = &[
        "lo down",
        "ceth1 up mtu 1280 172.16.0.2/24 172.16.0.3/24(secondary) link-local",
        "default via 172.16.0.1 dev ceth1",
        "10.9.0.0/16 dev ceth1 scope link",
        "172.16.0.0/24 dev ceth1 proto kernel scope link src 172.16.0.2",
    ];
    stands_either_way(m, &again, &[HOST, ("c1", c1)]);
});
