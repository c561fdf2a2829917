//! What the kernel does on the side, and what it refuses.

use std::net::IpAddr;

use ipnet::IpNet;

use super::*;

fn network() -> Topology {
    Topology::new(Limits::default())
}

fn link_name(text: &str) -> LinkName {
    LinkName::parse(text).unwrap()
}

fn netns_name(text: &str) -> NetnsName {
    NetnsName::parse(text).unwrap()
}

fn cidr(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn to(text: &str) -> Destination {
    if text == "default" { Destination::Default } else { Destination::Network(cidr(text)) }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A netns `red` with a veth `eth0`, up, whose peer `port` is in the host, up.
fn red(network: &mut Topology) -> (NetnsId, LinkId, LinkId) {
    let red = network.add_netns(netns_name("red")).unwrap();
    let (port, eth0) = network.add_veth(NetnsId::HOST, link_name("port"), red, link_name("eth0")).unwrap();
    network.set_up(port).unwrap();
    network.set_up(eth0).unwrap();
    (red, eth0, port)
}

fn routes(network: &Topology, netns: NetnsId) -> Vec<String> {
    network.list_routes(netns).unwrap().iter().map(ToString::to_string).collect()
}

fn addresses(network: &Topology, link: LinkId) -> Vec<String> {
    network.list_addresses(link).unwrap().iter().map(|address| address.cidr.to_string()).collect()
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> (Code, &'static str, String) {
    let refusal = outcome.unwrap_err();
    let errno = refusal.errno.as_ref().map_or("", |errno| Box::leak(errno.name().to_owned().into_boxed_str()));
    (refusal.code, errno, refusal.why)
}

#[test]
fn new_network_is_the_host_with_lo_down() {
    let network = network();
    assert_eq!((network.netns_count(), network.link_count()), (1, 0));
    let lo = network.find_link(NetnsId::HOST, &LinkName::lo()).unwrap();
    assert!(!network.standing(lo).unwrap().up);
}

#[test]
fn netns_takes_its_links_and_their_peers_along() {
    let mut network = network();
    let (red, eth0, port) = red(&mut network);
    network.remove_netns(red).unwrap();
    assert!(network.standing(port).is_none());
    assert_eq!(network.link_count(), 0);
    let (code, errno, why) = refused(network.set_up(eth0));
    assert_eq!((code, errno, why.as_str()), (Code::NotFound, "ENODEV", "the link has gone"));
    assert_eq!(network.place_of(eth0).to_string(), "`eth0` in netns `red`");
    assert_eq!(refused(network.remove_netns(red)).1, "ENOENT");
    assert_eq!(refused(network.remove_netns(NetnsId::HOST)).1, "EINVAL");
}

#[test]
fn link_set_down_loses_routes_and_ipv6_and_regains_what_is_its_own() {
    let mut network = network();
    let (red, eth0, _) = red(&mut network);
    for address in ["10.0.0.2/24", "2001:db8::2/64"] {
        network.add_address(eth0, cidr(address)).unwrap();
    }
    network.add_route(red, to("default"), ip("10.0.0.1")).unwrap();
    assert_eq!(routes(&network, red).len(), 4);
    network.set_down(eth0).unwrap();
    assert_eq!(addresses(&network, eth0), ["10.0.0.2/24"]);
    assert!(routes(&network, red).is_empty());
    network.set_up(eth0).unwrap();
    assert_eq!(addresses(&network, eth0).len(), 2);
    assert_eq!(
        routes(&network, red),
        [
            "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2",
            "fe80::/64 dev eth0 proto kernel metric 256 pref medium"
        ]
    );
}

#[test]
fn lo_has_its_addresses_from_the_first_time_it_is_up() {
    let mut network = network();
    let lo = network.find_link(NetnsId::HOST, &LinkName::lo()).unwrap();
    network.set_up(lo).unwrap();
    assert_eq!(addresses(&network, lo), ["127.0.0.1/8", "::1/128"]);
    network.set_down(lo).unwrap();
    assert_eq!(addresses(&network, lo), ["127.0.0.1/8"]);
}

#[test]
fn moved_link_arrives_down_and_bare_with_the_address_of_its_new_place() {
    let mut network = network();
    let (red, eth0, _) = red(&mut network);
    network.add_address(eth0, cidr("10.0.0.2/24")).unwrap();
    let before = network.standing(eth0).unwrap().mac;
    let blue = network.add_netns(netns_name("blue")).unwrap();
    network.set_netns(eth0, blue).unwrap();
    let moved = network.standing(eth0).unwrap();
    assert!(!moved.up && moved.addresses.is_empty() && moved.mac != before);
    assert!(routes(&network, red).is_empty());
    assert_eq!(network.place_of(eth0).netns.as_str(), "blue");
}

#[test]
fn primary_address_takes_its_secondaries_and_the_last_one_all_routes() {
    let mut network = network();
    let (red, eth0, _) = red(&mut network);
    for address in ["10.0.0.2/24", "10.0.0.3/24", "10.9.0.1/24"] {
        network.add_address(eth0, cidr(address)).unwrap();
    }
    network.add_route(red, to("default"), ip("10.0.0.1")).unwrap();
    network.remove_address(eth0, cidr("10.0.0.2/24")).unwrap();
    assert_eq!(addresses(&network, eth0)[1..], ["10.9.0.1/24"]);
    // Linux looks at a gateway only when its route is added.
    assert_eq!(routes(&network, red)[0], "default via 10.0.0.1 dev eth0");
    network.remove_address(eth0, cidr("10.9.0.1/24")).unwrap();
    assert_eq!(routes(&network, red), ["fe80::/64 dev eth0 proto kernel metric 256 pref medium"]);
}

#[test]
fn address_is_there_once() {
    let mut network = network();
    let (_, eth0, port) = red(&mut network);
    network.add_address(eth0, cidr("10.0.0.2/24")).unwrap();
    assert_eq!(refused(network.add_address(eth0, cidr("10.0.0.2/24"))).1, "EEXIST");
    network.add_address(eth0, cidr("10.0.0.2/16")).unwrap();
    network.add_address(port, cidr("10.0.0.2/24")).unwrap();
    network.add_address(eth0, cidr("2001:db8::1/64")).unwrap();
    assert_eq!(refused(network.add_address(eth0, cidr("2001:db8::1/80"))).1, "EEXIST");
    assert_eq!(refused(network.add_address(eth0, cidr("0.0.0.0/8"))).1, "EINVAL");
    for address in ["::/64", "ff02::1/64", "::1/128"] {
        let (code, errno, _) = refused(network.add_address(eth0, cidr(address)));
        assert_eq!((code, errno), (Code::InvalidArgument, "EADDRNOTAVAIL"), "{address}");
    }
    assert_eq!(refused(network.remove_address(eth0, cidr("10.0.0.9/24"))).1, "EADDRNOTAVAIL");
}

#[test]
fn of_two_links_with_the_address_of_a_gateway_the_one_that_had_it_first_decides() {
    for first_is_up in [true, false] {
        let mut network = network();
        let (red, eth0, _) = red(&mut network);
        let (up, down) = (eth0, network.add_bridge(red, link_name("br0")).unwrap());
        network.set_up(up).unwrap();
        let (first, second) = if first_is_up { (up, down) } else { (down, up) };
        network.add_address(first, cidr("10.0.0.1/24")).unwrap();
        network.add_address(second, cidr("10.0.0.1/16")).unwrap();
        let outcome = network.add_route(red, to("10.9.0.0/16"), ip("10.0.0.1"));
        if first_is_up {
            outcome.unwrap();
        } else {
            assert_eq!(refused(outcome).1, "ENETDOWN");
        }
    }
}

#[test]
fn of_two_reasons_the_one_that_the_kernel_sees_first_is_told() {
    let mut network = network();
    let (red, eth0, _) = red(&mut network);
    network.add_bridge(NetnsId::HOST, link_name("taken")).unwrap();
    let mut veth = |near, far, queues| {
        refused(network.add_veth_with_queues(NetnsId::HOST, link_name(near), red, link_name(far), queues)).1
    };
    assert_eq!(veth("taken", "x", 0), "EEXIST", "the near name");
    assert_eq!(veth("x", "eth0", 0), "EINVAL", "the queues");
    assert_eq!(veth("x", "eth0", 1), "EEXIST", "the far name");

    // A link that is down, a gateway that is nowhere; then without IPv6.
    network.set_down(eth0).unwrap();
    assert_eq!(refused(network.add_route_via(eth0, to("default"), ip("10.9.0.1"))).1, "ENETUNREACH");
    assert_eq!(refused(network.add_route_via(eth0, to("default"), ip("fd00::9"))).1, "EHOSTUNREACH");
    assert_eq!(refused(network.add_route_via(eth0, to("default"), ip("fe80::9"))).1, "ENETDOWN");
    network.add_address(eth0, cidr("fe80::9/64")).unwrap();
    assert_eq!(refused(network.add_route_via(eth0, to("default"), ip("fe80::9"))).1, "EINVAL");
    network.set_mtu(eth0, 1279).unwrap();
    assert_eq!(refused(network.add_route_via(eth0, to("default"), ip("fe80::9"))).1, "ENODEV");
    assert_eq!(refused(network.add_route_on_link(eth0, to("fd09::/48"))).1, "ENODEV");
    assert_eq!(refused(network.add_address(eth0, cidr("::1/128"))).1, "EINVAL");
    assert_eq!(refused(network.remove_address(eth0, cidr("fe80::9/64"))).1, "ENXIO");
    assert_eq!(refused(network.remove_route(red, to("::/0"))).1, "ENOENT");
    assert_eq!(refused(network.remove_route(red, to("default"))).1, "ESRCH");
}

#[test]
fn gateway_has_to_be_on_a_link_that_is_up() {
    let mut network = network();
    let (red, eth0, _) = red(&mut network);
    network.add_address(eth0, cidr("10.0.0.2/24")).unwrap();
    network.add_address(eth0, cidr("2001:db8::2/64")).unwrap();
    let (code, errno, why) = refused(network.add_route(red, to("default"), ip("10.1.0.1")));
    assert_eq!((code, errno, why.as_str()), (Code::Unreachable, "ENETUNREACH", "no link in `red` reaches the gateway"));
    assert_eq!(refused(network.add_route(red, to("default"), ip("2001:db8:1::1"))).1, "EHOSTUNREACH");
    assert_eq!(refused(network.add_route(red, to("default"), ip("10.0.0.255"))).1, "EINVAL");
    assert_eq!(refused(network.add_route(red, to("default"), ip("2001:db8::2"))).1, "EINVAL");
    assert_eq!(refused(network.add_route(red, to("default"), ip("fe80::1"))).1, "EINVAL");
    network.add_route_via(eth0, to("default"), ip("fe80::1")).unwrap();
    network.set_down(eth0).unwrap();
    assert_eq!(refused(network.add_route(red, to("10.9.0.0/16"), ip("10.0.0.1"))).1, "ENETUNREACH");
    assert_eq!(refused(network.add_route_on_link(eth0, to("10.9.0.0/16"))).1, "ENETDOWN");
}

#[test]
fn route_is_there_once_and_its_network_has_no_further_bits() {
    let mut network = network();
    let (red, eth0, _) = red(&mut network);
    network.add_address(eth0, cidr("10.0.0.2/24")).unwrap();
    network.add_route_on_link(eth0, to("10.9.0.0/16")).unwrap();
    assert_eq!(refused(network.add_route(red, to("10.9.0.0/16"), ip("10.0.0.1"))).1, "EEXIST");
    assert_eq!(refused(network.add_route(red, to("10.0.0.0/24"), ip("10.0.0.1"))).1, "EEXIST");
    assert_eq!(refused(network.add_route(red, to("10.8.0.1/16"), ip("10.0.0.1"))).1, "EINVAL");
    // A route that is on the link reaches gateways too; one through a gateway does not.
    network.add_route(red, to("10.10.0.0/16"), ip("10.9.0.1")).unwrap();
    assert_eq!(refused(network.add_route(red, to("10.11.0.0/16"), ip("10.10.0.1"))).1, "ENETUNREACH");
    network.remove_route(red, to("10.9.0.0/16")).unwrap();
    assert_eq!(refused(network.remove_route(red, to("10.9.0.0/16"))).1, "ESRCH");
}

#[test]
fn ports_have_no_address_of_their_own_and_bridges_follow_their_mtu() {
    let mut network = network();
    let (_, _, port) = red(&mut network);
    assert_eq!(addresses(&network, port).len(), 1);
    let bridge = network.add_bridge(NetnsId::HOST, link_name("br0")).unwrap();
    network.set_mtu(port, 1400).unwrap();
    network.add_port(bridge, port).unwrap();
    assert!(addresses(&network, port).is_empty());
    assert_eq!(network.standing(bridge).unwrap().mtu.bytes, 1400);
    network.remove_port(port).unwrap();
    assert_eq!(addresses(&network, port).len(), 1);
    assert_eq!(network.standing(bridge).unwrap().mtu.bytes, 1500);
    network.add_port(bridge, port).unwrap();
    network.remove_link(bridge).unwrap();
    assert_eq!(network.standing(port).unwrap().controller, None);
}

#[test]
fn what_can_not_be_a_port_is_refused_as_the_kernel_does() {
    let mut network = network();
    let (red, eth0, port) = red(&mut network);
    let bridge = network.add_bridge(NetnsId::HOST, link_name("br0")).unwrap();
    let other = network.add_bridge(NetnsId::HOST, link_name("br1")).unwrap();
    let lo = network.find_link(NetnsId::HOST, &LinkName::lo()).unwrap();
    assert_eq!(refused(network.add_port(bridge, bridge)).1, "ELOOP");
    assert_eq!(refused(network.add_port(bridge, other)).1, "ELOOP");
    assert_eq!(refused(network.add_port(bridge, lo)).1, "EINVAL");
    assert_eq!(refused(network.add_port(bridge, eth0)).1, "EINVAL");
    assert_eq!(refused(network.add_port(port, eth0)).1, "EOPNOTSUPP");
    for n in 1..=1023 {
        let (a, _) =
            network.add_veth(NetnsId::HOST, link_name(&format!("v{n}")), red, link_name(&format!("e{n}"))).unwrap();
        network.add_port(bridge, a).unwrap();
    }
    let (code, errno, _) = refused(network.add_port(bridge, port));
    assert_eq!((code, errno), (Code::Limit, "EXFULL"));
}

#[test]
fn below_1280_bytes_there_is_no_ipv6() {
    let mut network = network();
    let (_, eth0, _) = red(&mut network);
    network.add_address(eth0, cidr("2001:db8::2/64")).unwrap();
    network.set_mtu(eth0, 1279).unwrap();
    assert!(addresses(&network, eth0).is_empty());
    assert_eq!(refused(network.add_address(eth0, cidr("2001:db8::2/64"))).1, "EINVAL");
    network.set_mtu(eth0, 1280).unwrap();
    assert_eq!(addresses(&network, eth0).len(), 1, "the link-local address returns");
    for mtu in [0, 67, 65_536, 100_000] {
        assert_eq!(refused(network.set_mtu(eth0, mtu)).1, "EINVAL", "{mtu}");
    }
}

#[test]
fn names_are_unique_in_a_netns() {
    let mut network = network();
    let (_, _, port) = red(&mut network);
    assert_eq!(refused(network.add_netns(netns_name("red"))).1, "EEXIST");
    assert_eq!(refused(network.add_netns(netns_name("host"))).1, "EINVAL");
    assert_eq!(refused(network.add_bridge(NetnsId::HOST, link_name("port"))).1, "EEXIST");
    assert_eq!(refused(network.set_name(port, link_name("lo"))).1, "EEXIST");
    let twins = network.add_veth(NetnsId::HOST, link_name("a"), NetnsId::HOST, link_name("a"));
    assert_eq!(refused(twins).1, "EEXIST");
}

#[test]
fn lo_stays_and_bridges_stay_in_their_netns() {
    let mut network = network();
    let red = network.add_netns(netns_name("red")).unwrap();
    let lo = network.find_link(red, &LinkName::lo()).unwrap();
    let bridge = network.add_bridge(red, link_name("br0")).unwrap();
    assert_eq!(refused(network.remove_link(lo)).1, "EOPNOTSUPP");
    assert_eq!(refused(network.set_name(lo, link_name("x"))).1, "EINVAL");
    assert_eq!(refused(network.set_netns(lo, NetnsId::HOST)).1, "EINVAL");
    assert_eq!(refused(network.set_netns(bridge, NetnsId::HOST)).1, "EINVAL");
}

#[test]
fn limits_name_themselves_and_give_back_what_was_removed() {
    let mut network = Topology::new(Limits { netns: 1, links: 2, addresses_and_routes: 1 });
    let (red, eth0, _) = red(&mut network);
    let (code, errno, why) = refused(network.add_netns(netns_name("blue")));
    assert_eq!((code, errno), (Code::Limit, ""));
    assert_eq!(why, "this run may have 1 namespaces; `--max-netns` raises the limit");
    assert_eq!(refused(network.add_bridge(red, link_name("br0"))).0, Code::Limit);
    network.add_address(eth0, cidr("10.0.0.2/24")).unwrap();
    assert_eq!(refused(network.add_route(red, to("default"), ip("10.0.0.1"))).0, Code::Limit);
    network.remove_address(eth0, cidr("10.0.0.2/24")).unwrap();
    network.add_address(eth0, cidr("10.0.0.3/24")).unwrap();
}
