//! What only IPv6 does.

use super::{Net, pair, routed};

#[test]
fn link_local_address_needs_a_zone() {
    let net = pair();
    assert_eq!(net.ping("red", &net.link_local("blue/eth0")), "EINVAL at once");
    assert_eq!(net.ping("red", "ff02::1"), "EINVAL at once");
    assert_eq!(net.ping("red", "ff01::1"), "EINVAL at once");
}

#[test]
fn mapped_address_is_none() {
    assert_eq!(pair().ping("red", "::ffff:10.0.0.2"), "ENETUNREACH at once");
}

#[test]
fn link_local_address_does_as_a_source_and_as_a_gateway() {
    let mut net = routed();
    let router = net.link_local("router/red");
    net.no_address("red/eth0", "2001:db8:1::1/64").route_on("red/eth0", "2001:db8:1::/64");
    assert_eq!(net.ping("red", "2001:db8:1::fe"), "reply");
    // Beyond its link it is nobody's address.
    net.route_via("red/eth0", "2001:db8:2::/64", &router);
    assert_eq!(net.ping("red", "2001:db8:2::1"), "EHOSTUNREACH");
    net.address("red/eth0", "2001:db8:1::1/64");
    assert_eq!(net.ping("red", "2001:db8:2::1"), "reply");
}

#[test]
fn question_needs_an_address_of_its_link() {
    let mut net = pair();
    net.no_link_local("red/eth0").no_address("red/eth0", "2001:db8::1/64").address("red/lo", "2001:db8:7::1/128");
    net.route_on("red/eth0", "2001:db8::/64").route("blue", "2001:db8:7::1/128", "2001:db8::1");
    assert_eq!(net.ping_late("red", "2001:db8::2"), "EHOSTUNREACH");
}

#[test]
fn whoever_is_asked_learns_where_the_asker_is() {
    let mut net = pair();
    // `blue` could not ask for `red` itself.
    net.no_link_local("blue/eth0").no_address("blue/eth0", "2001:db8::2/64").address("blue/eth0", "2001:db8::2/128");
    net.route_on("blue/eth0", "2001:db8::/64").address("blue/lo", "2001:db8:6::1/128");
    net.route("red", "2001:db8:6::1/128", "2001:db8::2");
    assert_eq!(net.ping("red", "2001:db8:6::1"), "reply");
}

#[test]
fn source_is_the_address_that_has_most_in_common_with_the_target() {
    let mut net = routed();
    // `blue` knows a way back to none but the network that the router has.
    net.address("red/eth0", "2001:db8:ffff::1/64");
    assert_eq!(net.ping("red", "2001:db8:2::1"), "reply");
    net.address("red/eth0", "2001:db8:3::1/64").address("blue/lo", "2001:db8:3::2/128");
    net.route("red", "2001:db8:3::2/128", "2001:db8:1::fe").route("router", "2001:db8:3::2/128", "2001:db8:2::1");
    assert_eq!(net.ping("red", "2001:db8:3::2"), "none");
}

#[test]
fn router_answers_for_the_anycast_address_of_its_networks_in_its_own_time() {
    let mut net = routed();
    assert_eq!(net.ping_late("red", "2001:db8:1::"), "reply");
    assert_eq!(net.ping("red", "2001:db8:1::"), "none", "it may take 0.8 s");
    // The one behind it needs no search.
    assert_eq!(net.ping("red", "2001:db8:2::"), "reply");
    let router = net.netns("router");
    net.0.set_forwarding(router, false).unwrap();
    assert_eq!(net.ping_late("red", "2001:db8:1::"), "EHOSTUNREACH");
}

#[test]
fn nobody_complains_to_an_anycast_address() {
    let mut net = pair();
    net.no_address("red/eth0", "2001:db8::1/64").address("red/eth0", "2001:db8::/64");
    net.route("red", "::/0", "2001:db8::2");
    assert_eq!(net.ping("red", "2001:db8::2"), "reply");
    assert_eq!(net.ping_late("red", "2001:db8:9::1"), "none");
}

#[test]
fn reply_prefers_the_link_by_which_the_request_came() {
    let mut net = Net::new();
    net.veth("red/eth0", "blue/eth0").veth("red/eth1", "blue/eth1");
    for link in ["red/eth0", "blue/eth0"] {
        net.address(link, if link == "red/eth0" { "2001:db8::1/64" } else { "2001:db8::2/64" });
    }
    net.address("blue/eth1", "2001:db8::3/64")
        .address("red/eth1", "2001:db8:1::1/64")
        .route_on("red/eth1", "2001:db8::3/128");
    // `blue` has two routes to 2001:db8::/64; the older one is not the one by which it would reach `red/eth1`.
    net.address("red/eth1", "2001:db8::4/64");
    assert_eq!(net.ping("red", "2001:db8::3"), "reply");
}

#[test]
fn routers_of_a_site_answer_as_a_group() {
    let mut net = routed();
    assert_eq!(net.ping("red", "ff05::2"), "reply");
    let router = net.netns("router");
    net.0.set_forwarding(router, false).unwrap();
    assert_eq!(net.ping_late("red", "ff05::2"), "none");
    assert_eq!(net.ping_late("red", "ff0e::1"), "none");
}
