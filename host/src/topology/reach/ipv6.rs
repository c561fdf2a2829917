//! What a netns does with IPv6 packets: where it sends them, from which address, and which it takes.

use std::net::Ipv6Addr;

use ipnet::{IpNet, Ipv6Net};

use super::journey::Taken;
use super::{Packet, Reach, Way};
use crate::topology::view::{ipv6_list, scope_of};
use crate::topology::{Errno, LinkId, NetnsId, Route};

impl Reach<'_> {
    /// Finds the way to an address: its own first, else by a route.
    pub(super) fn way6(&self, netns: NetnsId, target: Ipv6Addr, near: Option<LinkId>, strict: bool) -> Option<Way> {
        if self.is_own6(netns, target, near) {
            return Some(Way::Own);
        }
        let route = self.route6(netns, target, near, strict)?;
        Some(Way::Over { link: route.link, next: route.gateway.unwrap_or(target.into()) })
    }

    /// Finds the route of the main table with the longest prefix, of those the one with the smallest metric, of those the one
    /// over the link `near`, of those the oldest (`find_rr_leaf`). If it has to be that link, others do not count.
    fn route6(&self, netns: NetnsId, target: Ipv6Addr, near: Option<LinkId>, strict: bool) -> Option<&Route> {
        let routes = &self.topology.netns[&netns].routes;
        (0..=128).rev().find_map(|length| {
            let network = Ipv6Net::new_assert(target, length).trunc();
            let over_near = near.and_then(|near| routes.to_over(network.into(), near).next()).map(|(_, route)| route);
            if strict {
                return over_near;
            }
            let first = routes.to(network.into()).next()?;
            Some(over_near.filter(|route| route.metric == first.metric).unwrap_or(first))
        })
    }

    /// Tells whether a packet to this address is for the netns itself. A link-local address is one of a link.
    pub(super) fn is_own6(&self, netns: NetnsId, target: Ipv6Addr, link: Option<LinkId>) -> bool {
        let own = self.index.own(netns, target.into());
        if target.is_unicast_link_local() {
            return own.iter().any(|holder| Some(*holder) == link);
        }
        !own.is_empty() || self.is_anycast(netns, target)
    }

    /// Tells whether a netns, as a router, answers for an anycast address.
    fn is_anycast(&self, netns: NetnsId, target: Ipv6Addr) -> bool {
        self.index.anycast(target).iter().any(|link| self.netns_of(*link) == netns)
    }

    /// Picks the address for a packet to `target` over a link (RFC 6724, `ipv6_dev_get_saddr`).
    pub(super) fn source6(&self, netns: NetnsId, over: Option<LinkId>, target: Ipv6Addr) -> Option<Ipv6Addr> {
        let only_over = target.is_multicast() || scope_of(target) <= 2;
        let links = self.topology.links_of(netns);
        let links = links.filter(|link| !only_over || over.is_none_or(|over| over == *link));
        let mut best: Option<(Score, Ipv6Addr)> = None;
        for link in links {
            for cidr in ipv6_list(&self.topology.links[&link].addresses) {
                let score = Score::new(cidr, over.is_none_or(|over| over == link), target);
                // The first of equals stays.
                if best.is_none_or(|(highest, _)| score > highest) {
                    best = Some((score, cidr.addr()));
                }
            }
        }
        best.map(|(_, address)| address)
    }

    /// Says what a netns does with a packet that it gets by `door`.
    pub(super) fn take6(&self, netns: NetnsId, door: LinkId, source: Ipv6Addr, target: Ipv6Addr) -> Taken {
        if source.is_loopback() || target.is_loopback() {
            return Taken::Drops;
        }
        let forwards = self.forwards(netns);
        match self.way6(netns, target, Some(door), target.is_unicast_link_local()) {
            Some(Way::Own) => Taken::ForItself,
            // A netns that does not forward says so too (`ip6_pkt_discard`). Routes over `lo` are as good as none.
            None => Taken::Complains(Errno::ENETUNREACH),
            Some(Way::Over { link, .. }) if link == self.lo(netns) => Taken::Complains(Errno::ENETUNREACH),
            // It would leave the scope of its source (`ip6_forward`).
            Some(Way::Over { link, .. }) if forwards && link != door && source.is_unicast_link_local() => {
                Taken::Complains(Errno::EHOSTUNREACH)
            }
            Some(way) if forwards => Taken::Forwards(way),
            Some(_) => Taken::Drops,
        }
    }

    /// Returns the reply to a request; it comes from the address that was asked, unless that is an anycast address.
    pub(super) fn reply6(
        &self,
        netns: NetnsId,
        link: LinkId,
        asker: Ipv6Addr,
        target: Ipv6Addr,
    ) -> Option<(Way, Packet)> {
        let is_unicast = self.owns(netns, target.into());
        let strict = !is_unicast || asker.is_unicast_link_local();
        let way = self.way6(netns, asker, Some(link), strict)?;
        let source = if is_unicast { target } else { self.source6(netns, way.link(), asker)? };
        Some((way, Packet { source: source.into(), target: asker.into() }))
    }

    /// Returns the ICMP error with which a netns answers a packet of `asker`, which it got, or sent, by `link`.
    pub(super) fn complaint6(&self, netns: NetnsId, link: Option<LinkId>, asker: Ipv6Addr) -> Option<(Way, Packet)> {
        let strict = asker.is_unicast_link_local();
        let link = link.filter(|_| strict);
        let way = self.way6(netns, asker, link, strict)?;
        // What looks like the anycast address of a network at hand gets none (`ipv6_anycast_destination`).
        if way != Way::Own
            && let Some(Route { gateway: None, destination: IpNet::V6(network), .. }) =
                self.route6(netns, asker, link, strict)
            && network.prefix_len() < 127
            && network.addr() == asker
        {
            return None;
        }
        let source = self.source6(netns, way.link(), asker)?;
        Some((way, Packet { source: source.into(), target: asker.into() }))
    }
}

impl Way {
    pub(super) fn link(&self) -> Option<LinkId> {
        match self {
            Self::Own => None,
            Self::Broadcast(link) | Self::Over { link, .. } => Some(*link),
        }
    }
}

/// How well an address suits as a source; the fields are the kernel's rules in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    same: bool,
    scope: i32,
    over_its_link: bool,
    same_label: bool,
    same_orchid: bool,
    common_prefix: u8,
}

impl Score {
    fn new(candidate: Ipv6Net, over_its_link: bool, target: Ipv6Addr) -> Self {
        let address = candidate.addr();
        let (scope, wanted) = (i32::from(scope_of(address)), i32::from(scope_of(target)));
        let common = (u128::from(address) ^ u128::from(target)).leading_zeros() as u8;
        Self {
            same: address == target,
            // The narrowest that is wide enough, else the widest.
            scope: if scope >= wanted { -scope } else { scope - 128 },
            over_its_link,
            same_label: label(address) == label(target),
            same_orchid: is_orchid(address) == is_orchid(target),
            common_prefix: common.min(candidate.prefix_len()),
        }
    }
}

/// Returns the label of an address in the kernel's table (RFC 6724, section 2.1; `ip addrlabel`).
fn label(address: Ipv6Addr) -> u8 {
    let segments = address.segments();
    match segments {
        _ if address.is_loopback() => 0,
        _ if address.to_ipv4_mapped().is_some() => 4,
        [0, 0, 0, 0, 0, 0, ..] => 3,
        [0x2002, ..] => 2,
        _ if is_orchid(address) => 7,
        [0x2001, 0, ..] => 6,
        [first, ..] if first & 0xfe00 == 0xfc00 => 5,
        _ => 1,
    }
}

/// Tells whether an address is in `2001:10::/28` (RFC 4843).
fn is_orchid(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    first == 0x2001 && second & 0xfff0 == 0x10
}
