//! Whether a ping arrives and comes back: what the kernel would do with its packets, hop by hop.
//!
//! The facts are Linux's, found by experiment and named after the kernel's functions where these are known. Assumed are the
//! defaults that every netns of a lab has (rp_filter, arp_ignore, proxy_arp and their like are 0), links at rest, and
//! neighbours that nobody knows yet.
//!
//! What does not show here: that the kernel limits errors a second and neighbours in a table; that an address is taken for a
//! broadcast address, and has no route, if it was that of another address in its netns before; over which of several links a
//! netns sends to groups. Which of equal routes is the oldest, and which link the first, is that of the network as it is built:
//! ask the one that a plan was played on.

mod connect;
mod index;
mod ipv4;
mod ipv6;
mod journey;
mod multicast;
mod neighbour;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

pub(super) use index::Index;

use self::connect::Departure;
use self::journey::{End, Packet, Traces};
use super::{Errno, LinkId, LinkName, NetnsId, PING_INTERVAL, Ping, PingAnswer, PingOutcome, Refusal, Topology};

/// The round trip of every ping that comes back. It is of the order that a kernel shows, and no more than a sign of success.
const ROUND_TRIP: Duration = Duration::from_micros(50);

/// What a netns does with a packet to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The address is its own.
    Own,
    /// All on this link get it.
    Broadcast(LinkId),
    /// It leaves over a link.
    Over {
        /// Which link.
        link: LinkId,
        /// Who gets it there.
        next: IpAddr,
    },
}

/// What becomes of an echo request.
enum Fate {
    /// The reply comes after this time.
    Reply(Duration),
    /// The sender is told after this time that there is no way.
    Complaint(Errno, Duration),
    /// Nothing comes back.
    Silence,
}

/// A network with its index.
struct Reach<'a> {
    topology: &'a Topology,
    index: &'a Index,
}

impl Topology {
    /// Says what would become of a ping.
    pub fn ping(&self, ping: &Ping) -> Result<PingAnswer, Refusal> {
        let source = self.find_netns(&ping.source)?;
        let index = self.index.get_or_init(|| Index::new(self).into());
        Ok(Reach { topology: self, index }.ping(source, ping))
    }
}

impl Reach<'_> {
    fn ping(&self, source: NetnsId, ping: &Ping) -> PingAnswer {
        let answer = |outcome, sent, received| {
            let round_trip = (received > 0).then_some(ROUND_TRIP);
            PingAnswer { outcome, sent, received, round_trip }
        };
        let fate = match self.depart(source, ping.target) {
            // Nothing is sent if the kernel knows no way.
            Err(errno) => return answer(PingOutcome::Unreachable(errno), 0, 0),
            Ok(departure) => self.fate(source, &departure),
        };
        // Requests are some time apart, and each waits for its reply as long as was asked for.
        let patience = PING_INTERVAL.saturating_mul(ping.count.saturating_sub(1)).saturating_add(ping.timeout);
        match fate {
            Fate::Reply(after) if after <= patience => answer(PingOutcome::Reply, ping.count, ping.count),
            Fate::Complaint(errno, after) if after <= patience => {
                answer(PingOutcome::Unreachable(errno), ping.count, 0)
            }
            _ => answer(PingOutcome::NoReply, ping.count, 0),
        }
    }

    /// Follows an echo request, and what comes back.
    fn fate(&self, source: NetnsId, departure: &Departure) -> Fate {
        let Departure { way, packet } = departure;
        if packet.target.is_multicast() {
            return self.fate_of_multicast(source, departure);
        }
        let mut traces = Traces::default();
        let fate = match self.travel(source, *way, packet, &mut traces) {
            End::Arrived { netns, link } => self.reply(netns, link, packet).map(|reply| (netns, reply, None)),
            End::Complaint { netns, link, errno } => {
                self.complaint(netns, link, packet).map(|complaint| (netns, complaint, Some(errno)))
            }
            End::Lost => None,
        };
        match fate {
            Some((netns, (way, packet), errno)) if self.comes_to(source, netns, way, &packet, &mut traces) => {
                errno.map_or(Fate::Reply(traces.spent), |errno| Fate::Complaint(errno, traces.spent))
            }
            _ => Fate::Silence,
        }
    }

    /// Tells whether a packet that a netns sends comes to `asker`.
    fn comes_to(&self, asker: NetnsId, from: NetnsId, way: Way, packet: &Packet, traces: &mut Traces) -> bool {
        if let Way::Broadcast(link) = way {
            return self.is_heard(asker, link, packet);
        }
        matches!(self.travel(from, way, packet, traces), End::Arrived { netns, .. } if netns == asker)
    }

    /// Returns what a netns that got `request` over `link` answers.
    fn reply(&self, netns: NetnsId, link: LinkId, request: &Packet) -> Option<(Way, Packet)> {
        match (request.source, request.target) {
            (IpAddr::V4(asker), IpAddr::V4(target)) => self.reply4(netns, asker, target),
            (IpAddr::V6(asker), IpAddr::V6(target)) => self.reply6(netns, link, asker, target),
            _ => None,
        }
    }

    /// Returns the ICMP error with which a netns answers `request`, which it got over `link` or made itself.
    fn complaint(&self, netns: NetnsId, link: Option<LinkId>, request: &Packet) -> Option<(Way, Packet)> {
        match request.source {
            IpAddr::V4(asker) => self.complaint4(netns, asker),
            IpAddr::V6(asker) => self.complaint6(netns, link, asker),
        }
    }

    fn netns_of(&self, link: LinkId) -> NetnsId {
        self.topology.links[&link].netns
    }

    fn forwards(&self, netns: NetnsId) -> bool {
        self.topology.netns[&netns].forwarding
    }

    fn lo(&self, netns: NetnsId) -> LinkId {
        self.topology.netns[&netns].by_name[&LinkName::lo()]
    }

    fn owns(&self, netns: NetnsId, address: IpAddr) -> bool {
        !self.index.own(netns, address).is_empty()
    }
}
