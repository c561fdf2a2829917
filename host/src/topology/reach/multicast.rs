//! Pings to multicast groups: of all that a kernel joins by itself, only the IPv6 group of all routers of a site answers.

use std::net::{IpAddr, Ipv6Addr};

use super::journey::Traces;
use super::{Departure, Fate, Reach, Way};
use crate::topology::{Address, Kind, LinkId, NetnsId};

/// `ff05::2` (RFC 4291, section 2.7.1). Its brothers of narrower scope can't be pinged without a zone.
const ALL_ROUTERS_OF_SITE: Ipv6Addr = Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 0, 2);

impl Reach<'_> {
    /// Finds the link over which a netns sends to groups: a link gets a route for them when it first carries or gets an address.
    /// Of several the kernel takes the one that was first; here that is the first with an address.
    pub(super) fn multicast_way6(&self, netns: NetnsId, target: Ipv6Addr) -> Option<Way> {
        if !target.is_multicast() {
            return None;
        }
        let can = |id: &LinkId| {
            let link = &self.topology.links[id];
            link.kind != Kind::Loopback && link.up && link.has_ipv6()
        };
        let links: Vec<LinkId> = self.topology.links_of(netns).filter(can).collect();
        let has_address = |id: &&LinkId| self.topology.links[*id].addresses.iter().any(Address::is_ipv6);
        let carries = |id: &&LinkId| self.topology.carries(**id);
        let link = *links.iter().find(has_address).or_else(|| links.iter().find(carries))?;
        Some(Way::Over { link, next: target.into() })
    }

    pub(super) fn fate_of_multicast(&self, source: NetnsId, departure: &Departure) -> Fate {
        // IPv4 echo requests to groups are left unanswered (`icmp_echo_ignore_broadcasts`).
        let (IpAddr::V6(target), Way::Over { link, .. }) = (departure.packet.target, departure.way) else {
            return Fate::Silence;
        };
        if target != ALL_ROUTERS_OF_SITE {
            return Fate::Silence;
        }
        // The sender hears itself.
        let doors = [link].into_iter().chain(self.flood(link));
        let routers = doors.filter(|door| self.forwards(self.netns_of(*door)) && self.topology.links[door].has_ipv6());
        for door in routers {
            let (router, mut traces) = (self.netns_of(door), Traces::default());
            let Some((way, packet)) = self.reply(router, door, &departure.packet) else { continue };
            if self.comes_to(source, router, way, &packet, &mut traces) {
                return Fate::Reply(traces.spent);
            }
        }
        Fate::Silence
    }
}
