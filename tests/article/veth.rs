//! `ip link add type veth` and `ip link set netns`.

use crate::support::{LabView, kernel_test, link_local};
use crate::{LAB, answers, finds, mac_of_place, play, stands, stands_either_way};

#[track_caller]
fn has_the_mac_of_its_place(lab: &LabView<'_>, netns: &str, link: &str) {
    assert_eq!(lab.link(netns, link)["address"], mac_of_place(&format!("{netns}/{link}")), "{netns}/{link}");
}

kernel_test!(pair_has_each_end_where_it_was_added, |m| {
    let calls = "
        netns.add,c1 netns.add,c2
        veth.add,host,host1,host,host2
        veth.add,host,veth1,c1,ceth1
        veth.add,c2,ceth2,host,veth2
        veth.add,c1,to-c2,c2,to-c1
        veth.add,c1,in-c1,c1,in-c1-too
        veth.add,c1,same,c2,same";
    let network: &[(&str, &[&str])] = &[
        ("host", &["lo down", "host1 down", "host2 down", "veth1 down", "veth2 down"]),
        ("c1", &["lo down", "ceth1 down", "in-c1 down", "in-c1-too down", "same down", "to-c2 down"]),
        ("c2", &["lo down", "ceth2 down", "same down", "to-c1 down"]),
    ];
    stands_either_way(m, calls, network);
});

kernel_test!(pair_has_as_many_queues_as_were_asked_for, |m| {
    play(m, "netns.add,c1 veth.add,host,one,c1,one veth.add-with-queues,host,four,c1,four,4").success();
    let lab = m.view(LAB);
    for (netns, link, queues) in [("host", "one", 1), ("c1", "one", 1), ("host", "four", 4), ("c1", "four", 4)] {
        let found = lab.link(netns, link);
        assert_eq!((&found["num_tx_queues"], &found["num_rx_queues"]), (&queues.into(), &queues.into()), "{found}");
    }
    let shown = m.orchestrator(&["show", LAB, "--json"]).success().json();
    let links = shown["netns"][1]["links"].as_array().expect("links");
    let queues: Vec<(&str, u64)> =
        links.iter().map(|link| (link["name"].as_str().unwrap(), link["queues"].as_u64().unwrap())).collect();
    assert_eq!(queues, [("lo", 1), ("one", 1), ("four", 4)]);
    lab.down();
});

kernel_test!(pair_can_not_have_no_queue_nor_more_than_linux_has, |m| {
    for queues in [0, 4097] {
        let call = format!("veth.add-with-queues,host,a,host,b,{queues}");
        let played = play(m, &format!("?{call} veth.add-with-queues,host,c,host,d,4096 link.list,host"));
        let [answer] = answers(played.success(), &call)[..] else { panic!("{played}") };
        assert!(answer.starts_with("invalid-argument EINVAL"), "{answer}");
        assert!(answer.ends_with(&format!("it can have 1 to 4096 queues, and not {queues}")), "{answer}");
        assert_eq!(answers(&played, "link.list,host"), ["ok lo; c; d"]);
        m.view(LAB).down();
    }
});

kernel_test!(ends_of_a_pair_are_joined, |m| {
    let calls = "
        netns.add,c1 netns.add,c2
        veth.add,c1,a,c1,b veth.add,c1,c,c2,d veth.add,host,e,c2,f
        veth.peer,c1,b veth.peer,c1,c veth.peer,c2,f";
    let outcome = play(m, calls);
    outcome.success();
    assert_eq!(answers(&outcome, "veth.peer,c1,b"), ["ok a c1"]);
    assert_eq!(answers(&outcome, "veth.peer,c1,c"), ["ok d c2"]);
    assert_eq!(answers(&outcome, "veth.peer,c2,f"), ["ok e host"]);
    let lab = m.view(LAB);
    // In one netns `ip` has the peer's name, else its index there.
    assert_eq!(lab.link("c1", "a")["link"], "b");
    for (netns, link, peer_netns, peer) in [("c1", "c", "c2", "d"), ("c2", "f", "host", "e")] {
        let (near, far) = (lab.link(netns, link), lab.link(peer_netns, peer));
        assert_eq!(near["linkinfo"]["info_kind"], "veth");
        assert_eq!((&near["link_index"], &near["ifindex"]), (&far["ifindex"], &far["link_index"]));
    }
    lab.down();
});

kernel_test!(link_that_is_moved_leaves_its_origin, |m| {
    let calls = "
        netns.add,c1 netns.add,c2
        veth.add,host,veth1,host,ceth1 link.set-netns,host,ceth1,c1
        veth.add,c1,to-c2,c2,to-c1 link.set-netns,c1,to-c2,host
        link.set-up,host,veth1 link.set-up,c1,ceth1 address.add,c1,ceth1,172.16.0.2/24";
    let c1: &[&str] = &[
        "lo down",
        "ceth1 up 172.16.0.2/24 link-local",
        "172.16.0.0/24 dev ceth1 proto kernel scope link src 172.16.0.2",
    ];
    let network: &[(&str, &[&str])] =
        &[("host", &["lo down", "to-c2 down", "veth1 up link-local"]), ("c1", c1), ("c2", &["lo down", "to-c1 down"])];
    stands_either_way(m, calls, network);
});

/// All that a link can lose by a move, then the move.
const MOVED: &str = "
    netns.add,c1 netns.add,c2
    veth.add,host,veth1,c1,ceth1 bridge.add,host,br0 bridge.add-port,host,br0,veth1
    link.set-up,host,veth1 link.set-up,host,br0 address.add,host,veth1,10.0.0.1/24
    link.set-up,c1,ceth1 address.add,c1,ceth1,172.16.0.2/24 address.add,c1,ceth1,fd00::2/64
    route.add,c1,default,172.16.0.1 route.add,c1,default,fd00::1 route.add-on-link,c1,ceth1,10.9.0.0/16
    link.set-netns,c1,ceth1,c2 link.set-netns,host,veth1,c2";

kernel_test!(link_that_is_moved_arrives_down_and_bare, |m| {
    let network: &[(&str, &[&str])] = &[
        ("host", &["lo down", "br0 up link-local"]),
        ("c1", &["lo down"]),
        ("c2", &["lo down", "ceth1 down", "veth1 down"]),
    ];
    stands_either_way(m, MOVED, network);
});

kernel_test!(link_that_was_moved_works_in_its_new_place, |m| {
    let calls = format!(
        "{MOVED} link.set-up,c2,ceth1 address.add,c2,ceth1,172.16.0.9/24
        link.set-netns,c2,veth1,c1 link.set-up,c1,veth1 address.add,c1,veth1,172.16.0.8/24"
    );
    let network: &[(&str, &[&str])] = &[
        ("host", &["lo down", "br0 up link-local"]),
        (
            "c1",
            &[
                "lo down",
                "veth1 up 172.16.0.8/24 link-local",
                "172.16.0.0/24 dev veth1 proto kernel scope link src 172.16.0.8",
            ],
        ),
        (
            "c2",
            &[
                "lo down",
                "ceth1 up 172.16.0.9/24 link-local",
                "172.16.0.0/24 dev ceth1 proto kernel scope link src 172.16.0.9",
            ],
        ),
    ];
    stands_either_way(m, &calls, network);
});

kernel_test!(link_moves_after_a_look_and_still_carries, |m| {
    let calls = "
        netns.add,c1
        veth.add,host,veth1,c1,ceth1 link.set-up,host,veth1 link.set-up,c1,ceth1
        address.add,host,veth1,10.0.0.1/24 address.add,c1,ceth1,10.0.0.2/24
        ping,host,10.0.0.2
        netns.add,c2 link.set-netns,c1,ceth1,c2
        ping,host,10.0.0.2
        link.set-up,c2,ceth1 address.add,c2,ceth1,10.0.0.2/24
        probe.ping-within,host,10.0.0.2,3,1000 ping,c2,10.0.0.1 ping,c1,10.0.0.1";
    let outcome = play(m, calls);
    outcome.success();
    let reply = "ok reply sent=1 received=1";
    assert_eq!(answers(&outcome, "ping,host,10.0.0.2"), [reply, "ok no-reply sent=1 received=0"]);
    // It has another MAC address now, but the host must not go on sending to the old one.
    let [within] = answers(&outcome, "probe.ping-within,host,10.0.0.2,3,1000")[..] else { panic!("{outcome}") };
    assert!(within.starts_with("ok reply "), "{within}");
    assert_eq!(answers(&outcome, "ping,c2,10.0.0.1"), [reply]);
    assert_eq!(answers(&outcome, "ping,c1,10.0.0.1"), ["ok unreachable ENETUNREACH sent=0 received=0"]);
    m.view(LAB).down();
});

kernel_test!(links_that_change_places_do_so_at_one_apply, |m| {
    let calls = "
        netns.add,c1 netns.add,c2
        veth.add,host,h1,c1,eth0 veth.add,host,h2,c2,eth0
        link.set-up,c1,eth0 address.add,c1,eth0,10.0.0.1/24 link.set-up,c2,eth0 address.add,c2,eth0,10.0.0.2/24
        lab.apply
        link.set-name,c1,eth0,free link.set-netns,c2,eth0,c1 link.set-netns,c1,free,c2 link.set-name,c2,free,eth0
        veth.peer,host,h1 veth.peer,host,h2";
    let outcome = play(m, calls);
    outcome.success();
    assert_eq!(answers(&outcome, "veth.peer,host,h1"), ["ok eth0 c2"]);
    assert_eq!(answers(&outcome, "veth.peer,host,h2"), ["ok eth0 c1"]);
    let lab = m.view(LAB);
    let network: &[(&str, &[&str])] = &[
        ("host", &["lo down", "h1 down", "h2 down"]),
        ("c1", &["lo down", "eth0 down"]),
        ("c2", &["lo down", "eth0 down"]),
    ];
    finds(&lab, network, "");
    assert_eq!(lab.link("c2", "eth0")["link_index"], lab.link("host", "h1")["ifindex"]);
    for (netns, link) in [("c1", "eth0"), ("c2", "eth0")] {
        has_the_mac_of_its_place(&lab, netns, link);
    }
    lab.down();
});

kernel_test!(mac_address_follows_from_the_place, |m| {
    let calls = "
        netns.add,c1 netns.add,c2
        veth.add,host,veth1,c1,ceth1 link.set-up,c1,ceth1
        bridge.add,host,br0 bridge.add-port,host,br0,veth1 link.set-up,host,br0
        veth.add,host,moves,c1,stays veth.add,host,old,c2,old
        lab.apply
        link.set-netns,host,moves,c2 link.set-name,c2,old,new
        link.show,c1,ceth1 link.show,c2,moves link.show,c2,new";
    let outcome = play(m, calls);
    outcome.success();
    for (place, admin_state) in [("c1/ceth1", "up"), ("c2/moves", "down"), ("c2/new", "down")] {
        let (netns, link) = place.split_once('/').unwrap();
        let shown = format!("ok {link} {netns} veth {} 1500 {admin_state}", mac_of_place(place));
        assert_eq!(answers(&outcome, &format!("link.show,{netns},{link}")), [shown]);
    }
    let lab = m.view(LAB);
    let places = [
        ("host", "veth1"),
        ("c1", "ceth1"),
        ("host", "br0"),
        ("c1", "stays"),
        ("c2", "moves"),
        ("host", "old"),
        ("c2", "new"),
    ];
    for (netns, link) in places {
        has_the_mac_of_its_place(&lab, netns, link);
    }
    assert_eq!(lab.link("c1", "lo")["address"], "00:00:00:00:00:00");
    // Reckoned by hand, so that not both sides are wrong alike.
    assert_eq!(mac_of_place("c1/ceth1"), "02:ff:81:82:00:36");
    assert_eq!(link_local("02:ff:81:82:00:36").to_string(), "fe80::ff:81ff:fe82:36");
    lab.down();
});

kernel_test!(link_that_is_removed_takes_its_peer_with_it, |m| {
    let calls = "
        netns.add,c1 netns.add,c2
        veth.add,host,veth1,c1,ceth1 veth.add,c1,a,c1,b veth.add,c1,c,c2,d
        link.set-up,c1,ceth1 address.add,c1,ceth1,172.16.0.2/24 route.add,c1,default,172.16.0.1
        link.remove,host,veth1 link.remove,c1,b link.remove,c2,d
        veth.add,host,veth1,c1,a";
    let network: &[(&str, &[&str])] =
        &[("host", &["lo down", "veth1 down"]), ("c1", &["lo down", "a down"]), ("c2", &["lo down"])];
    stands_either_way(m, calls, network);
});

kernel_test!(pair_that_was_removed_can_be_added_again_at_one_apply, |m| {
    let calls = "
        netns.add,c1 veth.add,host,veth1,c1,ceth1 link.set-up,c1,ceth1 address.add,c1,ceth1,172.16.0.2/24
        lab.apply
        link.remove,c1,ceth1 veth.add,host,veth1,c1,ceth1 link.set-up,host,veth1";
    stands(m, calls, &[("host", &["lo down", "veth1 up link-local"]), ("c1", &["lo down", "ceth1 down"])]);
});
