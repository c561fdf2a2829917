//! `ip netns add` and `ip netns del`.

use crate::support::kernel_test;
use crate::{LAB, answers, play, stands, stands_either_way};

kernel_test!(netns_has_lo_alone_and_it_is_down, |m| {
    let bare: &[&str] = &["lo down"];
    stands_either_way(
        m,
        "netns.add,container1 netns.add,container2",
        &[("host", bare), ("container1", bare), ("container2", bare)],
    );
});

kernel_test!(lo_that_is_set_up_has_the_loopback_addresses, |m| {
    let calls = "
        netns.add,up link.set-up,up,lo link.set-up,up,lo
        netns.add,down link.set-up,down,lo link.set-down,down,lo
        netns.add,again link.set-up,again,lo link.set-down,again,lo link.set-up,again,lo
        link.set-up,host,lo";
    let up: &[&str] = &["lo up 127.0.0.1/8 ::1/128"];
    stands_either_way(m, calls, &[("host", up), ("up", up), ("down", &["lo down 127.0.0.1/8"]), ("again", up)]);
});

kernel_test!(netns_that_is_removed_takes_the_peers_with_it, |m| {
    let calls = "
        netns.add,c1 netns.add,c2 bridge.add,host,br0 link.set-up,host,br0
        veth.add,host,veth1,c1,ceth1 bridge.add-port,host,br0,veth1 link.set-up,host,veth1 link.set-up,c1,ceth1
        veth.add,host,veth2,c2,ceth2 bridge.add-port,host,br0,veth2 link.set-up,host,veth2 link.set-up,c2,ceth2
        veth.add,c1,to-c2,c2,to-c1 link.set-up,c2,to-c1
        address.add,c2,ceth2,172.16.0.3/24 address.add,c2,to-c1,10.0.0.2/24
        netns.remove,c1";
    let host: &[&str] = &["lo down", "br0 up link-local", "veth2 up master br0"];
    let c2: &[&str] = &[
        "lo down",
        "ceth2 up 172.16.0.3/24 link-local",
        "172.16.0.0/24 dev ceth2 proto kernel scope link src 172.16.0.3",
    ];
    stands_either_way(m, calls, &[("host", host), ("c2", c2)]);
});

kernel_test!(netns_that_is_removed_can_not_be_entered_any_more, |m| {
    play(m, "netns.add,c1 lab.apply netns.remove,c1").success();
    m.orchestrator(&["exec", LAB, "c1", "--", "true"]).fails_with(2).stderr_has("`c1`");
    m.view(LAB).down();
});

kernel_test!(netns_that_is_added_again_is_a_new_one, |m| {
    let calls = "
        netns.add,c1 link.set-up,c1,lo bridge.add,c1,br0 link.set-up,c1,br0 address.add,c1,br0,10.0.0.1/24
        veth.add,host,veth1,c1,ceth1 link.set-up,host,veth1 link.set-up,c1,ceth1 address.add,c1,ceth1,172.16.0.2/24
        netns.remove,c1
        netns.add,c1 veth.add,host,veth1,c1,ceth1 link.set-up,c1,ceth1 address.add,c1,ceth1,172.16.0.9/24";
    let c1: &[&str] = &[
        "lo down",
        "ceth1 up 172.16.0.9/24 link-local",
        "172.16.0.0/24 dev ceth1 proto kernel scope link src 172.16.0.9",
    ];
    stands_either_way(m, calls, &[("host", &["lo down", "veth1 down"]), ("c1", c1)]);
});

kernel_test!(netns_that_is_replaced_at_one_apply_is_a_new_one, |m| {
    let calls = "
        netns.add,c1 link.set-up,c1,lo veth.add,host,veth1,c1,ceth1 link.set-up,c1,ceth1
        address.add,c1,ceth1,172.16.0.2/24
        lab.apply
        netns.remove,c1 netns.add,c1 veth.add,host,veth2,c1,ceth1";
    stands(m, calls, &[("host", &["lo down", "veth2 down"]), ("c1", &["lo down", "ceth1 down"])]);
});

kernel_test!(netns_and_its_links_are_listed_in_the_order_they_were_added, |m| {
    let calls = "
        netns.add,zebra netns.add,ant netns.list netns.get,ant
        veth.add,ant,z,zebra,a bridge.add,ant,b link.list,ant link.list,zebra link.get,ant,z
        netns.remove,zebra netns.list link.list,ant";
    let outcome = play(m, calls);
    outcome.success();
    assert_eq!(answers(&outcome, "netns.list"), ["ok host; zebra; ant", "ok host; ant"]);
    assert_eq!(answers(&outcome, "netns.get,ant"), ["ok ant"]);
    assert_eq!(answers(&outcome, "link.list,ant"), ["ok lo; z; b", "ok lo; b"]);
    assert_eq!(answers(&outcome, "link.list,zebra"), ["ok lo; a"]);
    assert_eq!(answers(&outcome, "link.get,ant,z"), ["ok z"]);
    m.view(LAB).down();
});

kernel_test!(netns_forwards_once_it_is_told_to, |m| {
    let played = play(
        m,
        "netns.add,c1 netns.add,router netns.set-forwarding,router,on netns.forwarding,router netns.forwarding,c1
        netns.add,again netns.set-forwarding,again,on lab.apply netns.set-forwarding,again,off",
    );
    played.success().stdout_has("netns.forwarding,router: ok true").stdout_has("netns.forwarding,c1: ok false");
    let forwards = |netns: &str| {
        let files = ["ipv4/ip_forward", "ipv4/conf/default/forwarding", "ipv6/conf/all/forwarding"];
        let read = files.map(|file| format!("/proc/sys/net/{file}"));
        let read: Vec<&str> = read.iter().map(String::as_str).collect();
        let cat = m.orchestrator(&[&["exec", LAB, netns, "--", "cat"], read.as_slice()].concat());
        cat.success().stdout().lines().collect::<String>()
    };
    assert_eq!([forwards("host"), forwards("c1"), forwards("router"), forwards("again")], ["000", "000", "111", "000"]);
    m.view(LAB).down();
});
