//! Networks by lot: calls with numbers that pick among what there is, and what makes one network the same as another. For tests and
//! fuzzers alone.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Result, Unstructured};
use ipnet::IpNet;

use super::{NewRoute, Step, order};
use crate::topology::{Destination, Kind, Link, LinkId, LinkName, NetnsId, NetnsName, Route, Topology, observed};

/// A call, with numbers that pick among what there is.
#[derive(Clone, Debug)]
pub(crate) enum Call {
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

pub(crate) const MTUS: [u32; 5] = [1000, 1280, 1400, 1500, 9000];

impl<'a> Arbitrary<'a> for Call {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        let kind: u8 = input.int_in_range(0..=20)?;
        let mut n = || input.int_in_range(0..=15usize);
        Ok(match kind {
            0 => Self::AddNetns(n()?),
            1 => Self::RemoveNetns(n()?),
            2 => Self::SetForwarding(n()?, n()? % 2 == 0),
            3 => Self::AddVeth(n()?, n()?, n()?, n()?),
            4 => Self::AddBridge(n()?, n()?),
            5 => Self::RemoveLink(n()?),
            6 => Self::SetUp(n()?),
            7 => Self::SetDown(n()?),
            8 => Self::SetMtu(n()?, MTUS[n()? % MTUS.len()]),
            9 => Self::SetName(n()?, n()?),
            10 => Self::SetNetns(n()?, n()?),
            11 => Self::AddPort(n()?, n()?),
            12 => Self::RemovePort(n()?),
            13 => Self::AddAddress(n()?, n()?),
            14 => Self::RemoveAddress(n()?, n()?),
            15 => Self::AddRoute(n()?, n()?, n()?),
            16 => Self::AddRouteVia(n()?, n()?, n()?),
            17 => Self::AddRouteOnLink(n()?, n()?),
            18 => Self::SetAutoconfiguration(n()?, n()? % 2 == 0),
            19 => Self::AddVethWithQueues(n()?, n()?, 1 + n()? as u32 % 3),
            _ => Self::RemoveRoute(n()?, n()?),
        })
    }
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
const DESTINATIONS: [&str; 10] = [
    "0.0.0.0/0",
    "10.9.0.0/16",
    "10.9.1.0/24",
    "::/0",
    "2001:db8:9::/48",
    "10.0.0.77/32",
    "2001:db8::2/128",
    "2001:db8::3/128",
    // These come with addresses.
    "10.0.0.0/24",
    "2001:db8::/64",
];

fn netns(network: &Topology, at: usize) -> NetnsId {
    let ids: Vec<NetnsId> = network.list_netns().map(|(id, _)| id).collect();
    ids[at % ids.len()]
}

fn link(network: &Topology, at: usize) -> LinkId {
    let ids: Vec<LinkId> = network.list_links().map(|(id, _)| id).collect();
    ids[at % ids.len()]
}

pub(crate) fn link_name(at: usize) -> LinkName {
    LinkName::parse(&format!("eth{at}")).unwrap()
}

fn cidr(at: usize) -> IpNet {
    ADDRESSES[at % ADDRESSES.len()].parse().unwrap()
}

fn to(at: usize) -> Destination {
    Destination::Network(DESTINATIONS[at % DESTINATIONS.len()].parse().unwrap())
}

/// Plays a call; many are refused, and then change nothing.
pub(crate) fn play(network: &mut Topology, call: &Call) {
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
pub(crate) fn picture(network: &Topology) -> BTreeMap<String, Vec<String>> {
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

/// Plays steps on a network. Returns what they lead to, and the links that got IPv6 back while they were up: the kernel gave them an
/// address then.
pub(crate) fn walk(standing: &Topology, steps: &[Step]) -> (Topology, Vec<LinkId>) {
    let mut now = standing.rehearsal();
    let mut regained = Vec::new();
    for step in steps {
        let mute = |(id, link): (LinkId, &Link)| (link.up && !link.has_ipv6()).then_some(id);
        let mute: Vec<LinkId> = now.list_links().filter_map(mute).collect();
        step.play(&mut now).unwrap();
        regained.extend(mute);
        let made_by_kernel = |id: LinkId| now.configures_itself(id);
        regained.retain(|id| now.standing(*id).is_some_and(|link| link.up && link.has_ipv6()) && !made_by_kernel(*id));
    }
    (now, regained)
}

/// What a network shows of itself, whichever identities its objects have and however they came to be.
pub(crate) fn shown(network: &Topology) -> Vec<observed::Netns> {
    let mut shown: Vec<observed::Netns> = network.list_netns().map(|(id, _)| network.observe(id)).collect();
    for netns in &mut shown {
        netns.links.sort_by(|one, other| one.name.cmp(&other.name));
        if netns.autoconfiguration {
            // When the kernel makes one is its own affair.
            let by_kernel = |address: &observed::Address| (address.scope == "link").then_some(address.cidr);
            let links = netns.links.iter_mut().filter(|link| link.name != "lo");
            links.for_each(|link| link.addresses.sort_by_key(by_kernel));
        }
        // Whichever of these is first makes no difference, and `lo` can't be made anew.
        let is_apart = |route: &observed::Route| {
            route.destination == "fe80::/64".parse().unwrap() || route.link.as_deref() == Some("lo")
        };
        let (link_local, mut routes): (Vec<_>, Vec<_>) = netns.routes.drain(..).partition(is_apart);
        let mut link_local: Vec<observed::Route> = link_local;
        link_local.sort_by(|one, other| one.link.cmp(&other.link));
        routes.extend(link_local);
        netns.routes = routes;
    }
    shown.sort_by(|one, other| one.name.cmp(&other.name));
    shown
}

/// Tells whether the routes that come with addresses are in an order that the links can't be in: one link's come first to one network,
/// and another's to another. What was done in turns is then done at once, and has another order.
pub(crate) fn contradicts_itself(network: &Topology) -> bool {
    network.list_netns().any(|(id, netns)| {
        let links: Vec<LinkId> = network.links_of(id).collect();
        [false, true].into_iter().any(|ipv6| {
            let ordered = order::in_order_of_routes(&netns.routes, &links, |route| route.is_ipv6() == ipv6);
            let position = |link: LinkId| ordered.iter().position(|other| *other == link);
            let routes: Vec<&Route> = netns.routes.iter().filter(|route| route.is_ipv6() == ipv6).collect();
            let same = |one: &Route, other: &Route| (one.destination, one.metric) == (other.destination, other.metric);
            let link_local = "fe80::/64".parse().unwrap();
            routes.windows(2).any(|two| {
                two[0].destination != link_local
                    && same(two[0], two[1])
                    && position(two[0].link) > position(two[1].link)
            })
        })
    })
}
