//! Which namespaces have yet to come to rest before a packet is sent.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use crate::topology::{NetnsId, Ping, Topology};

/// What came to rest since the last change, where links or addresses do so after the kernel has confirmed them.
///
/// The kernel works its queue of links off in order, so what lies between the ends of a ping is at rest when these are. Addresses
/// of IPv6 have a queue of their own.
pub(super) struct Rest {
    with_bridges: Vec<NetnsId>,
    holders: HashMap<IpAddr, Vec<NetnsId>>,
    /// At rest, with IPv6 or without.
    rested: HashSet<(NetnsId, bool)>,
}

impl Rest {
    /// Begins anew after a change: nothing is known to be at rest.
    pub(super) fn after_change(topology: &Topology) -> Self {
        let mut holders: HashMap<IpAddr, Vec<NetnsId>> = HashMap::new();
        for (_, link) in topology.list_links() {
            for held in &link.addresses {
                holders.entry(held.cidr.addr()).or_default().push(link.netns);
            }
        }
        let with_bridges = topology.list_netns().map(|(id, _)| id).filter(|id| topology.has_bridge(*id)).collect();
        Self { with_bridges, holders, rested: HashSet::new() }
    }

    /// Lists the namespaces that must come to rest before these pings, those with bridges among them, and counts them as
    /// rested from now on.
    pub(super) fn restless(&mut self, topology: &Topology, pings: &[Ping]) -> Vec<NetnsId> {
        let ipv6 = pings.iter().any(|ping| ping.target.is_ipv6());
        let sources: HashSet<_> = pings.iter().filter_map(|ping| topology.find_netns(&ping.source).ok()).collect();
        let targets: HashSet<IpAddr> = pings.iter().map(|ping| ping.target).collect();
        let holders = targets.iter().filter_map(|target| self.holders.get(target)).flatten();
        let concerned: HashSet<NetnsId> = self.with_bridges.iter().chain(&sources).chain(holders).copied().collect();
        let mut restless: Vec<NetnsId> = concerned.into_iter().filter(|id| self.rested.insert((*id, ipv6))).collect();
        restless.sort_unstable();
        restless
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::topology::{Limits, LinkName, NetnsName};

    #[test]
    fn each_ping_waits_for_what_none_before_has_waited_for() {
        let mut topology = Topology::new(Limits::default());
        topology.add_bridge(NetnsId::HOST, LinkName::parse("br0").unwrap()).unwrap();
        let [a, b, c] = [("a", 1), ("b", 2), ("c", 3)].map(|(name, number)| {
            let id = topology.add_netns(NetnsName::parse(name).unwrap()).unwrap();
            let lo = topology.find_link(id, &LinkName::lo()).unwrap();
            topology.set_up(lo).unwrap();
            for address in [format!("10.0.0.{number}/32"), format!("fd00::{number}/128")] {
                topology.add_address(lo, address.parse().unwrap()).unwrap();
            }
            id
        });
        let mut rest = Rest::after_change(&topology);
        let mut ping = |source: &str, target: &str| {
            let source = NetnsName::parse(source).unwrap();
            let ping = Ping { source, target: target.parse().unwrap(), count: 1, timeout: Duration::ZERO };
            rest.restless(&topology, &[ping])
        };
        assert_eq!(ping("a", "10.0.0.2"), [NetnsId::HOST, a, b]);
        assert_eq!(ping("b", "10.0.0.1"), []);
        assert_eq!(ping("b", "fd00::1"), [NetnsId::HOST, a, b]);
        assert_eq!(ping("c", "fd00::1"), [c]);
    }
}
