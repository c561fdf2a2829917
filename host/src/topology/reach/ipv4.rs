//! Where a netns sends an IPv4 packet, and from which address.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::{Packet, Reach, Way};
use crate::topology::view::ipv4_list;
use crate::topology::{LinkId, NetnsId};

/// What stands for a router's address in an ICMP error if it has none (RFC 7600, INADDR_DUMMY).
const DUMMY: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 8);

impl Reach<'_> {
    /// Finds the way to an address: of all routes, local ones too, that with the longest prefix (`fib_lookup`).
    pub(super) fn way4(&self, netns: NetnsId, target: Ipv4Addr) -> Option<Way> {
        let loopback = self.index.loopback(netns, target);
        let routes = &self.topology.netns[&netns].routes;
        for length in (0..=32).rev() {
            if length == 32 {
                // Addresses of links that are down are as good.
                if self.owns(netns, target.into()) {
                    return Some(Way::Own);
                }
                if let Some(link) = self.index.broadcast(netns, target) {
                    return Some(Way::Broadcast(link));
                }
            }
            if loopback == Some(length) {
                return Some(Way::Own);
            }
            let network = Ipv4Net::new_assert(target, length).trunc();
            if let Some(route) = routes.get(&IpNet::V4(network)).and_then(|same| same.first()) {
                // A gateway that is the netns itself says only that the network is on the link (`fib_check_nh`).
                let gateway = route.gateway.filter(|gateway| !self.is_own4(netns, *gateway));
                let next = gateway.unwrap_or(target.into());
                let source = match (route.source, route.gateway) {
                    (Some(source), _) => Some(source),
                    (None, Some(IpAddr::V4(gateway))) => self.select4(route.link, Some(gateway), false),
                    (None, _) => self.select4(route.link, None, true),
                };
                return Some(Way::Over { link: route.link, next, source: source.map(IpAddr::V4) });
            }
        }
        None
    }

    /// Returns the address that packets without one get on this way.
    pub(super) fn source4(&self, netns: NetnsId, way: Way) -> Option<Ipv4Addr> {
        match way {
            Way::Own => None,
            Way::Broadcast(link) => self.select4(link, None, true),
            Way::Over { source: Some(IpAddr::V4(source)), .. } => Some(source),
            Way::Over { .. } => None,
        }
        .filter(|_| self.topology.netns.contains_key(&netns))
    }

    /// Tells whether a packet to this address is for the netns itself.
    pub(super) fn is_own4(&self, netns: NetnsId, address: IpAddr) -> bool {
        let IpAddr::V4(address) = address else { return false };
        self.owns(netns, address.into()) || self.index.loopback(netns, address).is_some()
    }

    /// Picks an address of a link: a primary one in the network of `near`, else its first, else the first of any other link of
    /// the netns (`inet_select_addr`). Those of `127.0.0.0/8` do not leave their netns.
    pub(super) fn select4(&self, link: LinkId, near: Option<Ipv4Addr>, _link_scope: bool) -> Option<Ipv4Addr> {
        let primaries = |link: LinkId| {
            let list = ipv4_list(&self.topology.links[&link].addresses);
            list.into_iter().filter(|(cidr, secondary)| !secondary && !cidr.addr().is_loopback()).map(|(cidr, _)| cidr)
        };
        let own: Vec<Ipv4Net> = primaries(link).collect();
        let nearest = own.iter().find(|cidr| near.is_none_or(|near| cidr.contains(&near)));
        if let Some(cidr) = nearest.or(own.first()) {
            return Some(cidr.addr());
        }
        let others = self.topology.links_of(self.netns_of(link));
        others.filter_map(|other| primaries(other).next()).map(|cidr| cidr.addr()).next()
    }

    /// Tells whether a netns takes a packet from another for what it pretends to be (`ip_route_input_slow`): not if it comes
    /// from one of the netns's own addresses, or from or to an address that does not leave its netns.
    pub(super) fn is_credible4(&self, netns: NetnsId, source: Ipv4Addr, target: Ipv4Addr) -> bool {
        let strange = |address: Ipv4Addr| address.is_loopback() || address.is_unspecified();
        let is_sender = !strange(source) && !source.is_multicast() && !source.is_broadcast();
        is_sender && !strange(target) && !self.owns(netns, source.into())
    }

    /// A reply comes from the address that was asked.
    pub(super) fn reply4(&self, netns: NetnsId, asker: Ipv4Addr, target: Ipv4Addr) -> Option<(Way, Packet)> {
        let way = self.way4(netns, asker)?;
        Some((way, Packet { source: target.into(), target: asker.into() }))
    }

    pub(super) fn complaint4(&self, netns: NetnsId, asker: Ipv4Addr) -> Option<(Way, Packet)> {
        let asker = if asker.is_unspecified() { Ipv4Addr::LOCALHOST } else { asker };
        let way = self.way4(netns, asker)?;
        let source = if way == Way::Own { asker } else { self.source4(netns, way).unwrap_or(DUMMY) };
        Some((way, Packet { source: source.into(), target: asker.into() }))
    }
}
