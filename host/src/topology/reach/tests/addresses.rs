//! What an address means to a netns, and to its neighbours.

use super::{Net, pair};

#[test]
fn neighbours_reach_each_other() {
    let net = pair();
    assert_eq!(net.ping("red", "10.0.0.2"), "reply");
    assert_eq!(net.ping("blue", "2001:db8::1"), "reply");
}

#[test]
fn own_addresses_are_reached_over_lo() {
    let mut net = pair();
    for target in ["10.0.0.1", "2001:db8::1", "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::"] {
        assert_eq!(net.ping("red", target), "reply", "{target}");
    }
    net.down("red/lo");
    for target in ["10.0.0.1", "2001:db8::1", "127.0.0.1", "0.0.0.0"] {
        assert_eq!(net.ping_late("red", target), "none", "{target}");
    }
}

#[test]
fn lo_that_was_never_up_has_no_addresses() {
    let net = Net::new();
    for target in ["127.0.0.1", "0.0.0.0"] {
        assert_eq!(net.ping("host", target), "ENETUNREACH at once", "{target}");
    }
    assert_eq!(net.ping("host", "::1"), "EADDRNOTAVAIL at once");
}

#[test]
fn without_a_route_nothing_is_sent() {
    let mut net = pair();
    assert_eq!(net.ping("red", "10.9.0.1"), "ENETUNREACH at once");
    assert_eq!(net.ping("red", "2001:db8:9::1"), "ENETUNREACH at once");
    // With no IPv6 address at all, not even `::1`, there is none to send from.
    net.no_address("red/eth0", "2001:db8::1/64").no_link_local("red/eth0").down("red/lo");
    assert_eq!(net.ping("red", "2001:db8:9::1"), "EADDRNOTAVAIL at once");
}

#[test]
fn silent_neighbour_is_given_up_after_three_seconds() {
    for target in ["10.0.0.99", "2001:db8::99"] {
        let mut net = pair();
        assert_eq!(net.ping("red", target), "none");
        assert_eq!(net.ping_late("red", target), "EHOSTUNREACH");
        // The netns tells itself over `lo`.
        net.down("red/lo");
        assert_eq!(net.ping_late("red", target), "none");
    }
}

#[test]
fn address_of_any_link_answers_in_ipv4_and_of_that_link_alone_in_ipv6() {
    let mut net = pair();
    net.veth("blue/eth1", "green/eth0").address("blue/eth1", "10.1.0.2/24").address("blue/eth1", "2001:db8:1::2/64");
    net.route_on("red/eth0", "10.1.0.0/24").route_on("red/eth0", "2001:db8:1::/64");
    assert_eq!(net.ping("red", "10.1.0.2"), "reply");
    assert_eq!(net.ping("red", "2001:db8:1::2"), "none");
    // IPv4 addresses stay when their link is set down, and answer still.
    net.down("blue/eth1");
    assert_eq!(net.ping("red", "10.1.0.2"), "reply");
}

#[test]
fn whole_network_of_lo_is_its_own_in_ipv4() {
    let mut net = pair();
    net.address("blue/lo", "10.5.0.1/24").address("blue/lo", "2001:db8:5::1/64");
    net.route("red", "10.5.0.0/24", "10.0.0.2").route("red", "2001:db8:5::/64", "2001:db8::2");
    assert_eq!(net.ping("blue", "10.5.0.77"), "reply");
    assert_eq!(net.ping("red", "10.5.0.77"), "reply");
    assert_eq!(net.ping("red", "2001:db8:5::1"), "reply");
    // The IPv6 route over `lo` rejects, whether or not the netns forwards.
    assert_eq!(net.ping("blue", "2001:db8:5::77"), "ENETUNREACH");
    assert_eq!(net.ping("red", "2001:db8:5::77"), "ENETUNREACH");
}

#[test]
fn broadcast_is_denied_and_multicast_unanswered() {
    let mut net = pair();
    assert_eq!(net.ping("red", "10.0.0.255"), "EACCES at once");
    assert_eq!(net.ping("red", "255.255.255.255"), "ENETUNREACH at once");
    assert_eq!(net.ping("red", "224.0.0.1"), "ENETUNREACH at once");
    net.route("red", "0.0.0.0/0", "10.0.0.2");
    assert_eq!(net.ping("red", "255.255.255.255"), "EACCES at once");
    assert_eq!(net.ping_late("red", "224.0.0.1"), "none");
    // The address of the network itself is like any other.
    assert_eq!(net.ping_late("red", "10.0.0.0"), "EHOSTUNREACH");
}

#[test]
fn loopback_addresses_do_not_leave_their_netns() {
    let mut net = pair();
    net.address("red/eth0", "127.5.0.1/24").address("blue/eth0", "127.5.0.2/24");
    assert_eq!(net.ping("red", "127.5.0.1"), "reply");
    // The only source would be one of them.
    assert_eq!(net.ping("red", "127.5.0.2"), "EINVAL at once");
    // With `lo` down for ever `127.0.0.0/8` is a network like any other, whose packets nobody takes.
    net.veth("host/eth0", "red/eth1").address("host/eth0", "10.3.0.1/24").address("red/eth1", "10.3.0.2/24");
    net.route("host", "0.0.0.0/0", "10.3.0.2");
    assert_eq!(net.ping_late("host", "127.0.0.1"), "none");
}

#[test]
fn packets_from_an_address_of_the_receiver_are_dropped() {
    let mut net = pair();
    net.address("blue/eth0", "10.0.0.1/24").address("blue/lo", "10.6.0.1/32").route("red", "10.6.0.1/32", "10.0.0.2");
    // Not even the question who has the address is answered.
    assert_eq!(net.ping_late("red", "10.6.0.1"), "EHOSTUNREACH");
}

#[test]
fn sender_without_an_address_is_not_answered() {
    let mut net = Net::new();
    net.veth("red/eth0", "blue/eth0").address("blue/eth0", "10.0.0.2/24").route_on("red/eth0", "10.0.0.0/24");
    assert_eq!(net.ping_late("red", "10.0.0.2"), "none");
}

#[test]
fn address_is_borrowed_from_another_link() {
    let mut net = Net::new();
    net.veth("red/eth0", "blue/eth0").address("blue/eth0", "10.0.0.2/24").route_on("red/eth0", "10.0.0.0/24");
    net.address("red/lo", "10.7.0.1/32");
    assert_eq!(net.ping("red", "10.0.0.2"), "none");
    net.route_on("blue/eth0", "10.7.0.1/32");
    assert_eq!(net.ping("red", "10.0.0.2"), "reply");
}

#[test]
fn address_near_the_gateway_is_the_source() {
    let mut net = pair();
    // `blue` knows a way back to 10.0.0.0/24 alone.
    net.no_address("red/eth0", "10.0.0.1/24").address("red/eth0", "10.8.0.1/24").address("red/eth0", "10.0.0.1/24");
    net.address("blue/lo", "10.6.0.1/32").route("red", "10.6.0.1/32", "10.0.0.2").route_on("red/eth0", "10.0.0.2/32");
    assert_eq!(net.ping("red", "10.6.0.1"), "reply");
    // Without a gateway it is the first address of the link.
    assert_eq!(net.ping("red", "10.0.0.2"), "none");
}

#[test]
fn of_two_with_one_address_the_newer_port_of_a_bridge_answers_first() {
    let mut net = Net::new();
    net.bridge("host/br0");
    for (at, netns) in ["red", "old", "new"].into_iter().enumerate() {
        let (port, link) = (format!("host/p{at}"), format!("{netns}/eth0"));
        net.veth(&port, &link).port("host/br0", &port);
        net.address(&link, if netns == "red" { "10.0.0.1/24" } else { "10.0.0.2/24" });
    }
    assert_eq!(net.ping("red", "10.0.0.2"), "reply");
    // It has no way back, and the other is not asked.
    net.no_address("new/eth0", "10.0.0.2/24").address("new/eth0", "10.0.0.2/32");
    assert_eq!(net.ping("red", "10.0.0.2"), "none");
    net.down("new/eth0");
    assert_eq!(net.ping("red", "10.0.0.2"), "reply");
}
