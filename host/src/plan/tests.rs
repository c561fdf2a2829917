//! A plan leads from one network to another, whichever they are.

use proptest::prelude::*;

use super::random::{Call, MTUS, contradicts_itself, link_name, picture, play, shown};
use super::*;
use crate::topology::{
    Destination, Drift, Limits, LinkId, LinkName, NetnsId, NetnsName, Place, Strangers, Topology, drift,
};

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
        2 => (0..16usize, prop::sample::select(&MTUS[..])).prop_map(|(a, b)| Call::SetMtu(a, b)),
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

/// Walks the way that is planned from one network to another.
fn walk(standing: &Topology, wanted: &Topology) -> (Topology, Vec<LinkId>) {
    random::walk(standing, &difference(standing, wanted).unwrap())
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

fn drawn(calls: &[Call]) -> Topology {
    let mut network = Topology::new(Limits::default());
    calls.iter().for_each(|call| play(&mut network, call));
    network
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edit_leads_to_a_network_that_was_drawn_anew(
        before in prop::collection::vec(call(), 0..60),
        common in 0..60usize,
        after in prop::collection::vec(call(), 0..60),
    ) {
        // Most edits leave the beginning as it is.
        let after = [&before[..common.min(before.len())], &after].concat();
        let (before, after) = (drawn(&before), drawn(&after));
        let mut built = walk(&Topology::new(Limits::default()), &before).0;
        for step in edit(&built, &after).unwrap() {
            step.play(&mut built).unwrap();
        }
        if !contradicts_itself(&after) {
            prop_assert_eq!(shown(&built), shown(&after));
        }
        prop_assert!(picture(&built).keys().eq(picture(&after).keys()));
        prop_assert_eq!(edit(&built, &after).unwrap(), []);
    }

    #[test]
    fn network_that_was_meddled_with_is_put_right(
        calls in prop::collection::vec(call(), 0..60),
        meddling in prop::collection::vec(call(), 0..8),
    ) {
        let wanted = drawn(&calls);
        let mut built = walk(&Topology::new(Limits::default()), &wanted).0;
        let mut model = built.clone();
        // Namespaces are held by the agent.
        let is_possible = |call: &&Call| {
            !matches!(call, Call::AddNetns(_) | Call::RemoveNetns(_) | Call::SetAutoconfiguration(..))
        };
        meddling.iter().filter(is_possible).for_each(|call| play(&mut built, call));
        let strangers = model.adopt(&shown(&built));
        prop_assert_eq!(&strangers.routes, &[]);
        for (netns, link) in strangers.links {
            // One end has taken the other along.
            let place = Place { netns, link: LinkName::parse(&link).unwrap() };
            if let Ok(link) = built.find_place(&place) {
                built.remove_link(link).unwrap();
            }
        }
        prop_assert_eq!(model.adopt(&shown(&built)), Strangers::default());
        prop_assert_eq!(shown(&model), shown(&built));
        let drifts = |network: &Topology| -> Vec<Drift> {
            shown(&wanted).iter().zip(&shown(network)).flat_map(|(wanted, is)| drift(wanted, is)).collect()
        };
        let steps = edit(&model, &wanted).unwrap();
        if drifts(&built).is_empty() {
            // That addresses or routes came in another order is no drift, and is put right all the same.
            prop_assert!(steps.is_empty() || shown(&built) != shown(&wanted), "{:?} for nothing", steps);
            return Ok(());
        }
        for step in steps {
            step.play(&mut built).unwrap();
        }
        prop_assert_eq!(drifts(&built), []);
        if !contradicts_itself(&wanted) {
            prop_assert_eq!(shown(&built), shown(&wanted));
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
