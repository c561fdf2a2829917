//! What a netns does with IPv4 packets: where it sends them, from which address, and which it takes.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use super::journey::Taken;
use super::{Packet, Reach, Way};
use crate::topology::view::ipv4_list;
use crate::topology::{Errno, LinkId, NetnsId, Route};

/// What stands for a router's address in an ICMP error if it has none (RFC 7600, INADDR_DUMMY).
const DUMMY: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 8);

/// What the kernel finds for an address (`fib_lookup`).
enum Found<'a> {
    Own,
    Broadcast(LinkId),
    Route(&'a Route),
}

impl<'a> Reach<'a> {
    /// Finds what there is with the longest prefix in the local and the main table, which the kernel keeps in one trie.
    fn find4(&self, netns: NetnsId, target: Ipv4Addr) -> Option<Found<'a>> {
        // Addresses of links that are down are as good.
        if self.owns(netns, target.into()) {
            return Some(Found::Own);
        }
        if let Some(link) = self.index.broadcast(netns, target) {
            return Some(Found::Broadcast(link));
        }
        let loopback = self.index.loopback(netns, target);
        let routes = &self.topology.netns[&netns].routes;
        (0..=32).rev().find_map(|length| {
            if loopback == Some(length) {
                return Some(Found::Own);
            }
            let network = Ipv4Net::new_assert(target, length).trunc();
            routes.to(network.into()).next().map(Found::Route)
        })
    }

    /// Finds the way to an address.
    pub(super) fn way4(&self, netns: NetnsId, target: Ipv4Addr) -> Option<Way> {
        Some(match self.find4(netns, target)? {
            Found::Own => Way::Own,
            Found::Broadcast(link) => Way::Broadcast(link),
            Found::Route(route) => {
                // A gateway that is the link itself only says that the network is on the link (`fib_check_nh`).
                let gateway = route.gateway.filter(|gateway| !self.index.own(netns, *gateway).contains(&route.link));
                Way::Over { link: route.link, next: gateway.unwrap_or(target.into()) }
            }
        })
    }

    /// Picks the address for a packet to `target` (`fib_result_prefsrc`).
    pub(super) fn source4(&self, netns: NetnsId, target: Ipv4Addr) -> Option<Ipv4Addr> {
        match self.find4(netns, target)? {
            Found::Own => Some(target),
            Found::Broadcast(link) => self.select4(link, None),
            Found::Route(Route { source: Some(source), .. }) => Some(*source),
            Found::Route(Route { gateway: Some(IpAddr::V4(gateway)), link, .. }) => self.select4(*link, Some(*gateway)),
            Found::Route(route) => self.select4(route.link, None),
        }
    }

    /// Picks an address of a link: a primary one in the network of `near`, else its first, else the first of any other link of
    /// the netns (`inet_select_addr`). Those of `127.0.0.0/8` do not leave their netns.
    pub(super) fn select4(&self, link: LinkId, near: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let primaries = |link: LinkId| {
            let list = ipv4_list(&self.topology.links[&link].addresses);
            list.into_iter().filter(|(cidr, secondary)| !secondary && !cidr.addr().is_loopback()).map(|(cidr, _)| cidr)
        };
        let own: Vec<Ipv4Net> = primaries(link).collect();
        let nearest = own.iter().find(|cidr| near.is_none_or(|near| cidr.contains(&near)));
        if let Some(cidr) = nearest.or(own.first()) {
            return Some(cidr.addr());
        }
        let mut others = self.topology.links_of(self.netns_of(link));
        others.find_map(|other| primaries(other).next()).map(|cidr| cidr.addr())
    }

    /// Tells whether an address is the netns's own.
    pub(super) fn is_own4(&self, netns: NetnsId, address: Ipv4Addr) -> bool {
        self.owns(netns, address.into()) || self.index.loopback(netns, address).is_some()
    }

    /// Says what a netns does with a packet that it gets by `door` (`ip_route_input_slow`).
    pub(super) fn take4(&self, netns: NetnsId, door: LinkId, source: Ipv4Addr, target: Ipv4Addr) -> Taken {
        let leaves_netns = |address: Ipv4Addr| !address.is_loopback() && !address.is_unspecified();
        if !leaves_netns(source) || !leaves_netns(target) {
            return Taken::Drops;
        }
        // Nobody else can have sent what comes from an address of this netns.
        let is_credible = !self.owns(netns, source.into());
        let forwards = self.forwards(netns);
        match self.way4(netns, target) {
            Some(Way::Own) if is_credible => Taken::ForItself,
            // What is to leave by the link that it came by is looked at otherwise (`fib_validate_source`).
            Some(way @ Way::Over { link, .. }) if forwards && link == door => match self.way4(netns, source) {
                Some(Way::Own | Way::Broadcast(_)) => Taken::Drops,
                _ => Taken::Forwards(way),
            },
            Some(way @ Way::Over { .. }) if forwards && is_credible => Taken::Forwards(way),
            None if forwards => Taken::Complains(Errno::ENETUNREACH),
            _ => Taken::Drops,
        }
    }

    /// Returns the reply to a request; it comes from the address that was asked.
    pub(super) fn reply4(&self, netns: NetnsId, asker: Ipv4Addr, target: Ipv4Addr) -> Option<(Way, Packet)> {
        let way = self.way4(netns, asker)?;
        Some((way, Packet { source: target.into(), target: asker.into() }))
    }

    /// Returns the ICMP error with which a netns answers a packet of `asker`.
    pub(super) fn complaint4(&self, netns: NetnsId, asker: Ipv4Addr) -> Option<(Way, Packet)> {
        // From no address the netns can only have sent it itself.
        let asker = if asker.is_unspecified() { Ipv4Addr::LOCALHOST } else { asker };
        let way = self.way4(netns, asker)?;
        let source = self.source4(netns, asker).unwrap_or(DUMMY);
        Some((way, Packet { source: source.into(), target: asker.into() }))
    }
}
