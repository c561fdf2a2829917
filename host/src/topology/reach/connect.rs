//! The first act of a ping: `connect` looks for a way and for the address that the requests have.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Packet, Reach, Way};
use crate::topology::view::scope_of;
use crate::topology::{Errno, NetnsId};

/// An echo request on its first link.
pub(super) struct Departure {
    pub(super) way: Way,
    pub(super) packet: Packet,
}

impl Reach<'_> {
    pub(super) fn depart(&self, netns: NetnsId, target: IpAddr) -> Result<Departure, Errno> {
        match target {
            IpAddr::V4(target) => self.depart4(netns, target),
            IpAddr::V6(target) => self.depart6(netns, target),
        }
    }

    fn depart4(&self, netns: NetnsId, target: Ipv4Addr) -> Result<Departure, Errno> {
        // `0.0.0.0` is this netns, if `lo` has its address.
        if target.is_unspecified() && !self.is_own4(netns, Ipv4Addr::LOCALHOST) {
            return Err(Errno::ENETUNREACH);
        }
        let target = if target.is_unspecified() { Ipv4Addr::LOCALHOST } else { target };
        let way = self.way4(netns, target).ok_or(Errno::ENETUNREACH)?;
        if target.is_broadcast() || matches!(way, Way::Broadcast(_)) {
            // Only a socket with SO_BROADCAST may.
            return Err(Errno::EACCES);
        }
        let source = self.source4(netns, target).unwrap_or(Ipv4Addr::UNSPECIFIED);
        if let Way::Over { link, .. } = way
            && source.is_loopback()
            && link != self.lo(netns)
        {
            return Err(Errno::EINVAL);
        }
        Ok(Departure { way, packet: Packet { source: source.into(), target: target.into() } })
    }

    fn depart6(&self, netns: NetnsId, target: Ipv6Addr) -> Result<Departure, Errno> {
        let target = if target.is_unspecified() { Ipv6Addr::LOCALHOST } else { target };
        if target.to_ipv4_mapped().is_some() {
            return Err(Errno::ENETUNREACH);
        }
        if target.is_unicast_link_local() || (target.is_multicast() && matches!(scope_of(target), 1 | 2)) {
            // Which link is meant only a zone would tell.
            return Err(Errno::EINVAL);
        }
        let way = self.multicast_way6(netns, target).or_else(|| self.way6(netns, target, None, false));
        let over = match way {
            Some(Way::Over { link, .. }) => Some(link),
            _ => None,
        };
        // Without any address there is none to send from, which the kernel says before it says that there is no way.
        let source = self.source6(netns, over, target).ok_or(Errno::EADDRNOTAVAIL)?;
        let way = way.ok_or(Errno::ENETUNREACH)?;
        Ok(Departure { way, packet: Packet { source: source.into(), target: target.into() } })
    }
}
