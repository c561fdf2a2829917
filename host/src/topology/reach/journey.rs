//! One packet's way through the network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::{Reach, Way};
use crate::topology::{Errno, Kind, LinkId, NetnsId};

/// How many namespaces a packet gets through (`ip_default_ttl`, `hop_limit`).
const TTL: u32 = 64;

/// What matters of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    pub(super) source: IpAddr,
    pub(super) target: IpAddr,
}

/// What the packets of one ping have left behind.
#[derive(Debug, Default)]
pub(super) struct Traces {
    /// The time that they have waited for neighbours.
    pub(super) spent: Duration,
    /// The neighbours that links have learnt: whoever is asked learns where the asker is.
    pub(super) learnt: HashMap<(LinkId, IpAddr), LinkId>,
}

/// How a packet's journey ends.
#[derive(Debug)]
pub(super) enum End {
    /// A netns took it as its own, by this link.
    Arrived { netns: NetnsId, link: LinkId },
    /// Nobody says a word.
    Lost,
    /// A netns that got it by this link, or sent it by this one, tells its source that there is no way.
    Complaint { netns: NetnsId, link: Option<LinkId>, errno: Errno },
}

/// What a netns does with a packet that it gets.
pub(super) enum Taken {
    ForItself,
    Forwards(Way),
    Complains(Errno),
    Drops,
}

impl Reach<'_> {
    /// Follows a packet that a netns sends on a way.
    pub(super) fn travel(&self, from: NetnsId, way: Way, packet: &Packet, traces: &mut Traces) -> End {
        let (mut netns, mut way, mut came_by) = (from, way, None);
        // The first netns makes the packet, each further one takes one off.
        for hops_left in (0..TTL).rev() {
            let (link, next) = match way {
                Way::Own => return self.take_home(netns),
                // Nobody forwards what was broadcast.
                Way::Broadcast(_) => return End::Lost,
                Way::Over { link, next } => (link, next),
            };
            if self.topology.links[&link].kind == Kind::Loopback {
                return self.spin(netns, came_by, packet);
            }
            // A bridge makes no difference between a frame and its copies, so the first question for a neighbour becomes a storm.
            if self.index.is_in_loop(link) {
                return End::Lost;
            }
            let Some(door) = self.neighbour(link, next, packet.source, traces) else {
                let link = came_by.or(Some(link));
                return End::Complaint { netns, link, errno: Errno::EHOSTUNREACH };
            };
            (netns, came_by) = (self.netns_of(door), Some(door));
            let complains = |errno| End::Complaint { netns, link: came_by, errno };
            way = match self.take(netns, door, packet) {
                Taken::ForItself => return End::Arrived { netns, link: door },
                Taken::Drops => return End::Lost,
                Taken::Complains(errno) => return complains(errno),
                // ICMP's "time exceeded" reads so too.
                Taken::Forwards(_) if hops_left == 0 => return complains(Errno::EHOSTUNREACH),
                Taken::Forwards(way) => way,
            };
        }
        End::Lost
    }

    /// What is for the netns itself goes over `lo`, if that is up.
    fn take_home(&self, netns: NetnsId) -> End {
        let link = self.lo(netns);
        if self.topology.links[&link].up { End::Arrived { netns, link } } else { End::Lost }
    }

    /// What is routed over `lo` though it is not for this netns: IPv6 says that there is no way. IPv4 sends it, and drops what
    /// comes back by `lo`, but goes on forwarding what it forwarded before, for as long as the packet lives.
    fn spin(&self, netns: NetnsId, came_by: Option<LinkId>, packet: &Packet) -> End {
        let errno = match (packet.target, came_by) {
            (IpAddr::V6(_), _) => Errno::ENETUNREACH,
            (IpAddr::V4(_), Some(_)) => Errno::EHOSTUNREACH,
            (IpAddr::V4(_), None) => return End::Lost,
        };
        End::Complaint { netns, link: came_by, errno }
    }

    fn take(&self, netns: NetnsId, door: LinkId, packet: &Packet) -> Taken {
        match (packet.source, packet.target) {
            (IpAddr::V4(source), IpAddr::V4(target)) => self.take4(netns, door, source, target),
            (IpAddr::V6(source), IpAddr::V6(target)) => self.take6(netns, door, source, target),
            _ => Taken::Drops,
        }
    }
}
