//! Which namespaces have yet to come to rest before a packet is sent.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use crate::plan::Step;
use crate::topology::{Kind, LinkId, NetnsId, Ping, Topology};

/// What came to rest, and what was changed since, where links or addresses do so after the kernel has confirmed them.
///
/// The kernel works its queue of links off in order, so what lies between the ends of a ping is at rest when these are. Addresses
/// of IPv6 have a queue of their own.
#[derive(Default)]
pub(super) struct Rest {
    /// Found when they are asked for first after a change.
    places: Option<Places>,
    /// What was at rest, with IPv6 or without, with the links that were changed since.
    rested: HashMap<(NetnsId, bool), BTreeSet<LinkId>>,
    /// How many changes there were.
    changes: u64,
}

/// A moment between two changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct When(u64);

/// Where packets come by.
struct Places {
    with_bridges: Vec<NetnsId>,
    holders: HashMap<IpAddr, Vec<NetnsId>>,
}

impl Places {
    fn of(topology: &Topology) -> Self {
        let mut holders: HashMap<IpAddr, Vec<NetnsId>> = HashMap::new();
        for (_, link) in topology.list_links() {
            for held in &link.addresses {
                holders.entry(held.cidr.addr()).or_default().push(link.netns);
            }
        }
        let with_bridges = topology.list_netns().map(|(id, _)| id).filter(|id| topology.has_bridge(*id)).collect();
        Self { with_bridges, holders }
    }
}

impl Rest {
    /// Notes that nothing is known to be at rest.
    pub(super) fn disturb_everything(&mut self) {
        *self = Self { changes: self.changes + 1, ..Self::default() };
    }

    /// Notes the links that steps, which `topology` has done, have changed; all of them are about one netns.
    pub(super) fn disturb_by(&mut self, topology: &Topology, netns: NetnsId, steps: &[Step]) {
        self.places = None;
        self.changes += 1;
        if topology.has_netns(netns) && topology.is_autoconfigured(netns) {
            // A bridge there that a port has left may have IPv6 again, and the kernel makes its addresses.
            self.disturb_netns(netns);
        }
        for step in steps {
            for place in step.link().cloned().into_iter().chain(step.taken()) {
                let Ok(link) = topology.find_place(&place) else { continue };
                for link in topology.peer(link).into_iter().chain([link]) {
                    self.disturb(topology, link);
                }
            }
        }
    }

    fn disturb(&mut self, topology: &Topology, link: LinkId) {
        let Some(standing) = topology.standing(link) else { return };
        if matches!(standing.kind, Kind::Bridge { .. }) {
            // Its ports begin to forward when it comes up.
            self.disturb_netns(standing.netns);
        }
        for ipv6 in [false, true] {
            if let Some(links) = self.rested.get_mut(&(standing.netns, ipv6)) {
                // Its bridge may have got a carrier by it, or lost it.
                links.extend(standing.controller.into_iter().chain([link]));
            }
        }
    }

    /// Notes that a netns has changed altogether, or gone.
    pub(super) fn disturb_netns(&mut self, netns: NetnsId) {
        self.places = None;
        self.changes += 1;
        self.rested.retain(|(id, _), _| *id != netns);
    }

    /// Lists the namespaces that must come to rest before these pings, those with bridges among them. With each come the links that
    /// may not be at rest, if others are known to be.
    pub(super) fn restless(&mut self, topology: &Topology, pings: &[Ping]) -> Vec<(NetnsId, Option<BTreeSet<LinkId>>)> {
        let ipv6 = pings.iter().any(|ping| ping.target.is_ipv6());
        let sources: HashSet<_> = pings.iter().filter_map(|ping| topology.find_netns(&ping.source).ok()).collect();
        let targets: HashSet<IpAddr> = pings.iter().map(|ping| ping.target).collect();
        let Places { with_bridges, holders } = self.places.get_or_insert_with(|| Places::of(topology));
        let holders = targets.iter().filter_map(|target| holders.get(target)).flatten();
        let concerned: BTreeSet<NetnsId> = with_bridges.iter().chain(&sources).chain(holders).copied().collect();
        let mut restless = Vec::new();
        for id in concerned {
            match self.rested.get(&(id, ipv6)) {
                None => restless.push((id, None)),
                Some(links) if links.is_empty() => {}
                Some(links) => restless.push((id, Some(links.clone()))),
            }
        }
        restless
    }

    /// Returns the moment at which it is asked.
    pub(super) fn now(&self) -> When {
        When(self.changes)
    }

    /// Notes that namespaces have come to rest, unless something has changed since it was asked which must.
    pub(super) fn has_rested(&mut self, ids: impl IntoIterator<Item = NetnsId>, ipv6: bool, when: When) {
        if when == self.now() {
            self.rested.extend(ids.into_iter().map(|id| ((id, ipv6), BTreeSet::new())));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::topology::{Limits, LinkName, NetnsName};

    fn ping(source: &str, target: &str) -> Ping {
        let source = NetnsName::parse(source).unwrap();
        Ping { source, target: target.parse().unwrap(), count: 1, timeout: Duration::ZERO }
    }

    /// Waits as a ping does, and returns for what.
    fn wait(rest: &mut Rest, topology: &Topology, pings: &[Ping]) -> Vec<(NetnsId, Option<BTreeSet<LinkId>>)> {
        let waited_for = rest.restless(topology, pings);
        let (ids, now) = (waited_for.iter().map(|(id, _)| *id).collect::<Vec<_>>(), rest.now());
        rest.has_rested(ids, pings[0].target.is_ipv6(), now);
        waited_for
    }

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
        let mut rest = Rest::default();
        let mut waits = |source, target| -> Vec<NetnsId> {
            let waited_for = wait(&mut rest, &topology, &[ping(source, target)]);
            assert!(waited_for.iter().all(|(_, links)| links.is_none()), "nothing was at rest before");
            waited_for.into_iter().map(|(id, _)| id).collect()
        };
        assert_eq!(waits("a", "10.0.0.2"), [NetnsId::HOST, a, b]);
        assert_eq!(waits("b", "10.0.0.1"), []);
        assert_eq!(waits("b", "fd00::1"), [NetnsId::HOST, a, b]);
        assert_eq!(waits("c", "fd00::1"), [c]);
    }

    #[test]
    fn of_what_was_at_rest_only_the_links_that_were_changed_are_waited_for() {
        let mut topology = Topology::new(Limits::default());
        let [red, blue] = ["red", "blue"].map(|name| topology.add_netns(NetnsName::parse(name).unwrap()).unwrap());
        let name = |name| LinkName::parse(name).unwrap();
        topology.add_veth(red, name("a"), blue, name("a")).unwrap();
        let (near, far) = topology.add_veth(red, name("b"), blue, name("b")).unwrap();
        let pings = [ping("red", "127.0.0.1"), ping("blue", "127.0.0.1")];
        let up = |topology: &Topology, link| Step::SetUp { link: topology.place_of(link) };
        let mut rest = Rest::default();
        assert_eq!(wait(&mut rest, &topology, &pings), [(red, None), (blue, None)]);
        rest.disturb_by(&topology, red, &[up(&topology, near)]);
        let changed = [(red, Some(BTreeSet::from([near]))), (blue, Some(BTreeSet::from([far])))];
        assert_eq!(wait(&mut rest, &topology, &pings), changed);
        assert_eq!(wait(&mut rest, &topology, &pings), []);
        let bridge = topology.add_bridge(red, name("br0")).unwrap();
        rest.disturb_by(&topology, red, &[up(&topology, bridge)]);
        assert_eq!(wait(&mut rest, &topology, &pings), [(red, None)], "its ports begin to forward");
        topology.set_autoconfiguration(blue, true).unwrap();
        rest.disturb_by(&topology, blue, &[up(&topology, far)]);
        assert_eq!(wait(&mut rest, &topology, &pings), [(red, Some(BTreeSet::from([near]))), (blue, None)]);
    }

    #[test]
    fn what_changes_while_it_is_waited_for_is_waited_for_again() {
        let mut topology = Topology::new(Limits::default());
        let red = topology.add_netns(NetnsName::parse("red").unwrap()).unwrap();
        topology.add_bridge(red, LinkName::parse("br0").unwrap()).unwrap();
        let mut rest = Rest::default();
        let pings = [ping("host", "127.0.0.1")];
        let all = [(NetnsId::HOST, None), (red, None)];
        assert_eq!(rest.restless(&topology, &pings), all);
        let asked = rest.now();
        assert_eq!(rest.restless(&topology, &pings), all, "nobody has waited yet");
        rest.disturb_by(&topology, red, &[]);
        rest.has_rested([NetnsId::HOST, red], false, asked);
        assert_eq!(wait(&mut rest, &topology, &pings), all);
        assert_eq!(wait(&mut rest, &topology, &pings), []);
        // A netns that has gone is nowhere looked for.
        topology.remove_netns(red).unwrap();
        rest.disturb_netns(red);
        assert_eq!(wait(&mut rest, &topology, &[ping("host", "::1")]), [(NetnsId::HOST, None)]);
    }
}
