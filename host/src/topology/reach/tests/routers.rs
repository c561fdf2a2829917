//! Ways through other namespaces.

use super::{Net, pair, routed};

const BLUE: [&str; 2] = ["10.2.0.1", "2001:db8:2::1"];

#[test]
fn router_forwards_both_ways() {
    let net = routed();
    for target in BLUE {
        assert_eq!(net.ping("red", target), "reply");
    }
}

#[test]
fn netns_that_does_not_forward_is_silent() {
    let mut net = routed();
    let router = net.netns("router");
    net.0.set_forwarding(router, false).unwrap();
    for target in BLUE {
        assert_eq!(net.ping_late("red", target), "none");
    }
    // What it has no route for it says in IPv6 all the same.
    assert_eq!(net.ping("red", "10.3.0.1"), "none");
    assert_eq!(net.ping("red", "2001:db8:3::1"), "ENETUNREACH");
}

#[test]
fn router_without_a_route_says_so() {
    let net = routed();
    for target in ["10.3.0.1", "2001:db8:3::1"] {
        assert_eq!(net.ping("red", target), "ENETUNREACH");
    }
}

#[test]
fn router_says_nothing_if_it_has_no_way_back() {
    let mut net = routed();
    net.address("red/eth0", "10.8.0.1/24");
    net.no_address("red/eth0", "10.1.0.1/24");
    net.route_on("red/eth0", "10.1.0.254/32");
    assert_eq!(net.ping_late("red", "10.3.0.1"), "none");
}

#[test]
fn reply_needs_a_way_of_its_own() {
    let mut net = routed();
    for (target, default) in BLUE.into_iter().zip(["0.0.0.0/0", "::/0"]) {
        let blue = net.netns("blue");
        net.0.remove_route(blue, crate::topology::Destination::Network(default.parse().unwrap())).unwrap();
        assert_eq!(net.ping_late("red", target), "none");
        assert_eq!(net.ping("router", target), "reply");
    }
}

#[test]
fn reply_may_come_another_way() {
    let mut net = routed();
    net.veth("blue/eth1", "red/eth1").address("blue/eth1", "10.7.0.1/24").address("red/eth1", "10.7.0.2/24");
    net.route("blue", "10.1.0.0/24", "10.7.0.2").down("router/blue");
    assert_eq!(net.ping("red", "10.2.0.1"), "ENETUNREACH", "the request goes by the router");
    net.up("router/blue");
    assert_eq!(net.ping("red", "10.2.0.1"), "reply");
}

#[test]
fn router_gives_up_a_silent_neighbour_after_three_seconds() {
    let net = routed();
    for target in ["10.2.0.99", "2001:db8:2::99"] {
        assert_eq!(net.ping("red", target), "none");
        assert_eq!(net.ping_late("red", target), "EHOSTUNREACH");
    }
}

#[test]
fn silent_neighbour_on_the_way_back_is_not_told() {
    let mut net = routed();
    net.route("blue", "10.1.0.0/24", "10.2.0.77").route("blue", "2001:db8:1::/64", "2001:db8:2::77");
    for target in BLUE {
        assert_eq!(net.ping_late("red", target), "none");
    }
}

#[test]
fn longest_prefix_decides() {
    let mut net = routed();
    net.route("red", "10.2.0.0/16", "10.1.0.99").route("red", "2001:db8:2::/48", "2001:db8:1::99");
    for target in BLUE {
        assert_eq!(net.ping("red", target), "none");
    }
    net.route("red", "10.2.0.0/24", "10.1.0.254").route("red", "2001:db8:2::/64", "2001:db8:1::fe");
    for target in BLUE {
        assert_eq!(net.ping("red", target), "reply");
    }
}

#[test]
fn own_address_as_gateway_means_on_link() {
    let mut net = pair();
    net.address("blue/lo", "10.6.0.1/32").route("red", "10.6.0.0/24", "10.0.0.1");
    assert_eq!(net.ping("red", "10.6.0.1"), "reply");
    // An address of another link of the netns is a gateway like any other, which nobody is.
    net.veth("red/eth1", "blue/eth1").address("red/eth1", "10.0.0.3/24").address("blue/lo", "10.7.0.1/32");
    net.route_via("red/eth0", "10.7.0.0/24", "10.0.0.3");
    assert_eq!(net.ping_late("red", "10.7.0.1"), "EHOSTUNREACH");
}

#[test]
fn packets_that_go_round_die() {
    let mut net = routed();
    net.forward("blue").route("router", "10.9.0.0/24", "10.2.0.1").route("router", "2001:db8:9::/64", "2001:db8:2::1");
    for target in ["10.9.0.1", "2001:db8:9::1"] {
        assert_eq!(net.ping("red", target), "EHOSTUNREACH");
    }
    // What comes back to its sender is not taken, as nobody else can have sent it.
    net.forward("red").route("router", "10.8.0.0/24", "10.1.0.1");
    assert_eq!(net.ping_late("red", "10.8.0.1"), "none");
}

/// `n0` to `nLAST` in a row, each forwarding to the next.
fn row(last: usize) -> Net {
    let mut net = Net::new();
    for n in 0..last {
        let (right, left) = (format!("n{n}/right"), format!("n{}/left", n + 1));
        net.veth(&right, &left).address(&right, &format!("10.0.{n}.1/24")).address(&left, &format!("10.0.{n}.2/24"));
    }
    for n in 0..last {
        net.forward(&format!("n{n}")).route(&format!("n{}", n + 1), "0.0.0.0/0", &format!("10.0.{n}.1"));
    }
    // The last network is at hand for the netns before the last.
    for n in 0..last - 1 {
        net.route(&format!("n{n}"), &format!("10.0.{}.0/24", last - 1), &format!("10.0.{n}.2"));
    }
    net
}

#[test]
fn packets_get_through_63_routers() {
    for (last, outcome) in [(1, "reply"), (64, "reply"), (65, "EHOSTUNREACH")] {
        let target = format!("10.0.{}.2", last - 1);
        assert_eq!(row(last).ping("n0", &target), outcome, "{last}");
    }
}

#[test]
fn what_is_routed_over_lo_is_lost() {
    let mut net = routed();
    net.route_on("router/lo", "10.9.0.0/24").route_on("router/lo", "2001:db8:9::/64");
    // Forwarded packets go round there until they die; IPv6 has no way over `lo`.
    assert_eq!(net.ping("red", "10.9.0.1"), "EHOSTUNREACH");
    assert_eq!(net.ping_late("router", "10.9.0.1"), "none");
    assert_eq!(net.ping("red", "2001:db8:9::1"), "ENETUNREACH");
    assert_eq!(net.ping("router", "2001:db8:9::1"), "ENETUNREACH");
}

#[test]
fn reply_to_a_broadcast_address_is_broadcast() {
    let mut net = Net::new();
    net.veth("red/eth0", "blue/eth0").address("red/eth0", "10.0.0.255/16").address("blue/eth0", "10.0.0.1/24");
    assert_eq!(net.ping("red", "10.0.0.1"), "reply");
    assert_eq!(net.ping("blue", "10.0.0.255"), "EACCES at once");
}
