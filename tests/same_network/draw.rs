//! Random networks, as calls of the guest that plays its arguments.

use ipnet::IpNet;
use orchestrator::topology::{Destination, Kind, Limits, LinkId, LinkName, NetnsId, NetnsName, Refusal, Topology};
use proptest::prelude::*;

/// A call, with numbers that pick among what there may be by then.
#[derive(Clone, Debug)]
enum Call {
    AddNetns(usize),
    RemoveNetns(usize),
    SetForwarding(usize, bool),
    AddVeth(usize, usize, usize, usize),
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
    Apply,
}

fn call() -> impl Strategy<Value = Call> {
    let n = 0..16usize;
    let mtu = prop_oneof![Just(68), Just(1000), Just(1279), Just(1280), Just(1400), Just(9000)];
    prop_oneof![
        2 => n.clone().prop_map(Call::AddNetns),
        1 => n.clone().prop_map(Call::RemoveNetns),
        2 => (n.clone(), any::<bool>()).prop_map(|(a, on)| Call::SetForwarding(a, on)),
        5 => (n.clone(), n.clone(), n.clone(), n.clone()).prop_map(|(a, b, c, d)| Call::AddVeth(a, b, c, d)),
        3 => (n.clone(), n.clone()).prop_map(|(a, b)| Call::AddBridge(a, b)),
        2 => n.clone().prop_map(Call::RemoveLink),
        12 => n.clone().prop_map(Call::SetUp),
        3 => n.clone().prop_map(Call::SetDown),
        4 => (n.clone(), mtu).prop_map(|(a, b)| Call::SetMtu(a, b)),
        4 => (n.clone(), n.clone()).prop_map(|(a, b)| Call::SetName(a, b)),
        4 => (n.clone(), n.clone()).prop_map(|(a, b)| Call::SetNetns(a, b)),
        6 => (n.clone(), n.clone()).prop_map(|(a, b)| Call::AddPort(a, b)),
        2 => n.clone().prop_map(Call::RemovePort),
        10 => (n.clone(), n.clone()).prop_map(|(a, b)| Call::AddAddress(a, b)),
        3 => (n.clone(), n.clone()).prop_map(|(a, b)| Call::RemoveAddress(a, b)),
        10 => (n.clone(), n.clone(), n.clone()).prop_map(|(a, b, c)| Call::AddRoute(a, b, c)),
        8 => (n.clone(), n.clone(), n.clone()).prop_map(|(a, b, c)| Call::AddRouteVia(a, b, c)),
        5 => (n.clone(), n.clone()).prop_map(|(a, b)| Call::AddRouteOnLink(a, b)),
        3 => (n.clone(), n).prop_map(|(a, b)| Call::RemoveRoute(a, b)),
        5 => Just(Call::Apply),
    ]
}

/// Addresses, and for each a gateway that it may reach.
const ADDRESSES: [(&str, &str); 16] = [
    ("10.0.0.1/24", "10.0.0.9"),
    ("10.0.0.2/24", "10.0.0.10"),
    ("10.0.0.3/24", "10.0.0.9"),
    ("10.0.0.1/16", "10.0.7.9"),
    ("10.1.0.1/24", "10.1.0.9"),
    ("10.1.0.2/32", "10.0.0.77"),
    ("192.168.0.1/30", "192.168.0.2"),
    ("192.168.0.2/30", "192.168.0.1"),
    ("2001:db8::1/64", "2001:db8::9"),
    ("2001:db8::2/64", "2001:db8::a"),
    ("2001:db8::3/80", "2001:db8::9"),
    ("2001:db8:1::1/64", "2001:db8:1::9"),
    ("2001:db8:1::2/128", "2001:db8::77"),
    ("2001:db8::9/64", "fe80::9"),
    ("fe80::5/64", "fe80::9"),
    ("fec0::1/64", "fec0::9"),
];
/// Those at the beginning are not for the machine itself, as they would take its own traffic.
const DESTINATIONS: [&str; 8] = [
    "0.0.0.0/0",
    "::/0",
    "10.9.0.0/16",
    "10.9.1.0/24",
    "10.0.0.77/32",
    "2001:db8:9::/48",
    "2001:db8:9:1::/64",
    "2001:db8::77/128",
];
const DEFAULTS: usize = 2;

/// Draws the calls to a network. Of those that are refused some are left out.
pub(crate) fn network() -> impl Strategy<Value = Vec<String>> {
    // Without a few of each the rest would not have much to do.
    let first = [
        Call::AddNetns(1),
        Call::AddNetns(2),
        Call::AddVeth(0, 0, 1, 1),
        Call::AddVeth(1, 2, 2, 3),
        Call::AddBridge(0, 0),
    ];
    prop::collection::vec(call(), 10..45).prop_map(move |calls| {
        let mut network = Topology::on_machine(Limits::default());
        let mut drawn = Vec::new();
        for (at, call) in first.iter().chain(&calls).enumerate() {
            // All may have been removed again.
            let makes = matches!(call, Call::AddNetns(..) | Call::AddVeth(..) | Call::AddBridge(..));
            if !makes && pick_link(&network, at, |_| true).is_none() {
                continue;
            }
            let (words, answer) = play(&mut network, call);
            drawn.extend((answer.is_ok() || at % 4 == 0).then_some(words));
        }
        drawn
    })
}

fn netns(network: &Topology, at: usize) -> (NetnsId, String) {
    let all: Vec<_> = network.list_netns().map(|(id, netns)| (id, netns.name.to_string())).collect();
    all[at % all.len()].clone()
}

/// Picks a link, with its place as fields of a call. The machine's own `lo` is left out, as it can't be changed.
fn link(network: &Topology, at: usize) -> (LinkId, String) {
    pick_link(network, at, |_| true).expect("there is one")
}

fn pick_link(network: &Topology, at: usize, fits: impl Fn(LinkId) -> bool) -> Option<(LinkId, String)> {
    let ids = network.list_links().map(|(id, _)| id).skip(1).filter(|id| fits(*id));
    let ids: Vec<LinkId> = ids.collect();
    let id = *ids.get(at % ids.len().max(1))?;
    let place = network.place_of(id);
    Some((id, format!("{},{}", place.netns, place.link)))
}

/// Picks a link for a route, if one is up and has an address, and a gateway that one of its addresses may reach.
fn way(network: &Topology, at: usize, which: usize) -> (LinkId, String, &'static str) {
    let addresses = |id: LinkId| &network.standing(id).expect("listed").addresses;
    let fits = |id: LinkId| network.standing(id).is_some_and(|link| link.up && !link.addresses.is_empty());
    let (id, place) = pick_link(network, at, fits).unwrap_or_else(|| link(network, at));
    let near = addresses(id).iter().nth(which % addresses(id).len().max(1)).map(|address| address.cidr.to_string());
    let known = ADDRESSES.iter().find(|(address, _)| Some(*address) == near.as_deref());
    (id, place, known.map_or(ADDRESSES[which].1, |(_, gateway)| gateway))
}

/// Picks where a route leads to, of the gateway's family.
fn destination(network: &Topology, netns: NetnsId, gateway: Option<&str>, at: usize) -> (&'static str, Destination) {
    let first = if network.is_on_machine() && netns == NetnsId::HOST { DEFAULTS } else { 0 };
    let fits = |to: &&str| gateway.is_none_or(|gateway| gateway.contains(':') == to.contains(':'));
    let fitting: Vec<&str> = DESTINATIONS[first..].iter().copied().filter(fits).collect();
    let to = fitting[at % fitting.len()];
    (to, Destination::Network(to.parse().expect("a network")))
}

fn link_name(name: &str) -> LinkName {
    LinkName::parse(name).expect("a name")
}

/// Plays a call on the model, and writes it down.
fn play(network: &mut Topology, call: &Call) -> (String, Result<(), Refusal>) {
    match *call {
        Call::Apply => ("lab.apply".to_owned(), Ok(())),
        Call::AddNetns(a) => {
            let name = format!("n{}", a % 4);
            let answer = network.add_netns(NetnsName::parse(&name).expect("a name"));
            (format!("netns.add,{name}"), answer.map(drop))
        }
        Call::RemoveNetns(a) => {
            let (id, name) = netns(network, a);
            (format!("netns.remove,{name}"), network.remove_netns(id))
        }
        Call::SetForwarding(a, on) => {
            let (id, name) = netns(network, a);
            if id == NetnsId::HOST {
                // The machine's own settings can't be changed.
                return play(network, &Call::Apply);
            }
            (format!("netns.set-forwarding,{name},{}", if on { "on" } else { "off" }), network.set_forwarding(id, on))
        }
        Call::AddVeth(a, b, c, d) => {
            let ((near, near_name), (far, far_name)) = (netns(network, a), netns(network, c));
            let answer = network.add_veth(near, link_name(&format!("e{b}")), far, link_name(&format!("e{d}")));
            (format!("veth.add,{near_name},e{b},{far_name},e{d}"), answer.map(drop))
        }
        Call::AddBridge(a, b) => {
            let ((id, netns), name) = (netns(network, a), format!("br{}", b % 3));
            (format!("bridge.add,{netns},{name}"), network.add_bridge(id, link_name(&name)).map(drop))
        }
        Call::RemoveLink(a) => {
            let (id, place) = link(network, a);
            (format!("link.remove,{place}"), network.remove_link(id))
        }
        Call::SetUp(a) => {
            let (id, place) = link(network, a);
            (format!("link.set-up,{place}"), network.set_up(id))
        }
        Call::SetDown(a) => {
            let (id, place) = link(network, a);
            (format!("link.set-down,{place}"), network.set_down(id))
        }
        Call::SetMtu(a, mtu) => {
            let (id, place) = link(network, a);
            (format!("link.set-mtu,{place},{mtu}"), network.set_mtu(id, mtu))
        }
        Call::SetName(a, b) => {
            let ((id, place), name) = (link(network, a), format!("r{b}"));
            (format!("link.set-name,{place},{name}"), network.set_name(id, link_name(&name)))
        }
        Call::SetNetns(a, b) => {
            let ((id, place), (target, name)) = (link(network, a), netns(network, b));
            (format!("link.set-netns,{place},{name}"), network.set_netns(id, target))
        }
        Call::AddPort(a, b) => {
            let is_bridge = |id| matches!(network.kind_of(id), Kind::Bridge { .. });
            let (bridge, place) = pick_link(network, a, is_bridge).unwrap_or_else(|| link(network, a));
            let home = network.standing(bridge).map(|bridge| bridge.netns);
            let beside = |id| network.standing(id).is_some_and(|link| Some(link.netns) == home && id != bridge);
            let (port, _) = pick_link(network, b, beside).unwrap_or_else(|| link(network, b));
            let name = network.place_of(port).link;
            (format!("bridge.add-port,{place},{name}"), network.add_port(bridge, port))
        }
        Call::RemovePort(a) => {
            let (id, place) = link(network, a);
            (format!("bridge.remove-port,{place}"), network.remove_port(id))
        }
        Call::AddAddress(a, b) => {
            let ((id, place), (address, _)) = (link(network, a), ADDRESSES[b]);
            (format!("address.add,{place},{address}"), network.add_address(id, cidr(address)))
        }
        Call::RemoveAddress(a, b) => {
            let (id, place) = link(network, a);
            let held = &network.standing(id).expect("listed").addresses;
            let address = held.iter().nth(b % held.len().max(1)).map_or(cidr(ADDRESSES[b].0), |address| address.cidr);
            (format!("address.remove,{place},{address}"), network.remove_address(id, address))
        }
        Call::AddRoute(a, b, c) => {
            let (id, _, gateway) = way(network, a, c);
            let netns = network.standing(id).expect("listed").netns;
            let (text, to) = destination(network, netns, Some(gateway), b);
            let answer = network.add_route(netns, to, gateway.parse().expect("an address"));
            (format!("route.add,{},{text},{gateway}", network.netns_name(netns)), answer)
        }
        Call::AddRouteVia(a, b, c) => {
            let (id, place, gateway) = way(network, a, c);
            let netns = network.standing(id).expect("listed").netns;
            let (text, to) = destination(network, netns, Some(gateway), b);
            let answer = network.add_route_via(id, to, gateway.parse().expect("an address"));
            (format!("route.add-via,{place},{text},{gateway}"), answer)
        }
        Call::AddRouteOnLink(a, b) => {
            let (id, place) = link(network, a);
            let (text, to) = destination(network, network.standing(id).expect("listed").netns, None, b);
            (format!("route.add-on-link,{place},{text}"), network.add_route_on_link(id, to))
        }
        Call::RemoveRoute(a, b) => {
            let (id, name) = netns(network, a);
            let mut held: Vec<IpNet> = network.routes_of(id).iter().map(|route| route.destination).collect();
            held.dedup();
            let to = held.get(b % held.len().max(1)).copied().unwrap_or(cidr("10.9.0.0/16"));
            (format!("route.remove,{name},{to}"), network.remove_route(id, Destination::Network(to)))
        }
    }
}

fn cidr(text: &str) -> IpNet {
    text.parse().expect("an address with its prefix")
}
