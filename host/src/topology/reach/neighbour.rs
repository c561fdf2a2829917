//! Who on a link answers for an address: ARP and neighbour discovery.

use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::Ipv6Net;

use super::journey::{Taken, Traces};
use super::{Packet, Reach};
use crate::topology::view::ipv6_list;
use crate::topology::{Kind, LinkId, NetnsId};

/// How long the kernel looks for a neighbour that does not answer: three requests, a second apart (`mcast_solicit`,
/// `retrans_time_ms`). With the grain of its timers it takes 3.06 to 3.09 s.
const GIVES_UP: Duration = Duration::from_millis(3_100);
/// A router answers for an anycast address after a random time of at most this (`proxy_delay`, RFC 4861, section 7.2.7).
const ANYCAST_DELAY: Duration = Duration::from_millis(800);

impl Reach<'_> {
    /// Finds the link that takes packets to the neighbour `next` on `link`, for a packet from `source`.
    pub(super) fn neighbour(&self, link: LinkId, next: IpAddr, source: IpAddr, traces: &mut Traces) -> Option<LinkId> {
        if let Some(known) = traces.learnt.get(&(link, next)) {
            return Some(*known);
        }
        let found = match (next, source) {
            // What comes to a port goes to its bridge, answers too: so a port never learns where a neighbour is.
            _ if self.topology.links[&link].controller.is_some() => None,
            (IpAddr::V4(next), IpAddr::V4(source)) => self.ask4(link, next, source, traces),
            (IpAddr::V6(next), IpAddr::V6(source)) => self.ask6(link, next, source, traces),
            _ => None,
        };
        match found {
            Some(door) => drop(traces.learnt.insert((link, next), door)),
            None => traces.spent += GIVES_UP,
        }
        found
    }

    /// Picks the link whose answer to a question on `link` comes first.
    fn first_of(&self, link: LinkId, answering: &[LinkId]) -> Option<LinkId> {
        match answering {
            [] => None,
            [only] => Some(*only),
            several => self.flood(link).into_iter().find(|door| several.contains(door)),
        }
    }

    /// ARP: a netns answers for any of its addresses by whatever link it is asked, unless the question comes from one of its own.
    fn ask4(&self, link: LinkId, next: Ipv4Addr, source: Ipv4Addr, traces: &mut Traces) -> Option<LinkId> {
        let segment = self.index.segment(link)?;
        if next.is_loopback() {
            return None;
        }
        let asker = self.netns_of(link);
        // As `arp_solicit`: from the packet's source if that is an address of the asker, else from one that fits.
        let sender = if self.is_own4(asker, source) { Some(source) } else { self.select4(link, Some(next)) };
        let holders = self.index.holders(next.into()).iter().map(|holder| self.netns_of(*holder));
        let namespaces: HashSet<NetnsId> = holders.chain(self.index.behind_loopback(next)).collect();
        let answers = |netns: &NetnsId| {
            sender.is_none_or(|sender| !self.owns(*netns, sender.into())) && self.is_own4(*netns, next)
        };
        let doors = namespaces.into_iter().filter(answers).flat_map(|netns| self.index.doors(segment, netns));
        let doors: Vec<LinkId> = doors.copied().filter(|door| *door != link).collect();
        if let Some(sender) = sender {
            traces.learnt.extend(doors.iter().map(|door| ((*door, sender.into()), link)));
        }
        self.first_of(link, &doors)
    }

    /// Neighbour discovery: a link answers for its own addresses alone, and a router later for its anycast addresses. The
    /// question needs an address of the link that it leaves by, the packet's source or a link-local one.
    fn ask6(&self, link: LinkId, next: Ipv6Addr, source: Ipv6Addr, traces: &mut Traces) -> Option<LinkId> {
        let segment = self.index.segment(link)?;
        let own = ipv6_list(&self.topology.links[&link].addresses);
        let mut own = own.iter().map(Ipv6Net::addr);
        let sender =
            own.clone().find(|address| *address == source).or_else(|| own.find(Ipv6Addr::is_unicast_link_local))?;
        let is_door = |id: &LinkId| *id != link && self.index.doors(segment, self.netns_of(*id)).contains(id);
        let answering = |those: &[LinkId]| those.iter().copied().filter(is_door).collect::<Vec<_>>();
        let mut doors = answering(self.index.holders(next.into()));
        if doors.is_empty() {
            doors = answering(self.index.anycast(next));
            traces.spent += if doors.is_empty() { Duration::ZERO } else { ANYCAST_DELAY };
        }
        traces.learnt.extend(doors.iter().map(|door| ((*door, sender.into()), link)));
        self.first_of(link, &doors)
    }

    /// Tells whether a netns takes a packet that is broadcast on a link.
    pub(super) fn is_heard(&self, netns: NetnsId, link: LinkId, packet: &Packet) -> bool {
        let (IpAddr::V4(source), IpAddr::V4(target)) = (packet.source, packet.target) else { return false };
        let doors = self.flood(link).into_iter().filter(|door| self.netns_of(*door) == netns);
        doors.map(|door| self.take4(netns, door, source, target)).any(|taken| matches!(taken, Taken::ForItself))
    }

    /// Lists the links by which a broadcast on `link` is taken, in the order that they get it: a bridge hands it to its ports,
    /// newest first, and what comes from there is worked off in turn.
    pub(super) fn flood(&self, link: LinkId) -> Vec<LinkId> {
        let links = &self.topology.links;
        let mut doors = Vec::new();
        let mut passed = HashSet::new();
        let mut frames = VecDeque::new();
        let send = |from: LinkId, frames: &mut VecDeque<LinkId>| {
            if let Kind::Veth { peer } = links[&from].kind
                && links[&from].up
                && links[&peer].up
            {
                frames.push_back(peer);
            }
        };
        match &links[&link].kind {
            Kind::Bridge { ports } => {
                passed.insert(link);
                ports.iter().rev().for_each(|port| send(*port, &mut frames));
            }
            _ => send(link, &mut frames),
        }
        while let Some(at) = frames.pop_front() {
            let Some(bridge) = links[&at].controller else {
                doors.push(at);
                continue;
            };
            // In a loop a frame would go round for ever; each bridge passes it on once here.
            if !links[&bridge].up || !passed.insert(bridge) {
                continue;
            }
            links[&bridge].ports().iter().rev().filter(|port| **port != at).for_each(|port| send(*port, &mut frames));
            doors.push(bridge);
        }
        doors
    }
}
