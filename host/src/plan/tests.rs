//! A plan leads from one network to another, whichever they are.

use std::collections::BTreeMap;

use ipnet::IpNet;
use proptest::prelude::*;

use super::*;
use crate::topology::{Destination, Kind, Limits, Link, LinkId, LinkName, NetnsId, NetnsName, Topology};

/// A call, with numbers that pick among what there is.
#[derive(Clone, Debug)]
enum Call {
    AddNetns(usize),
    RemoveNetns(usize),
    SetForwarding(usize, bool),
    SetAutoconfiguration(usize, bool),
    AddVeth(usize, usize, usize, usize),
    AddVethWithQueues(usize, usize, u32),
    AddBridge(usize, usize),
    RemoveLink(usize),
    SetUp(usize),
    SetDown(usize),
    SetMtu(usize, u32),
    SetName(usize, usize),
    SetNetns(usize, usize),
    AddPort(usize, usize),
    RemovePort(usize),
    AddAddress(usize, usize),
    RemoveAddress(usize, usize),
    AddRoute(usize, usize, usize),
    AddRouteVia(usize, usize, usize),
    AddRouteOnLink(usize, usize),
    RemoveRoute(usize, usize),
}

fn call() -> impl Strategy<Value = Call> {
    let n = 0..8usize;
    prop_oneof![
        3 => n.clone().prop_map(Call::AddNetns),
        1 => n.clone().prop_map(Call::RemoveNetns),
        1 => (n.clone(), any::<bool>()).prop_map(|(a, on)| Call::SetForwarding(a, on)),
        2 => (n.clone(), any::<bool>()).prop_map(|(a, on)| Call::SetAutoconfiguration(a, on)),
        1 => (n.clone(), n.clone(), 2..5u32).prop_map(|(a, b, queues)| Call::AddVethWithQueues(a, b, queues)),
        5 => (n.clone(), n.clone(), n.clone(), n.clone()).prop_map(|(a, b, c, d)| Call::AddVeth(a, b, c, d)),
        2 => (n.clone(), n.clone()).prop_map(|(a, b)| Call::AddBridge(a, b)),
        1 => n.clone().prop_map(Call::RemoveLink),
        8 => (0..16usize).prop_map(Call::SetUp),
        1 => n.clone().prop_map(Call::SetDown),
        2 => (0..16usize, prop_oneof![Just(1000), Just(1280), Just(1400), Just(1500), Just(9000)]).prop_map(|(a, b)| Call::SetMtu(a, b)),
        2 => (n.clone(), n.clone()).prop_map(|(a, b)| Call::SetName(a, b)),
        2 => (n.clone(), n.clone()).prop_map(|(a, b)| Call::SetNetns(a, b)),
        4 => (0..16usize, 0..16usize).prop_map(|(a, b)| Call::AddPort(a, b)),
        1 => n.clone().prop_map(Call::RemovePort),
        8 => (0..16usize, 0..16usize).prop_map(|(a, b)| Call::AddAddress(a, b)),
        2 => (0..16usize, 0..16usize).prop_map(|(a, b)| Call::RemoveAddress(a, b)),
        4 => (n.clone(), n.clone(), 0..16usize).prop_map(|(a, b, c)| Call::AddRoute(a, b, c)),
        2 => (0..16usize, n.clone(), 0..16usize).prop_map(|(a, b, c)| Call::AddRouteVia(a, b, c)),
        2 => (0..16usize, n.clone()).prop_map(|(a, b)| Call::AddRouteOnLink(a, b)),
        2 => (n.clone(), n).prop_map(|(a, b)| Call::RemoveRoute(a, b)),
    ]
}

const ADDRESSES: [&str; 12] = [
    "10.0.0.1/24",
    "10.0.0.2/24",
    "10.0.0.3/24",
    "10.0.0.1/16",
    "10.1.0.1/24",
    "10.1.0.2/32",
    "192.168.0.1/30",
    "2001:db8::1/64",
    "2001:db8::2/64",
    "2001:db8::3/80",
    "2001:db8:1::1/64",
    "fe80::5/64",
];
const DESTINATIONS: [&str; 8] = [
    "0.0.0.0/0",
    "10.9.0.0/16",
    "10.9.1.0/24",
    "::/0",
    "2001:db8:9::/48",
    "10.0.0.77/32",
    "2001:db8::2/128",
    "2001:db8::3/128",
];

fn netns(network: &Topology, at: usize) -> NetnsId {
    let ids: Vec<NetnsId> = network.list_netns().map(|(id, _)| id).collect();
    ids[at % ids.len()]
}

fn link(network: &Topology, at: usize) -> LinkId {
    let ids: Vec<LinkId> = network.list_links().map(|(id, _)| id).collect();
    ids[at % ids.len()]
}

fn link_name(at: usize) -> LinkName {
    LinkName::parse(&format!("eth{at}")).unwrap()
}

fn cidr(at: usize) -> IpNet {
    ADDRESSES[at % ADDRESSES.len()].parse().unwrap()
}

fn to(at: usize) -> Destination {
    Destination::Network(DESTINATIONS[at % DESTINATIONS.len()].parse().unwrap())
}

/// Plays a call; many are refused, and then change nothing.
fn play(network: &mut Topology, call: &Call) {
    let n = |network: &Topology, at: &usize| netns(network, *at);
    let l = |network: &Topology, at: &usize| link(network, *at);
    let _ = match call {
        Call::AddNetns(a) => network.add_netns(NetnsName::parse(&format!("n{a}")).unwrap()).map(drop),
        Call::RemoveNetns(a) => network.remove_netns(n(network, a)),
        Call::SetForwarding(a, on) => network.set_forwarding(n(network, a), *on),
        Call::SetAutoconfiguration(a, on) => network.set_autoconfiguration(n(network, a), *on),
        Call::AddVethWithQueues(a, b, queues) => {
            let (netns, peer_netns) = (n(network, a), n(network, b));
            network.add_veth_with_queues(netns, link_name(*a), peer_netns, link_name(*b), *queues).map(drop)
        }
        Call::AddVeth(a, b, c, d) => {
            network.add_veth(n(network, a), link_name(*b), n(network, c), link_name(*d)).map(drop)
        }
        Call::AddBridge(a, b) => network.add_bridge(n(network, a), link_name(*b)).map(drop),
        Call::RemoveLink(a) => network.remove_link(l(network, a)),
        Call::SetUp(a) => network.set_up(l(network, a)),
        Call::SetDown(a) => network.set_down(l(network, a)),
        Call::SetMtu(a, mtu) => network.set_mtu(l(network, a), *mtu),
        Call::SetName(a, b) => network.set_name(l(network, a), link_name(*b)),
        Call::SetNetns(a, b) => network.set_netns(l(network, a), n(network, b)),
        Call::AddPort(a, b) => network.add_port(l(network, a), l(network, b)),
        Call::RemovePort(a) => network.remove_port(l(network, a)),
        Call::AddAddress(a, b) => network.add_address(l(network, a), cidr(*b)),
        Call::RemoveAddress(a, b) => network.remove_address(l(network, a), cidr(*b)),
        Call::AddRoute(a, b, c) => network.add_route(n(network, a), to(*b), cidr(*c).addr()),
        Call::AddRouteVia(a, b, c) => network.add_route_via(l(network, a), to(*b), cidr(*c).addr()),
        Call::AddRouteOnLink(a, b) => network.add_route_on_link(l(network, a), to(*b)),
        Call::RemoveRoute(a, b) => network.remove_route(n(network, a), to(*b)),
    };
}

/// Everything that makes a network what it is, by names.
fn picture(network: &Topology) -> BTreeMap<String, Vec<String>> {
    let place = |id: LinkId| network.place_of(id).to_string();
    let mut picture = BTreeMap::new();
    for (id, netns) in network.list_netns() {
        let mut routes: Vec<String> = network
            .routes_of(id)
            .iter()
            .map(|route| format!("{:?} over {}", NewRoute::from(route), place(route.link)))
            .collect();
        routes.sort();
        routes.push(format!("forwarding {}", netns.forwarding));
        routes.push(format!("autoconfiguration {}", netns.autoconfiguration));
        picture.insert(format!("netns {}", netns.name), routes);
    }
    for (id, link) in network.list_links() {
        let kind = match &link.kind {
            Kind::Veth { peer } => format!("veth of {}", place(*peer)),
            other => other.word().to_owned(),
        };
        let controller = link.controller.map(place);
        // Whether its MTU was chosen means something to a bridge alone.
        let chosen = link.mtu.chosen && kind == "bridge";
        let mut lines =
            vec![format!("{kind} {} {} {chosen} {} {} {controller:?}", link.up, link.mtu.bytes, link.queues, link.mac)];
        for ipv6 in [false, true] {
            let of_family = link.addresses.iter().filter(|address| address.is_ipv6() == ipv6);
            let mut of_family: Vec<_> = of_family.collect();
            // When the kernel makes one is its own affair.
            of_family.sort_by_key(|address| network.configures_itself(id) && address.automatic);
            lines.extend(of_family.into_iter().map(|address| address.cidr.to_string()));
        }
        picture.insert(place(id), lines);
    }
    picture
}

/// Plays the steps from one network to another. Returns what they lead to, and the links that got IPv6 back while they were up: the
/// kernel gave them an address then.
fn walk(standing: &Topology, wanted: &Topology) -> (Topology, Vec<LinkId>) {
    let mut now = standing.rehearsal();
    let mut regained = Vec::new();
    for step in difference(standing, wanted).unwrap() {
        let mute = |(id, link): (LinkId, &Link)| (link.up && !link.has_ipv6()).then_some(id);
        let mute: Vec<LinkId> = now.list_links().filter_map(mute).collect();
        step.play(&mut now).unwrap();
        regained.extend(mute);
        let made_by_kernel = |id: LinkId| now.configures_itself(id);
        regained.retain(|id| now.standing(*id).is_some_and(|link| link.up && link.has_ipv6()) && !made_by_kernel(*id));
    }
    (now, regained)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn difference_leads_to_the_wanted_network(
        before in prop::collection::vec(call(), 0..60),
        after in prop::collection::vec(call(), 0..60),
    ) {
        let mut network = Topology::new(Limits::default());
        before.iter().for_each(|call| play(&mut network, call));
        let standing = network.clone();
        after.iter().for_each(|call| play(&mut network, call));
        let (built, regained) = walk(&standing, &network);
        prop_assert_eq!(picture(&built), picture(&network));
        prop_assert_eq!(regained, []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_has_changed_is_all_that_the_difference_depends_on(
        parts in prop::collection::vec(prop::collection::vec(call(), 0..30), 1..6),
    ) {
        let mut network = Topology::new(Limits::default());
        let (mut standing, mut built) = (Standing::new(&network), network.rehearsal());
        for calls in parts {
            let before = network.clone();
            calls.iter().for_each(|call| play(&mut network, call));
            let steps = standing.advance(&mut network).unwrap();
            // Of links that no route puts into an order, whichever may come first.
            let in_any_order = |steps: &[Step]| {
                let mut words: Vec<String> = steps.iter().map(ToString::to_string).collect();
                words.sort();
                words
            };
            prop_assert_eq!(in_any_order(&steps), in_any_order(&difference(&before, &network).unwrap()));
            steps.iter().for_each(|step| step.play(&mut built).unwrap());
            prop_assert_eq!(picture(&built), picture(&network));
        }
    }
}

/// A star of `nodes` around a bridge in the host.
fn star(nodes: usize) -> Topology {
    let mut network = Topology::new(Limits::default());
    let bridge = network.add_bridge(NetnsId::HOST, LinkName::parse("br0").unwrap()).unwrap();
    for n in 1..=nodes {
        let node = network.add_netns(NetnsName::parse(&format!("c{n}")).unwrap()).unwrap();
        let (port, eth0) = network.add_veth(NetnsId::HOST, link_name(n), node, link_name(0)).unwrap();
        network.add_port(bridge, port).unwrap();
        network.set_up(port).unwrap();
        network.set_up(eth0).unwrap();
    }
    network.set_up(bridge).unwrap();
    network
}

#[test]
fn bridge_comes_up_last_and_ports_are_made_up_and_attached() {
    let steps = difference(&Topology::new(Limits::default()), &star(3)).unwrap();
    let words: Vec<String> = steps.iter().map(ToString::to_string).collect();
    let at =
        |text: &str| words.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}: {words:#?}"));
    assert!(at("add name br0") < at("add name eth1"));
    assert!(words[at("add name eth1")].contains("master br0 up type veth peer name eth0 netns c1"));
    assert!(at("-n c1 link set dev eth0 up") < at("netns add c2"), "a netns is done before the next begins");
    assert!(at("dev br0 up") > at("-n c3 link set dev eth0 up"));
}

#[test]
fn bridge_is_down_when_it_gets_ipv6_back_by_its_ports() {
    let mut network = star(2);
    let port = network.find_link(NetnsId::HOST, &link_name(1)).unwrap();
    network.set_mtu(port, 1000).unwrap();
    let standing = network.clone();
    network.remove_netns(network.find_netns(&NetnsName::parse("c1").unwrap()).unwrap()).unwrap();
    let words: Vec<String> = difference(&standing, &network).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(words[..2], ["ip link set dev br0 down", "ip netns del c1"]);
    assert!(words.contains(&"ip link set dev br0 up".to_owned()), "{words:#?}");
}

#[test]
fn bridge_does_not_lose_ipv6_on_the_way() {
    let standing = star(2);
    let link = |name: &str| standing.find_link(NetnsId::HOST, &LinkName::parse(name).unwrap()).unwrap();
    let (bridge, port) = (link("br0"), link("eth1"));
    // By a port whose MTU it does not follow in the end.
    let mut network = standing.clone();
    network.set_mtu(bridge, 1400).unwrap();
    network.set_mtu(port, 68).unwrap();
    assert_eq!(walk(&standing, &network).1, []);
    // By one that leaves it.
    let mut network = standing.clone();
    let other = network.add_bridge(NetnsId::HOST, LinkName::parse("br1").unwrap()).unwrap();
    network.add_port(other, port).unwrap();
    network.set_mtu(port, 68).unwrap();
    assert_eq!(walk(&standing, &network).1, []);
}

#[test]
fn network_that_stands_needs_no_step() {
    let network = star(3);
    assert_eq!(difference(&network, &network).unwrap(), []);
}

#[test]
fn route_comes_though_its_gateway_has_one_through_another() {
    let mut network = Topology::new(Limits::default());
    let [a, b] = [1, 2].map(|n| {
        let far = network.add_netns(NetnsName::parse(&format!("c{n}")).unwrap()).unwrap();
        let (near, _) = network.add_veth(NetnsId::HOST, link_name(n), far, link_name(n)).unwrap();
        network.set_up(near).unwrap();
        for address in ["2001:db8::1/64", "10.0.0.1/24"] {
            network.add_address(near, address.parse().unwrap()).unwrap();
        }
        near
    });
    // A chain over one link, a circle over two, and one that is its own gateway.
    for (link, to, gateway) in [
        (a, "2001:db8:9::/48", "2001:db8::2"),
        (a, "2001:db8::2/128", "2001:db8::3"),
        (a, "2001:db8::3/128", "2001:db8::4"),
        (a, "2001:db8::6/128", "2001:db8::7"),
        (b, "2001:db8::7/128", "2001:db8::6"),
        (a, "10.0.0.6/32", "10.0.0.7"),
        (b, "10.0.0.7/32", "10.0.0.6"),
        (b, "2001:db8::8/128", "2001:db8::8"),
    ] {
        let to = Destination::Network(to.parse().unwrap());
        network.add_route_via(link, to, gateway.parse().unwrap()).unwrap();
    }
    let nothing = Topology::new(Limits::default());
    assert_eq!(picture(&walk(&nothing, &network).0), picture(&network));
    for link in [a, b] {
        network.remove_address(link, "2001:db8::1/64".parse().unwrap()).unwrap();
    }
    assert_eq!(picture(&walk(&nothing, &network).0), picture(&network));
}

#[test]
fn equal_routes_come_in_the_order_in_which_they_were_drawn() {
    let mut network = Topology::new(Limits::default());
    let red = network.add_netns(NetnsName::parse("red").unwrap()).unwrap();
    let bridge = network.add_bridge(NetnsId::HOST, LinkName::parse("br0").unwrap()).unwrap();
    let (a, _) = network.add_veth(NetnsId::HOST, link_name(1), red, link_name(2)).unwrap();
    let (b, _) = network.add_veth(NetnsId::HOST, link_name(3), red, link_name(4)).unwrap();
    for (n, link) in [b, bridge, a].into_iter().enumerate() {
        network.set_up(link).unwrap();
        network.add_address(link, format!("10.0.0.{n}1/24").parse().unwrap()).unwrap();
    }
    let mut built = Topology::new(Limits::default()).rehearsal();
    for step in difference(&Topology::new(Limits::default()), &network).unwrap() {
        step.play(&mut built).unwrap();
    }
    let over = |network: &Topology| -> Vec<Option<String>> {
        network
            .observe(NetnsId::HOST)
            .routes
            .into_iter()
            .filter(|route| !route.destination.addr().is_ipv6())
            .map(|route| route.link)
            .collect()
    };
    assert_eq!(over(&built), over(&network));
    assert_eq!(over(&built), ["eth3", "br0", "eth1"].map(|link| Some(link.to_owned())));
}
