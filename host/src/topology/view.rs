//! The model as a kernel would show it, in the words of `ip`.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Address, Addresses, Kind, LinkId, NetnsId, Protocol, Route, Topology, observed};

/// The network of link-local addresses (RFC 4291, section 2.5.6).
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0);

impl Topology {
    /// Returns a netns that stands as the kernel would show it at rest, its links in the order they were added.
    pub fn observe(&self, id: NetnsId) -> observed::Netns {
        let netns = &self.netns[&id];
        observed::Netns {
            name: netns.name.clone(),
            links: netns.links.iter().map(|link| self.observe_link(*link)).collect(),
            routes: self.observe_routes(id),
            forwarding: netns.forwarding,
            autoconfiguration: netns.autoconfiguration,
        }
    }

    fn observe_link(&self, id: LinkId) -> observed::Link {
        let link = &self.links[&id];
        let peer = match link.kind {
            Kind::Veth { peer } => Some(self.place_of(peer)),
            _ => None,
        };
        observed::Link {
            name: link.name.to_string(),
            kind: link.kind.word().into(),
            mac: link.mac.to_string(),
            mtu: link.mtu.bytes,
            up: link.up,
            carrier: self.carries(id),
            queues: link.queues,
            oper_state: self.oper_state(id).into(),
            controller: link.controller.map(|bridge| self.links[&bridge].name.to_string()),
            peer: peer.map(|peer| observed::Peer { netns: peer.netns, link: peer.link.to_string() }),
            addresses: self.observe_addresses(id),
        }
    }

    fn observe_addresses(&self, id: LinkId) -> Vec<observed::Address> {
        let observe = |cidr: IpNet, secondary: bool| {
            let scope = scope_word(cidr.addr()).into();
            observed::Address { cidr, scope, secondary, tentative: false, dynamic: false, rest: String::new() }
        };
        let addresses = &self.links[&id].addresses;
        let ipv4 = ipv4_list(addresses).into_iter().map(|(cidr, secondary)| observe(cidr.into(), secondary));
        let ipv6 = ipv6_list(addresses).into_iter().map(|cidr| observe(cidr.into(), false));
        let yet_to_come = self.awaits_carrier(id).then(|| Address::link_local(self.links[&id].mac).cidr);
        ipv4.chain(ipv6).filter(|address| Some(address.cidr) != yet_to_come).collect()
    }

    /// Tells whether the kernel has yet to make the link-local address, which it does once there is a carrier.
    fn awaits_carrier(&self, id: LinkId) -> bool {
        self.configures_itself(id) && !self.carries(id)
    }

    /// Tells whether a link is up and its other side is: a veth's peer, or one port of a bridge.
    ///
    /// A bridge that has never had a port carries too, unless it was made with a MAC address, as those here are.
    pub(super) fn carries(&self, id: LinkId) -> bool {
        let link = &self.links[&id];
        link.up
            && match &link.kind {
                Kind::Loopback => true,
                Kind::Veth { peer } => self.links[peer].up,
                Kind::Bridge { ports } => ports.iter().any(|port| self.carries(*port)),
            }
    }

    /// Returns what `ip link` prints behind `state` (`default_operstate`).
    fn oper_state(&self, id: LinkId) -> &'static str {
        let link = &self.links[&id];
        match &link.kind {
            _ if !link.up => "DOWN",
            Kind::Loopback => "UNKNOWN",
            _ if self.carries(id) => "UP",
            // The kernel looks for a link of the peer's index in this netns, whichever that is. Here indexes are not known.
            Kind::Veth { peer } if self.links[peer].netns == link.netns => "LOWERLAYERDOWN",
            _ => "DOWN",
        }
    }

    /// Returns the main table of a netns in the order of the kernel, which is that of its tries.
    pub(super) fn observe_routes(&self, id: NetnsId) -> Vec<observed::Route> {
        let there = |route: &&Route| {
            let own = Ipv6Net::new_assert(LINK_LOCAL, 64);
            let asked_for = |address: &Address| !address.automatic && address.cidr.trunc() == route.destination;
            let is_own = route.protocol == Protocol::Kernel && route.destination == own.into();
            let addresses = &self.links[&route.link].addresses;
            !(is_own && self.awaits_carrier(route.link)) || addresses.iter().any(asked_for)
        };
        let mut routes: Vec<&Route> = self.netns[&id].routes.iter().filter(there).collect();
        // Those of one destination stay in their order.
        routes.sort_by_cached_key(|route| position(route.destination));
        routes.into_iter().map(|route| self.observe_route(route)).collect()
    }

    fn observe_route(&self, route: &Route) -> observed::Route {
        observed::Route {
            destination: route.destination,
            gateway: route.gateway,
            link: Some(self.links[&route.link].name.to_string()),
            protocol: if route.protocol == Protocol::Kernel { "kernel" } else { "boot" }.into(),
            scope: if route.gateway.is_none() && !route.is_ipv6() { "link" } else { "global" }.into(),
            source: route.source.map(IpAddr::V4),
            metric: route.metric,
            link_down: !self.carries(route.link),
            rest: String::new(),
        }
    }
}

/// Where a destination comes in the kernel's listing: IPv4 by address, and of one address the longest prefix first; IPv6 with
/// the networks within a network before it.
fn position(destination: IpNet) -> (IpAddr, Reverse<u8>) {
    let length = Reverse(destination.prefix_len());
    match destination {
        IpNet::V4(network) => (network.network().into(), length),
        IpNet::V6(network) => (network.broadcast().into(), length),
    }
}

fn scope_word(address: IpAddr) -> &'static str {
    match address {
        address if address.is_loopback() => "host",
        IpAddr::V6(address) if address.is_unicast_link_local() => "link",
        IpAddr::V6(address) if is_site_local(address) => "site",
        _ => "global",
    }
}

/// Tells whether an address is in `fec0::/10`, which is deprecated and known to the kernel (RFC 3879).
pub(super) fn is_site_local(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfec0
}

/// Returns the IPv4 addresses in the kernel's order, and whether each is secondary (`__inet_insert_ifa`).
///
/// A primary address comes behind the primary ones whose scope is not narrower than its own, so that one of `127.0.0.0/8` comes
/// before those of wider scope; a secondary one comes last.
pub(super) fn ipv4_list(addresses: &Addresses) -> Vec<(Ipv4Net, bool)> {
    let cidrs =
        addresses.iter().filter_map(|address| if let IpNet::V4(cidr) = address.cidr { Some(cidr) } else { None });
    let (mut host, mut global, mut secondary) = (Vec::new(), Vec::new(), Vec::new());
    let mut networks = std::collections::HashSet::new();
    for cidr in cidrs {
        if !networks.insert(cidr.trunc()) {
            secondary.push((cidr, true));
        } else if cidr.addr().is_loopback() {
            host.push((cidr, false));
        } else {
            global.push((cidr, false));
        }
    }
    host.into_iter().chain(global).chain(secondary).collect()
}

/// Returns the IPv6 addresses in the kernel's order: the widest scope first, and of one scope the newest (`ipv6_link_dev_addr`).
pub(super) fn ipv6_list(addresses: &Addresses) -> Vec<Ipv6Net> {
    let cidrs = addresses.iter().rev();
    let mut list: Vec<Ipv6Net> =
        cidrs.filter_map(|address| if let IpNet::V6(cidr) = address.cidr { Some(cidr) } else { None }).collect();
    list.sort_by_key(|cidr| Reverse(scope_of(cidr.addr())));
    list
}

/// Returns the scope of a unicast or multicast address as a number of RFC 4291, section 2.7. Loopback counts as link-local.
pub(super) fn scope_of(address: Ipv6Addr) -> u8 {
    match address {
        address if address.is_multicast() => (address.segments()[0] & 0xf) as u8,
        address if address.is_unicast_link_local() || address.is_loopback() => 0x2,
        address if is_site_local(address) => 0x5,
        _ => 0xe,
    }
}

#[cfg(test)]
mod tests {
    use crate::topology::{Destination, Limits, LinkName, NetnsId, NetnsName, Topology};

    fn name(text: &str) -> LinkName {
        LinkName::parse(text).unwrap()
    }

    /// Returns a state and whether there is a carrier, as `ip link` shows them.
    fn state(network: &Topology, netns: NetnsId, link: &str) -> (String, bool) {
        let links = network.observe(netns).links;
        let link = links.into_iter().find(|observed| observed.name == link).unwrap();
        (link.oper_state, link.carrier)
    }

    #[test]
    fn veth_carries_when_both_ends_are_up() {
        let mut network = Topology::new(Limits::default());
        let red = network.add_netns(NetnsName::parse("red").unwrap()).unwrap();
        let (a, b) = network.add_veth(NetnsId::HOST, name("a"), red, name("b")).unwrap();
        network.set_up(a).unwrap();
        assert_eq!(state(&network, NetnsId::HOST, "a"), ("DOWN".into(), false));
        network.set_up(b).unwrap();
        assert_eq!(state(&network, NetnsId::HOST, "a"), ("UP".into(), true));
        let (c, _) = network.add_veth(red, name("c"), red, name("d")).unwrap();
        network.set_up(c).unwrap();
        assert_eq!(state(&network, red, "c"), ("LOWERLAYERDOWN".into(), false));
        assert_eq!(state(&network, red, "lo"), ("DOWN".into(), false));
        let lo = network.find_link(red, &LinkName::lo()).unwrap();
        network.set_up(lo).unwrap();
        assert_eq!(state(&network, red, "lo"), ("UNKNOWN".into(), true));
    }

    #[test]
    fn bridge_carries_when_a_port_does() {
        let mut network = Topology::new(Limits::default());
        let bridge = network.add_bridge(NetnsId::HOST, name("br0")).unwrap();
        network.set_up(bridge).unwrap();
        let (a, b) = network.add_veth(NetnsId::HOST, name("a"), NetnsId::HOST, name("b")).unwrap();
        assert_eq!(state(&network, NetnsId::HOST, "br0"), ("DOWN".into(), false));
        network.add_port(bridge, a).unwrap();
        network.set_up(a).unwrap();
        assert_eq!(state(&network, NetnsId::HOST, "br0"), ("DOWN".into(), false));
        network.set_up(b).unwrap();
        assert_eq!(state(&network, NetnsId::HOST, "br0"), ("UP".into(), true));
        network.set_down(bridge).unwrap();
        assert_eq!(state(&network, NetnsId::HOST, "br0"), ("DOWN".into(), false));
    }

    #[test]
    fn addresses_and_routes_are_in_the_order_of_the_kernel() {
        let mut network = Topology::new(Limits::default());
        let (a, b) = network.add_veth(NetnsId::HOST, name("a"), NetnsId::HOST, name("b")).unwrap();
        network.set_up(a).unwrap();
        for cidr in [
            "fec0::1/64",
            "2001:db8::1/64",
            "2001:db8::2/80",
            "10.0.0.1/24",
            "10.0.0.2/24",
            "127.5.0.1/24",
            "10.0.0.3/16",
        ] {
            network.add_address(a, cidr.parse().unwrap()).unwrap();
        }
        for destination in ["0.0.0.0/0", "10.0.0.77/32", "10.0.0.0/8", "::/0", "2001:db8::/32", "2001:db9::/32"] {
            network.add_route_on_link(a, Destination::Network(destination.parse().unwrap())).unwrap();
        }
        let link_local = network.standing(a).unwrap().mac.link_local();
        let observed = network.observe(NetnsId::HOST);
        let addresses: Vec<String> = observed.links[1].addresses.iter().map(ToString::to_string).collect();
        assert_eq!(
            addresses,
            [
                "inet 127.5.0.1/24 scope host",
                "inet 10.0.0.1/24 scope global",
                "inet 10.0.0.3/16 scope global",
                "inet 10.0.0.2/24 scope global secondary",
                "inet6 2001:db8::2/80 scope global",
                "inet6 2001:db8::1/64 scope global",
                "inet6 fec0::1/64 scope site",
                &format!("inet6 {link_local}/64 scope link"),
            ]
        );
        let routes: Vec<String> = observed.routes.iter().map(ToString::to_string).collect();
        assert_eq!(
            routes,
            [
                "default dev a scope link linkdown",
                "10.0.0.0/24 dev a proto kernel scope link src 10.0.0.1 linkdown",
                "10.0.0.0/16 dev a proto kernel scope link src 10.0.0.3 linkdown",
                "10.0.0.0/8 dev a scope link linkdown",
                "10.0.0.77 dev a scope link linkdown",
                "127.5.0.0/24 dev a proto kernel scope link src 127.5.0.1 linkdown",
                "2001:db8::/80 dev a proto kernel metric 256 linkdown pref medium",
                "2001:db8::/64 dev a proto kernel metric 256 linkdown pref medium",
                "2001:db8::/32 dev a metric 1024 linkdown pref medium",
                "2001:db9::/32 dev a metric 1024 linkdown pref medium",
                "fe80::/64 dev a proto kernel metric 256 linkdown pref medium",
                "fec0::/64 dev a proto kernel metric 256 linkdown pref medium",
                "default dev a metric 1024 linkdown pref medium",
            ]
        );
        network.set_up(b).unwrap();
        assert!(network.observe(NetnsId::HOST).routes.iter().all(|route| !route.link_down));
    }
}
