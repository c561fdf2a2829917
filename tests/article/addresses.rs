//! `ip address add` and `ip address del`, IPv4 and IPv6.

use crate::support::kernel_test;
use crate::{LAB, answers, play, stands, stands_either_way};

/// A link that is up in `c1`, its peer too.
const LINK: &str = "netns.add,c1 veth.add,host,veth1,c1,eth0 link.set-up,host,veth1 link.set-up,c1,eth0 ";

const HOST: (&str, &[&str]) = ("host", &["lo down", "veth1 up link-local"]);

kernel_test!(address_brings_the_route_to_its_network, |m| {
    let calls = format!(
        "{LINK} address.add,c1,eth0,172.16.0.2/24 address.add,c1,eth0,10.0.0.1/8 address.add,c1,eth0,10.0.0.9/31
        address.add,c1,eth0,192.168.7.7/32 address.add,c1,eth0,fd00::2/64 address.add,c1,eth0,fd01::2/128
        address.add,c1,eth0,2001:db8::1/32"
    );
    let c1: &[&str] = &[
        "lo down",
        "eth0 up 172.16.0.2/24 10.0.0.1/8 10.0.0.9/31 192.168.7.7/32 2001:db8::1/32 fd00::2/64 fd01::2/128 link-local",
        "10.0.0.0/8 dev eth0 proto kernel scope link src 10.0.0.1",
        "10.0.0.8/31 dev eth0 proto kernel scope link src 10.0.0.9",
        "172.16.0.0/24 dev eth0 proto kernel scope link src 172.16.0.2",
        "2001:db8::/32 dev eth0 proto kernel metric 256",
        "fd00::/64 dev eth0 proto kernel metric 256",
        "fd01::2 dev eth0 proto kernel metric 256",
    ];
    stands_either_way(m, &calls, &[HOST, ("c1", c1)]);
});

kernel_test!(second_address_of_a_network_is_secondary, |m| {
    let calls = format!(
        "{LINK} address.add,c1,eth0,172.16.0.2/24 address.add,c1,eth0,172.16.0.3/24 address.add,c1,eth0,172.16.0.4/16
        address.add,c1,eth0,172.16.0.5/16 address.add,c1,eth0,172.16.0.2/16 address.add,c1,eth0,fd00::2/64
        address.add,c1,eth0,fd00::3/64"
    );
    let outcome = play(m, &calls);
    outcome.success();
    let lab = m.view(LAB);
    let c1 = lab.netns("c1");
    // The kernel puts primary addresses first.
    let mut addresses: Vec<&str> = c1[1].split(' ').skip(2).collect();
    addresses.sort_unstable();
    let wanted = [
        "172.16.0.2/16(secondary)",
        "172.16.0.2/24",
        "172.16.0.3/24(secondary)",
        "172.16.0.4/16",
        "172.16.0.5/16(secondary)",
        "fd00::2/64",
        "fd00::3/64",
        "link-local",
    ];
    assert_eq!(addresses, wanted);
    let routes = [
        "172.16.0.0/16 dev eth0 proto kernel scope link src 172.16.0.4",
        "172.16.0.0/24 dev eth0 proto kernel scope link src 172.16.0.2",
        "fd00::/64 dev eth0 proto kernel metric 256",
    ];
    assert_eq!(c1[2..], routes);
    lab.down();
});

kernel_test!(address_that_is_removed_takes_its_route_along, |m| {
    let calls = format!(
        "{LINK} address.add,c1,eth0,172.16.0.2/24 address.add,c1,eth0,10.0.0.1/24 address.add,c1,eth0,fd00::2/64
        address.add,c1,eth0,fd01::2/64
        address.remove,c1,eth0,172.16.0.2/24 address.remove,c1,eth0,fd01::2/64"
    );
    let c1: &[&str] = &[
        "lo down",
        "eth0 up 10.0.0.1/24 fd00::2/64 link-local",
        "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1",
        "fd00::/64 dev eth0 proto kernel metric 256",
    ];
    stands_either_way(m, &calls, &[HOST, ("c1", c1)]);
});

kernel_test!(primary_address_takes_its_secondaries_along, |m| {
    let calls = format!(
        "{LINK} address.add,c1,eth0,172.16.0.2/24 address.add,c1,eth0,172.16.0.3/24 address.add,c1,eth0,172.16.0.4/24
        address.add,c1,eth0,10.0.0.1/24
        address.remove,c1,eth0,172.16.0.2/24"
    );
    let c1: &[&str] =
        &["lo down", "eth0 up 10.0.0.1/24 link-local", "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1"];
    stands_either_way(m, &calls, &[HOST, ("c1", c1)]);
});

kernel_test!(secondary_address_goes_alone, |m| {
    let calls = format!(
        "{LINK} address.add,c1,eth0,172.16.0.2/24 address.add,c1,eth0,172.16.0.3/24 address.add,c1,eth0,172.16.0.4/24
        address.add,c1,eth0,fd00::2/64 address.add,c1,eth0,fd00::3/64
        address.remove,c1,eth0,172.16.0.3/24 address.remove,c1,eth0,fd00::2/64"
    );
    let c1: &[&str] = &[
        "lo down",
        "eth0 up 172.16.0.2/24 172.16.0.4/24(secondary) fd00::3/64 link-local",
        "172.16.0.0/24 dev eth0 proto kernel scope link src 172.16.0.2",
        "fd00::/64 dev eth0 proto kernel metric 256",
    ];
    stands_either_way(m, &calls, &[HOST, ("c1", c1)]);
});

kernel_test!(address_that_is_removed_and_added_again_is_the_last, |m| {
    let calls = format!(
        "{LINK} address.add,c1,eth0,172.16.0.2/24 address.add,c1,eth0,172.16.0.3/24
        address.remove,c1,eth0,172.16.0.2/24
        address.add,c1,eth0,172.16.0.3/24 address.add,c1,eth0,172.16.0.2/24"
    );
    let c1: &[&str] = &[
        "lo down",
        "eth0 up 172.16.0.3/24 172.16.0.2/24(secondary) link-local",
        "172.16.0.0/24 dev eth0 proto kernel scope link src 172.16.0.3",
    ];
    stands_either_way(m, &calls, &[HOST, ("c1", c1)]);
});

kernel_test!(addresses_are_put_in_another_order_at_one_apply, |m| {
    let calls = format!(
        "{LINK} address.add,c1,eth0,172.16.0.2/24 address.add,c1,eth0,172.16.0.3/24 address.add,c1,eth0,172.16.0.4/24
        address.add,c1,eth0,10.0.0.1/24 route.add,c1,default,172.16.0.1
        lab.apply
        address.remove,c1,eth0,172.16.0.2/24
        address.add,c1,eth0,172.16.0.4/24 address.add,c1,eth0,172.16.0.2/24"
    );
    let c1: &[&str] = &[
        "lo down",
        "eth0 up 10.0.0.1/24 172.16.0.4/24 172.16.0.2/24(secondary) link-local",
        "default via 172.16.0.1 dev eth0",
        "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1",
        "172.16.0.0/24 dev eth0 proto kernel scope link src 172.16.0.4",
    ];
    stands(m, &calls, &[HOST, ("c1", c1)]);
});

kernel_test!(last_ipv4_address_takes_every_ipv4_route_along, |m| {
    let calls = format!(
        "{LINK} address.add,c1,eth0,172.16.0.2/24 address.add,c1,eth0,fd00::2/64
        route.add,c1,default,172.16.0.1 route.add-on-link,c1,eth0,10.9.0.0/16 route.add,c1,default,fd00::1
        address.remove,c1,eth0,172.16.0.2/24"
    );
    let c1: &[&str] = &[
        "lo down",
        "eth0 up fd00::2/64 link-local",
        "default via fd00::1 dev eth0 metric 1024",
        "fd00::/64 dev eth0 proto kernel metric 256",
    ];
    stands_either_way(m, &calls, &[HOST, ("c1", c1)]);
});

kernel_test!(address_stands_on_links_of_any_kind_and_in_any_netns, |m| {
    let calls = "
        netns.add,c1 bridge.add,c1,br0 link.set-up,c1,br0 address.add,c1,br0,172.16.0.2/24 address.add,c1,br0,fd00::2/64
        link.set-up,c1,lo address.add,c1,lo,10.255.0.1/32 address.add,c1,lo,fd0f::1/128
        bridge.add,host,br0 link.set-up,host,br0 address.add,host,br0,172.16.0.2/24";
    let c1: &[&str] = &[
        "lo up 127.0.0.1/8 10.255.0.1/32 ::1/128 fd0f::1/128",
        "br0 up 172.16.0.2/24 fd00::2/64 link-local",
        "172.16.0.0/24 dev br0 proto kernel scope link src 172.16.0.2",
        "fd00::/64 dev br0 proto kernel metric 256",
        "fd0f::1 dev lo proto kernel metric 256",
    ];
    let host: &[&str] =
        &["lo down", "br0 up 172.16.0.2/24 link-local", "172.16.0.0/24 dev br0 proto kernel scope link src 172.16.0.2"];
    stands_either_way(m, calls, &[("host", host), ("c1", c1)]);
});

kernel_test!(lo_takes_more_loopback_addresses, |m| {
    let calls = "
        netns.add,c1 link.set-up,c1,lo address.add,c1,lo,127.0.0.9/8 address.add,c1,lo,127.1.0.1/32
        address.add,host,lo,127.0.0.9/8 address.add,host,lo,10.0.0.1/24 link.set-up,host,lo";
    let network: &[(&str, &[&str])] = &[
        // As the kernel adds its own where it is not there yet.
        ("host", &["lo up 127.0.0.9/8 10.0.0.1/24 127.0.0.1/8(secondary) ::1/128"]),
        ("c1", &["lo up 127.0.0.1/8 127.1.0.1/32 127.0.0.9/8(secondary) ::1/128"]),
    ];
    stands_either_way(m, calls, network);
});

kernel_test!(ipv6_address_is_usable_at_once, |m| {
    let calls = format!(
        "{LINK} address.add,c1,eth0,fd00::2/64 address.add,host,veth1,fd00::1/64 probe.addresses,c1 ping,c1,fd00::1"
    );
    let outcome = play(m, &calls);
    outcome.success().stdout_lacks("tentative");
    assert_eq!(answers(&outcome, "ping,c1,fd00::1"), ["ok reply sent=1 received=1"]);
    m.view(LAB).down();
});
