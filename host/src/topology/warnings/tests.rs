//! One mistake each, and the networks that have none.

use super::super::{Destination, LinkName, NetnsId, NetnsName};
use super::*;
use crate::topology::Limits;

/// A network with a bridge `br0` in the host, up, with the address 10.0.0.1/24 and containers `c1`, `c2`... at its ports.
struct Star {
    network: Topology,
    bridge: LinkId,
    /// The end of each in the host, its own end, and its netns.
    nodes: Vec<(LinkId, LinkId, NetnsId)>,
}

fn link_name(text: &str) -> LinkName {
    LinkName::parse(text).unwrap()
}

impl Star {
    fn new(nodes: usize) -> Self {
        let mut network = Topology::new(Limits::default());
        let bridge = network.add_bridge(NetnsId::HOST, link_name("br0")).unwrap();
        let mut star = Self { network, bridge, nodes: Vec::new() };
        star.up(bridge, "10.0.0.1/24");
        for n in 1..=nodes {
            star.add_node(&format!("10.0.0.{}/24", n + 1));
        }
        star
    }

    fn add_node(&mut self, cidr: &str) {
        let n = self.nodes.len() + 1;
        let netns = self.network.add_netns(NetnsName::parse(&format!("c{n}")).unwrap()).unwrap();
        let (veth, eth0) = (link_name(&format!("veth{n}")), link_name("eth0"));
        let (port, eth0) = self.network.add_veth(NetnsId::HOST, veth, netns, eth0).unwrap();
        self.network.add_port(self.bridge, port).unwrap();
        self.network.set_up(port).unwrap();
        self.up(eth0, cidr);
        self.nodes.push((port, eth0, netns));
    }

    fn up(&mut self, link: LinkId, cidr: &str) {
        self.network.set_up(link).unwrap();
        self.address(link, cidr);
    }

    fn address(&mut self, link: LinkId, cidr: &str) {
        self.network.add_address(link, cidr.parse().unwrap()).unwrap();
    }

    fn default_route(&mut self, netns: NetnsId, gateway: &str) {
        self.network.add_route(netns, Destination::Default, gateway.parse().unwrap()).unwrap();
    }

    /// A pair between the host and a new netns, with an address each.
    fn pair(&mut self, netns: &str, near: &str, far: &str) -> (LinkId, LinkId) {
        let id = self.network.add_netns(NetnsName::parse(netns).unwrap()).unwrap();
        let (a, b) = self.network.add_veth(NetnsId::HOST, link_name(netns), id, link_name("eth0")).unwrap();
        self.up(a, near);
        self.up(b, far);
        (a, b)
    }

    #[track_caller]
    fn says(&self, warnings: &[&str]) {
        let said: Vec<String> = self.network.warnings().iter().map(ToString::to_string).collect();
        assert_eq!(said, warnings);
    }
}

#[test]
fn network_as_it_should_be_is_passed_over() {
    assert_eq!(Topology::new(Limits::default()).warnings(), []);
    let mut star = Star::new(3);
    for (at, (_, eth0, netns)) in star.nodes.clone().into_iter().enumerate() {
        star.default_route(netns, "10.0.0.1");
        star.address(eth0, &format!("2001:db8::{}/64", at + 2));
        let lo = star.network.find_link(netns, &LinkName::lo()).unwrap();
        star.up(lo, "10.255.0.1/32");
    }
    // The same address, and the same network, in segments that are apart.
    let elsewhere = star.network.add_netns(NetnsName::parse("elsewhere").unwrap()).unwrap();
    let (a, b) = star.network.add_veth(elsewhere, link_name("a"), elsewhere, link_name("b")).unwrap();
    star.up(a, "10.0.0.2/24");
    star.network.set_up(b).unwrap();
    star.says(&[]);
}

#[test]
fn address_twice_in_a_segment() {
    let mut star = Star::new(2);
    star.add_node("10.0.0.3/24");
    star.says(&[
        "link `eth0` in netns `c2` has address `10.0.0.3`, and link `eth0` in netns `c3` of the same segment has it \
                 too, so it is left to chance who answers; give each an address of its own",
    ]);
    star.add_node("10.0.0.3/24");
    star.says(&[
        "link `eth0` in netns `c2` has address `10.0.0.3`, and link `eth0` in netns `c3` (and 1 more link) of the \
                 same segment has it too, so it is left to chance who answers; give each an address of its own",
    ]);
}

#[test]
fn address_of_one_link_with_two_prefix_lengths_is_no_mistake() {
    let mut star = Star::new(1);
    star.address(star.nodes[0].1, "10.0.0.2/32");
    star.address(star.nodes[0].1, "10.0.0.2/16");
    star.address(star.nodes[0].1, "10.0.0.77/32");
    star.says(&[]);
}

#[test]
fn port_that_is_down() {
    let mut star = Star::new(3);
    star.network.set_down(star.nodes[1].0).unwrap();
    star.says(&[
        "link `veth2` in netns `host` is a port of bridge `br0` and down, so nothing passes through it; set it up",
    ]);
    star.network.set_down(star.nodes[0].0).unwrap();
    star.network.set_down(star.nodes[2].0).unwrap();
    star.says(&[
        "link `veth1` in netns `host` (and 2 more ports) is a port of bridge `br0` and down, so nothing passes \
                 through it; set it up",
    ]);
}

#[test]
fn bridge_that_is_down() {
    let mut star = Star::new(1);
    star.network.set_down(star.bridge).unwrap();
    star.says(&["bridge `br0` in netns `host` is down, so nothing passes between its ports; set it up"]);
}

#[test]
fn bridge_without_ports() {
    let mut star = Star::new(0);
    star.says(&[
        "bridge `br0` in netns `host` has no ports: `host` answers at its addresses, and nothing is behind it; add \
                 ports to it, unless it is there to play another interface",
    ]);
    star.network.set_down(star.bridge).unwrap();
    star.says(&["bridge `br0` in netns `host` has no ports, and has addresses while it is down; set it up"]);
    star.network.remove_address(star.bridge, "10.0.0.1/24".parse().unwrap()).unwrap();
    star.says(&["bridge `br0` in netns `host` has no ports, so it joins nothing; add ports to it, or leave it out"]);
}

#[test]
fn bridge_without_ports_may_play_one_more_interface() {
    let mut star = Star::new(1);
    let uplink = star.network.add_bridge(NetnsId::HOST, link_name("uplink0")).unwrap();
    star.up(uplink, "192.168.100.1/24");
    star.says(&[]);
    // With a link around that could have been its port it is told of.
    star.network.remove_port(star.nodes[0].0).unwrap();
    let said: Vec<String> = star.network.warnings().iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|line| line.starts_with("bridge `uplink0` in netns `host` has no ports: ")), "{said:#?}");
}

#[test]
fn end_that_is_down() {
    let mut star = Star::new(1);
    let (near, far) = star.pair("red", "10.1.0.1/24", "10.1.0.2/24");
    star.network.set_down(far).unwrap();
    let has_address = "link `eth0` in netns `red` has an address and is down, so nobody reaches it there; set it up";
    star.says(&[has_address]);
    star.network.remove_address(far, "10.1.0.2/24".parse().unwrap()).unwrap();
    star.says(&[
        "link `eth0` in netns `red` is down while its peer, link `red` in netns `host`, is up and has an address, so \
                 nobody reaches it there; set it up",
    ]);
    star.network.set_down(near).unwrap();
    star.says(&["link `red` in netns `host` has an address and is down, so nobody reaches it there; set it up"]);
    // An end that nothing hangs on may be down.
    star.network.remove_address(near, "10.1.0.1/24".parse().unwrap()).unwrap();
    star.says(&[]);
}

#[test]
fn address_on_a_port() {
    let mut star = Star::new(1);
    star.address(star.nodes[0].0, "10.9.0.1/24");
    star.says(&[
        "link `veth1` in netns `host` has address `10.9.0.1/24` and is a port of bridge `br0`, which takes all that \
                 arrives there, so the address reaches nobody; give the address to `br0`",
    ]);
}

#[test]
fn gateway_that_nobody_is() {
    let mut star = Star::new(2);
    star.default_route(star.nodes[0].2, "10.0.0.9");
    star.says(&[
        "route `default` via `10.0.0.9` in netns `c1` leads over link `eth0`, where nobody has the gateway's address, \
                 so it leads nowhere; give the address to the router, or choose a gateway that is there",
    ]);
    star.default_route(star.nodes[1].2, "10.0.0.9");
    star.says(&["route `default` via `10.0.0.9` in netns `c1` (and 1 more route) leads over link `eth0`, where nobody has the \
                 gateway's address, so it leads nowhere; give the address to the router, or choose a gateway that is there"]);
}

#[test]
fn gateway_is_somebody_with_the_address_on_another_link() {
    let mut star = Star::new(1);
    star.pair("red", "10.1.0.1/24", "10.1.0.2/24");
    let (eth0, c1) = (star.nodes[0].1, star.nodes[0].2);
    star.network.add_route_on_link(eth0, Destination::Network("10.1.0.0/16".parse().unwrap())).unwrap();
    // The host answers for it at `br0` too, and `red` is behind the host.
    star.default_route(c1, "10.1.0.1");
    star.says(&[]);
    star.network.remove_route(c1, Destination::Default).unwrap();
    star.default_route(c1, "10.1.0.2");
    assert_eq!(star.network.warnings().len(), 1);
}

#[test]
fn prefix_lengths_that_differ() {
    let mut star = Star::new(2);
    star.add_node("10.0.0.4/16");
    star.says(&["link `eth0` in netns `c3` has `10.0.0.4/16` and link `eth0` in netns `c1` of the same segment has \
                 `10.0.0.2/24`: they do not agree on who is a neighbour, so not all of them reach each other; give both the \
                 same prefix length"]);
}

#[test]
fn netns_in_both_of_two_networks_is_no_mistake() {
    let mut star = Star::new(1);
    star.address(star.bridge, "10.0.0.254/16");
    star.address(star.nodes[0].1, "10.1.0.1/12");
    // The host has the middle one and not the widest, `c1` the other way round.
    assert_eq!(star.network.warnings().len(), 1);
    star.network.remove_address(star.nodes[0].1, "10.1.0.1/12".parse().unwrap()).unwrap();
    star.says(&[]);
}

#[test]
fn network_in_two_segments_of_a_netns() {
    let mut star = Star::new(1);
    star.pair("red", "10.0.0.5/24", "10.0.0.6/24");
    star.pair("blue", "10.0.0.7/24", "10.0.0.8/24");
    star.says(&["link `blue` in netns `host` is in network `10.0.0.0/24`, and so is `br0` (and 1 more link) of the same netns \
                 in another segment: packets to that network leave by one of them alone; give each segment a network of its \
                 own, or join them by a bridge"]);
}

#[test]
fn warnings_are_sorted_by_place() {
    let mut star = Star::new(2);
    star.network.add_bridge(NetnsId::HOST, link_name("br1")).unwrap();
    star.network.set_down(star.nodes[0].0).unwrap();
    star.default_route(star.nodes[1].2, "10.0.0.9");
    let places: Vec<String> = star.network.warnings().into_iter().map(|warning| warning.place).collect();
    assert_eq!(
        places,
        [
            "bridge `br1` in netns `host`",
            "link `veth1` in netns `host`",
            "route `default` via `10.0.0.9` in netns `c2`"
        ]
    );
}
