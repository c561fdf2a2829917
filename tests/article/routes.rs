//! `ip route add` and `ip route del`, IPv4 and IPv6.

use crate::support::kernel_test;
use crate::{LAB, answers, play, stands, stands_either_way};

/// A link that is up in `c1`, in an IPv4 and an IPv6 network, its peer too.
const LINK: &str = "
    netns.add,c1 veth.add,host,veth1,c1,eth0 link.set-up,host,veth1 link.set-up,c1,eth0
    address.add,c1,eth0,172.16.0.2/24 address.add,c1,eth0,fd00::2/64 ";

const HOST: (&str, &[&str]) = ("host", &["lo down", "veth1 up link-local"]);

/// What `c1` has of [`LINK`], and these routes.
fn c1_with(routes: &[&'static str]) -> Vec<&'static str> {
    let mut lines = vec!["lo down", "eth0 up 172.16.0.2/24 fd00::2/64 link-local"];
    let mut sorted: Vec<&str> = routes.to_vec();
    sorted.push("172.16.0.0/24 dev eth0 proto kernel scope link src 172.16.0.2");
    sorted.push("fd00::/64 dev eth0 proto kernel metric 256");
    sorted.sort_by_key(|route| (route.contains(':'), !route.starts_with("default "), *route));
    lines.extend(sorted);
    lines
}

kernel_test!(route_leads_through_a_gateway, |m| {
    let calls = format!(
        "{LINK} route.add,c1,default,172.16.0.1 route.add,c1,10.1.0.0/16,172.16.0.7 route.add,c1,10.2.3.4,172.16.0.8
        route.add,c1,default,fd00::1 route.add,c1,fd01::/64,fd00::7 route.add,c1,fd02::1,fd00::8"
    );
    let c1 = c1_with(&[
        "default via 172.16.0.1 dev eth0",
        "10.1.0.0/16 via 172.16.0.7 dev eth0",
        "10.2.3.4 via 172.16.0.8 dev eth0",
        "default via fd00::1 dev eth0 metric 1024",
        "fd01::/64 via fd00::7 dev eth0 metric 1024",
        "fd02::1 via fd00::8 dev eth0 metric 1024",
    ]);
    stands_either_way(m, &calls, &[HOST, ("c1", &c1)]);
});

kernel_test!(route_leads_through_a_gateway_on_a_given_link, |m| {
    let calls = format!(
        "{LINK} route.add-via,c1,eth0,default,172.16.0.1 route.add-via,c1,eth0,10.1.0.0/16,172.16.0.7
        route.add-via,c1,eth0,default,fe80::1 route.add-via,c1,eth0,fd01::/64,fd00::7 route.add-via,c1,eth0,fd02::/64,fe80::7"
    );
    let c1 = c1_with(&[
        "default via 172.16.0.1 dev eth0",
        "10.1.0.0/16 via 172.16.0.7 dev eth0",
        "default via fe80::1 dev eth0 metric 1024",
        "fd01::/64 via fd00::7 dev eth0 metric 1024",
        "fd02::/64 via fe80::7 dev eth0 metric 1024",
    ]);
    stands_either_way(m, &calls, &[HOST, ("c1", &c1)]);
});

kernel_test!(route_leads_to_what_is_on_a_link, |m| {
    let calls = format!(
        "{LINK} route.add-on-link,c1,eth0,default route.add-on-link,c1,eth0,10.1.0.0/16
        route.add-on-link,c1,eth0,10.2.3.4 route.add-on-link,c1,eth0,fd01::/64 route.add-on-link,c1,eth0,::/0"
    );
    let c1 = c1_with(&[
        "default dev eth0 scope link",
        "10.1.0.0/16 dev eth0 scope link",
        "10.2.3.4 dev eth0 scope link",
        "default dev eth0 metric 1024",
        "fd01::/64 dev eth0 metric 1024",
    ]);
    stands_either_way(m, &calls, &[HOST, ("c1", &c1)]);
});

kernel_test!(gateway_may_be_reached_by_a_route, |m| {
    let calls = format!(
        "{LINK} route.add-on-link,c1,eth0,10.1.0.0/16 route.add,c1,10.2.0.0/16,10.1.0.1
        route.add-on-link,c1,eth0,fd01::/64 route.add,c1,fd02::/64,fd01::1
        netns.add,c2 veth.add,c2,a,host,b link.set-up,c2,a route.add-on-link,c2,a,10.1.0.0/16
        route.add,c2,default,10.1.0.1"
    );
    let c1 = c1_with(&[
        "10.1.0.0/16 dev eth0 scope link",
        "10.2.0.0/16 via 10.1.0.1 dev eth0",
        "fd01::/64 dev eth0 metric 1024",
        "fd02::/64 via fd01::1 dev eth0 metric 1024",
    ]);
    let c2: &[&str] = &["lo down", "a up link-local", "default via 10.1.0.1 dev a", "10.1.0.0/16 dev a scope link"];
    stands_either_way(m, &calls, &[("host", &["lo down", "b down", "veth1 up link-local"]), ("c1", &c1), ("c2", c2)]);
});

kernel_test!(route_takes_the_link_that_reaches_the_gateway, |m| {
    let calls = format!(
        "{LINK} veth.add,c1,x,c1,y link.set-up,c1,x link.set-up,c1,y
        address.add,c1,x,10.0.0.1/8 address.add,c1,y,10.5.0.1/16 address.add,c1,x,fd05::1/48 address.add,c1,y,fd05::5/64
        route.add,c1,10.200.0.0/16,10.5.0.9 route.add,c1,10.201.0.0/16,10.6.0.9
        route.add,c1,fd20::/64,fd05::9 route.add,c1,fd21::/64,fd05:0:0:1::9"
    );
    let outcome = play(m, &calls);
    outcome.success();
    let lab = m.view(LAB);
    let (_, routes) = lab.read("c1");
    for route in [
        "10.200.0.0/16 via 10.5.0.9 dev y",
        "10.201.0.0/16 via 10.6.0.9 dev x",
        "fd20::/64 via fd05::9 dev y metric 1024",
        "fd21::/64 via fd05:0:0:1::9 dev x metric 1024",
    ] {
        assert!(routes.iter().any(|line| line == route), "no {route} in {routes:?}");
    }
    lab.down();
});

kernel_test!(route_that_is_removed_is_gone, |m| {
    let calls = format!(
        "{LINK} route.add,c1,default,172.16.0.1 route.add,c1,default,fd00::1 route.add-on-link,c1,eth0,10.1.0.0/16
        route.add,c1,10.2.0.0/16,10.1.0.1 route.add,c1,fd01::/64,fd00::7 route.add-on-link,c1,eth0,fd03::3
        route.remove,c1,default route.remove,c1,10.1.0.0/16 route.remove,c1,fd03::3"
    );
    let c1 = c1_with(&[
        "10.2.0.0/16 via 10.1.0.1 dev eth0",
        "default via fd00::1 dev eth0 metric 1024",
        "fd01::/64 via fd00::7 dev eth0 metric 1024",
    ]);
    stands_either_way(m, &calls, &[HOST, ("c1", &c1)]);
});

kernel_test!(default_that_is_removed_twice_is_ipv4_then_ipv6, |m| {
    let calls = format!(
        "{LINK} route.add,c1,default,fd00::1 route.add,c1,default,172.16.0.1 route.remove,c1,default route.remove,c1,default"
    );
    stands_either_way(m, &calls, &[HOST, ("c1", &c1_with(&[]))]);
});

kernel_test!(route_that_came_with_an_address_can_be_removed, |m| {
    let calls = format!("{LINK} route.remove,c1,172.16.0.0/24 route.remove,c1,fd00::/64");
    let c1: &[&str] = &["lo down", "eth0 up 172.16.0.2/24 fd00::2/64 link-local"];
    stands_either_way(m, &calls, &[HOST, ("c1", c1)]);
});

kernel_test!(route_that_came_with_an_address_returns_with_the_link, |m| {
    let calls = format!("{LINK} route.remove,c1,172.16.0.0/24 link.set-down,c1,eth0 link.set-up,c1,eth0");
    let c1: &[&str] = &[
        "lo down",
        "eth0 up 172.16.0.2/24 link-local",
        "172.16.0.0/24 dev eth0 proto kernel scope link src 172.16.0.2",
    ];
    stands_either_way(m, &calls, &[HOST, ("c1", c1)]);
});

kernel_test!(route_outlives_the_network_of_its_gateway, |m| {
    let calls = format!(
        "{LINK} address.add,c1,eth0,10.0.0.1/24 route.add,c1,10.7.0.0/16,10.0.0.9 address.remove,c1,eth0,10.0.0.1/24"
    );
    let c1 = c1_with(&["10.7.0.0/16 via 10.0.0.9 dev eth0"]);
    stands_either_way(m, &calls, &[HOST, ("c1", &c1)]);
});

kernel_test!(route_leads_another_way_at_one_apply, |m| {
    let calls = format!(
        "{LINK} route.add,c1,default,172.16.0.1 route.add,c1,10.1.0.0/16,172.16.0.7 route.add,c1,default,fd00::1
        lab.apply
        route.remove,c1,default route.add,c1,default,172.16.0.9 route.remove,c1,10.1.0.0/16
        route.add-on-link,c1,eth0,10.1.0.0/16 route.remove,c1,::/0 route.add-via,c1,eth0,default,fe80::9"
    );
    let c1 = c1_with(&[
        "default via 172.16.0.9 dev eth0",
        "10.1.0.0/16 dev eth0 scope link",
        "default via fe80::9 dev eth0 metric 1024",
    ]);
    stands(m, &calls, &[HOST, ("c1", &c1)]);
});

kernel_test!(route_over_a_link_that_was_replaced_leads_over_the_new_one, |m| {
    let calls = format!(
        "{LINK} route.add,c1,default,172.16.0.1 lab.apply
        link.remove,c1,eth0 veth.add,host,veth1,c1,eth0 link.set-up,host,veth1 link.set-up,c1,eth0
        address.add,c1,eth0,172.16.0.2/24 address.add,c1,eth0,fd00::2/64 route.add,c1,default,172.16.0.3"
    );
    stands(m, &calls, &[HOST, ("c1", &c1_with(&["default via 172.16.0.3 dev eth0"]))]);
});

kernel_test!(packets_go_where_the_routes_lead, |m| {
    let calls = format!(
        "{LINK} address.add,host,veth1,172.16.0.1/24 address.add,host,veth1,fd00::1/64
        bridge.add,host,br9 link.set-up,host,br9 address.add,host,br9,10.9.0.1/24 address.add,host,br9,fd09::1/64
        ping,c1,10.9.0.1 ping,c1,fd09::1
        route.add,c1,10.9.0.0/24,172.16.0.1 route.add-via,c1,eth0,fd09::/64,fd00::1
        ping,c1,10.9.0.1 ping,c1,fd09::1
        route.remove,c1,10.9.0.0/24 route.remove,c1,fd09::/64
        ping,c1,10.9.0.1 ping,c1,fd09::1"
    );
    let outcome = play(m, &calls);
    outcome.success();
    let (reply, no_way) = ("ok reply sent=1 received=1", "ok unreachable ENETUNREACH sent=0 received=0");
    for target in ["10.9.0.1", "fd09::1"] {
        assert_eq!(answers(&outcome, &format!("ping,c1,{target}")), [no_way, reply, no_way], "{target}");
    }
    m.view(LAB).down();
});

kernel_test!(route_that_the_kernel_would_refuse_is_refused_at_the_call, |m| {
    let calls = format!(
        "{LINK} ?route.add,c1,default,10.0.0.1 ?route.add,c1,default,fd07::1 ?route.add-via,c1,eth0,default,10.0.0.1
        ?route.add,host,default,172.16.0.1 ?route.add-on-link,c1,lo,10.0.0.0/8 ?route.add,c1,default,fe80::1
        ?route.remove,c1,default
        route.add,c1,default,172.16.0.1 ?route.add,c1,default,172.16.0.9 ?route.add-on-link,c1,eth0,default"
    );
    let outcome = play(m, &calls);
    outcome.success();
    for (call, words) in [
        ("route.add,c1,default,10.0.0.1", "unreachable ENETUNREACH "),
        ("route.add,c1,default,fd07::1", "unreachable EHOSTUNREACH "),
        ("route.add-via,c1,eth0,default,10.0.0.1", "unreachable ENETUNREACH "),
        ("route.add,host,default,172.16.0.1", "unreachable ENETUNREACH "),
        ("route.add-on-link,c1,lo,10.0.0.0/8", "unreachable ENETDOWN "),
        ("route.add,c1,default,fe80::1", "invalid-argument EINVAL "),
        ("route.remove,c1,default", "not-found ESRCH "),
        ("route.add,c1,default,172.16.0.9", "already-exists EEXIST "),
        ("route.add-on-link,c1,eth0,default", "already-exists EEXIST "),
    ] {
        let [refused] = answers(&outcome, call)[..] else { panic!("{call}: {outcome}") };
        assert!(refused.starts_with(words), "{call}: {refused}");
        assert!(refused.contains("could not ") && refused.contains('`'), "{call}: {refused}");
    }
    let lab = m.view(LAB);
    assert_eq!(lab.netns("c1"), c1_with(&["default via 172.16.0.1 dev eth0"]));
    lab.down();
});
