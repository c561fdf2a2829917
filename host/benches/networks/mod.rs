//! The networks that are measured, each made by the calls that a scenario would make.

#![allow(dead_code, reason = "each benchmark compiles this module and uses a part of it")]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};
use ipnet::{IpNet, Ipv4Net};
use orchestrator::topology::{Destination, Limits, LinkId, LinkName, NetnsId, NetnsName, Topology};

/// The nodes around one bridge, which takes 1,023 ports.
const NODES_OF_A_BRIDGE: usize = 1000;

/// Measures `act` on what `prepare` makes, at a size and at a quarter of it: what grows with N log N takes little more than four
/// times as long, and does about as many elements a second.
pub(crate) fn growth<I>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    size: usize,
    prepare: impl Fn(usize) -> I,
    act: impl Fn(usize, &mut I),
) {
    for size in [size / 4, size] {
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::new(name, size), |bencher| {
            bencher.iter_batched_ref(|| prepare(size), |input| act(size, input), criterion::BatchSize::PerIteration);
        });
    }
}

/// Begins a group of measurements that take long each.
pub(crate) fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(1));
    group
}

/// A network without limits, and nothing in it.
pub(crate) fn nothing() -> Topology {
    Topology::new(Limits { netns: usize::MAX, links: usize::MAX, addresses_and_routes: usize::MAX })
}

pub(crate) fn link_name(prefix: &str, n: usize) -> LinkName {
    LinkName::parse(&format!("{prefix}{n}")).unwrap()
}

fn netns_name(n: usize) -> NetnsName {
    NetnsName::parse(&format!("c{n}")).unwrap()
}

/// Returns an address of `10.0.0.0/8`.
pub(crate) fn ipv4(n: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(n).unwrap())
}

pub(crate) fn cidr(address: Ipv4Addr, length: u8) -> IpNet {
    Ipv4Net::new_assert(address, length).into()
}

/// Adds the `n`th node of a star: a netns behind a port of a bridge on the host, with an address and a default route.
pub(crate) fn add_node(network: &mut Topology, n: usize) {
    let (nth_bridge, nth_port) = (n / NODES_OF_A_BRIDGE, n % NODES_OF_A_BRIDGE);
    let name = link_name("br", nth_bridge);
    let gateway = ipv4((nth_bridge << 16) + 1);
    if nth_port == 0 {
        let bridge = network.add_bridge(NetnsId::HOST, name.clone()).unwrap();
        network.set_up(bridge).unwrap();
        network.add_address(bridge, cidr(gateway, 16)).unwrap();
    }
    let bridge = network.find_link(NetnsId::HOST, &name).unwrap();
    let node = network.add_netns(netns_name(n)).unwrap();
    let (port, eth0) =
        network.add_veth(NetnsId::HOST, link_name("veth", n), node, LinkName::parse("eth0").unwrap()).unwrap();
    network.add_port(bridge, port).unwrap();
    network.set_up(port).unwrap();
    network.set_up(eth0).unwrap();
    network.add_address(eth0, cidr(ipv4((nth_bridge << 16) + nth_port + 2), 16)).unwrap();
    network.add_route(node, Destination::Default, gateway.into()).unwrap();
}

/// A star of `nodes`, with as many bridges as they need.
pub(crate) fn star(nodes: usize) -> Topology {
    let mut network = nothing();
    (0..nodes).for_each(|n| add_node(&mut network, n));
    network
}

/// Adds `nodes` routers that are not joined yet.
fn routers(network: &mut Topology, nodes: usize) -> Vec<NetnsId> {
    let add = |n| {
        let id = network.add_netns(netns_name(n)).unwrap();
        network.set_forwarding(id, true).unwrap();
        id
    };
    (0..nodes).map(add).collect()
}

/// Joins two namespaces by the `n`th veth, in a network of its own. Returns the addresses of both ends.
fn join(network: &mut Topology, n: usize, one: NetnsId, other: NetnsId) -> [Ipv4Addr; 2] {
    let (near, far) = network.add_veth(one, link_name("near", n), other, link_name("far", n)).unwrap();
    let addresses = [ipv4(4 * n + 1), ipv4(4 * n + 2)];
    for (link, address) in [near, far].into_iter().zip(addresses) {
        network.set_up(link).unwrap();
        network.add_address(link, cidr(address, 30)).unwrap();
    }
    addresses
}

/// A ring of `nodes` routers, each with a default route to the next.
pub(crate) fn ring(nodes: usize) -> Topology {
    let mut network = nothing();
    let routers = routers(&mut network, nodes);
    for n in 0..nodes {
        let [_, next] = join(&mut network, n, routers[n], routers[(n + 1) % nodes]);
        network.add_route(routers[n], Destination::Default, next.into()).unwrap();
    }
    network
}

/// A full mesh with at least so many `links`.
pub(crate) fn mesh(links: usize) -> Topology {
    let mut network = nothing();
    let nodes = (2.0 * links as f64).sqrt() as usize + 1;
    let routers = routers(&mut network, nodes);
    let pairs = (0..nodes).flat_map(|one| (one + 1..nodes).map(move |other| (one, other)));
    for (n, (one, other)) in pairs.enumerate() {
        join(&mut network, n, routers[one], routers[other]);
    }
    network
}

/// So many `veths` with both ends on the host, all of them up.
pub(crate) fn one_netns(veths: usize) -> Topology {
    let mut network = nothing();
    for n in 0..veths {
        let (near, far) =
            network.add_veth(NetnsId::HOST, link_name("near", n), NetnsId::HOST, link_name("far", n)).unwrap();
        network.set_up(near).unwrap();
        network.set_up(far).unwrap();
    }
    network
}

/// A link that is up, with an address, and nothing else.
pub(crate) fn one_link() -> (Topology, LinkId) {
    let mut network = one_netns(1);
    let link = network.find_link(NetnsId::HOST, &link_name("near", 0)).unwrap();
    network.add_address(link, cidr(Ipv4Addr::new(192, 168, 0, 1), 24)).unwrap();
    (network, link)
}

/// Gives a link so many addresses: every second one begins a network, and the next is secondary in it.
pub(crate) fn add_addresses(network: &mut Topology, link: LinkId, addresses: usize) {
    (0..addresses).for_each(|n| network.add_address(link, address_in_pairs(n)).unwrap());
}

/// Returns the `n`th address of those that `add_addresses` adds.
pub(crate) fn address_in_pairs(n: usize) -> IpNet {
    cidr(ipv4(4 * (n / 2) + n % 2 + 1), 30)
}

/// Adds so many `routes` over one link.
pub(crate) fn add_routes(network: &mut Topology, routes: usize) {
    let gateway = IpAddr::from(Ipv4Addr::new(192, 168, 0, 2));
    for n in 0..routes {
        network.add_route(NetnsId::HOST, Destination::Network(cidr(ipv4(n), 32)), gateway).unwrap();
    }
}

/// Has each end of each veth on the host take the name of the other.
pub(crate) fn swap_names(network: &mut Topology, veths: usize) {
    let spare = LinkName::parse("spare").unwrap();
    for n in 0..veths {
        let [near, far] = ["near", "far"].map(|prefix| link_name(prefix, n));
        let [one, other] = [&near, &far].map(|name| network.find_link(NetnsId::HOST, name).unwrap());
        for (link, name) in [(one, spare.clone()), (other, near), (one, far)] {
            network.set_name(link, name).unwrap();
        }
    }
}
