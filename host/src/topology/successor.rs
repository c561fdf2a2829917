//! A network that was drawn anew, as what is to become of one that stands.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use ipnet::IpNet;

use super::objects::Objects;
use super::{Changes, Kind, Link, LinkId, LinkName, Mtu, Netns, NetnsId, Route, Topology, is_ipv6_link_local};

impl Topology {
    /// Returns this network with the identities of `standing` for all that is to stay: a netns of the same name, and a link of the
    /// same kind at the same place, if it is a veth with its peer at the same place and as many queues. All else gets identities that
    /// neither `standing` nor anything before it had, and what is not here any more has gone.
    ///
    /// The links of `anew`, which stand, can't stay.
    ///
    /// An MTU that was chosen there stays chosen: a bridge can't be had to follow its ports again.
    #[must_use]
    pub fn succeeding(&self, standing: &Self, anew: &BTreeSet<LinkId>) -> Self {
        let identities = Identities::of(self, standing, anew);
        let mut successor = Self {
            netns: Objects::new(),
            netns_by_name: HashMap::new(),
            links: Objects::new(),
            gone_netns: standing.gone_netns.clone(),
            gone_links: standing.gone_links.clone(),
            next_netns: identities.next_netns,
            next_link: identities.next_link,
            counted: self.counted,
            limits: self.limits,
            link_local: self.link_local,
            host: self.host,
            changes: Changes::default(),
            index: std::sync::OnceLock::new(),
        };
        for (id, link) in self.links.iter() {
            let (id, stands) = (identities.links[&id], standing.links.get(&identities.links[&id]));
            match stands {
                Some(stands) if identities.are_same_link(link, stands) => successor.links.share(id, &standing.links),
                _ => successor.links.insert(id, identities.link(link, stands)),
            }
        }
        for (id, netns) in self.netns.iter() {
            let id = identities.netns[&id];
            successor.netns_by_name.insert(netns.name.clone(), id);
            let stands = standing.netns.get(&id).filter(|stands| identities.are_same_netns(netns, stands));
            if stands
                .is_some_and(|stands| stands.links.iter().all(|id| successor.links.is_shared(*id, &standing.links)))
            {
                successor.netns.share(id, &standing.netns);
            } else {
                let own = identities.netns(netns, &successor);
                successor.netns.insert(id, own);
            }
        }
        for (id, netns) in standing.netns.iter() {
            if !successor.netns.contains_key(&id) {
                successor.gone_netns.insert(id, netns.name.clone());
            }
        }
        for (id, link) in standing.links.iter() {
            if !successor.links.contains_key(&id) {
                successor.gone_links.insert(id, (standing.place_of(id), link.kind.clone()));
            }
        }
        successor
    }

    /// Finds the links over which routes lead that come before others to the same network, which in `wanted` they follow: of such
    /// routes the kernel takes the oldest. Their peers come with them. Only namespaces of `changes` are looked at.
    pub fn too_early(&self, wanted: &Self, changes: &Changes) -> BTreeSet<LinkId> {
        let mut early = BTreeSet::new();
        let netns: BTreeSet<NetnsId> = changes.links().filter_map(|id| Some(wanted.links.get(&id)?.netns)).collect();
        for id in netns {
            let Some(own) = self.netns_by_name.get(&wanted.netns[&id].name) else { continue };
            let mut order: BTreeMap<(IpNet, u32), VecDeque<&LinkName>> = BTreeMap::new();
            for route in wanted.netns[&id].routes.iter().filter(|route| wanted.is_in_order(route)) {
                order.entry((route.destination, route.metric)).or_default().push_back(&wanted.links[&route.link].name);
            }
            order.retain(|_, links| links.len() > 1);
            for route in self.netns[own].routes.iter() {
                let Some(links) = order.get_mut(&(route.destination, route.metric)) else { continue };
                if links.front() == Some(&&self.links[&route.link].name) {
                    links.pop_front();
                } else if self.is_in_order(route) {
                    early.insert(route.link);
                    early.extend(self.peer(route.link));
                }
            }
        }
        early
    }

    /// Tells whether it matters what comes before a route. To a link-local address the link is always told, and `lo` is there for good.
    fn is_in_order(&self, route: &Route) -> bool {
        !is_ipv6_link_local(route.destination.addr()) && self.links[&route.link].kind != Kind::Loopback
    }
}

/// What each object of one network is in another.
struct Identities {
    netns: HashMap<NetnsId, NetnsId>,
    links: HashMap<LinkId, LinkId>,
    next_netns: u32,
    next_link: u32,
}

impl Identities {
    fn of(drawn: &Topology, standing: &Topology, anew: &BTreeSet<LinkId>) -> Self {
        let mut identities = Self {
            netns: HashMap::with_capacity(drawn.netns.len()),
            links: HashMap::with_capacity(drawn.links.len()),
            next_netns: standing.next_netns,
            next_link: standing.next_link,
        };
        for (id, netns) in drawn.netns.iter() {
            let same = standing.netns_by_name.get(&netns.name).copied().unwrap_or_else(|| {
                identities.next_netns += 1;
                NetnsId(identities.next_netns - 1)
            });
            identities.netns.insert(id, same);
        }
        for (id, link) in drawn.links.iter() {
            let same =
                identities.counterpart(drawn, link, standing).filter(|id| !anew.contains(id)).unwrap_or_else(|| {
                    identities.next_link += 1;
                    LinkId(identities.next_link - 1)
                });
            identities.links.insert(id, same);
        }
        identities
    }

    /// Finds the link that stands at the place of one and can become what that is.
    fn counterpart(&self, drawn: &Topology, link: &Link, standing: &Topology) -> Option<LinkId> {
        let at = |link: &Link| standing.netns.get(&self.netns[&link.netns])?.by_name.get(&link.name).copied();
        let id = at(link)?;
        let other = &standing.links[&id];
        let same = match (&link.kind, &other.kind) {
            (Kind::Loopback, Kind::Loopback) | (Kind::Bridge { .. }, Kind::Bridge { .. }) => true,
            (Kind::Veth { peer }, Kind::Veth { peer: other_peer }) => at(&drawn.links[peer]) == Some(*other_peer),
            _ => false,
        };
        (same && link.queues == other.queues && link.mac == other.mac).then_some(id)
    }

    /// Tells whether a link that stays would be in the other network what it is there already.
    fn are_same_link(&self, link: &Link, stands: &Link) -> bool {
        let kind = match (&link.kind, &stands.kind) {
            (Kind::Bridge { ports }, Kind::Bridge { ports: stand }) => {
                ports.iter().map(|port| self.links[port]).eq(stand.iter().copied())
            }
            // A peer at the same place may have to be made anew.
            (Kind::Veth { peer }, Kind::Veth { peer: stands }) => self.links[peer] == *stands,
            _ => true,
        };
        kind && link.up == stands.up
            && mtu(link, Some(stands)) == stands.mtu
            && link.controller.map(|bridge| self.links[&bridge]) == stands.controller
            && link.addresses.are_same(&stands.addresses)
            && (link.ports_by_mtu.iter().map(|(mtu, port)| (*mtu, self.links[port])))
                .eq(stands.ports_by_mtu.iter().copied())
    }

    /// Tells the same of a netns, as far as its links do not tell.
    fn are_same_netns(&self, netns: &Netns, stands: &Netns) -> bool {
        let settings = |netns: &Netns| (netns.forwarding, netns.autoconfiguration, netns.links.len());
        settings(netns) == settings(stands)
            && netns.links.iter().all(|id| stands.links.contains(&self.links[id]))
            && netns.routes.iter().map(|route| self.route(route)).eq(stands.routes.iter().cloned())
    }

    /// Turns a link into what it is in the other network, where `stands` is what it was.
    fn link(&self, link: &Link, stands: Option<&Link>) -> Link {
        let kind = match &link.kind {
            Kind::Loopback => Kind::Loopback,
            Kind::Veth { peer } => Kind::Veth { peer: self.links[peer] },
            Kind::Bridge { ports } => Kind::Bridge { ports: ports.iter().map(|port| self.links[port]).collect() },
        };
        Link {
            netns: self.netns[&link.netns],
            kind,
            mtu: mtu(link, stands),
            controller: link.controller.map(|bridge| self.links[&bridge]),
            ports_by_mtu: link.ports_by_mtu.iter().map(|(mtu, port)| (*mtu, self.links[port])).collect(),
            ..link.clone()
        }
    }

    /// Turns a netns into what it is in the other network, which has its links.
    fn netns(&self, netns: &Netns, other: &Topology) -> Netns {
        let mut own = Netns::new(netns.name.clone());
        (own.forwarding, own.autoconfiguration) = (netns.forwarding, netns.autoconfiguration);
        for id in &netns.links {
            let id = self.links[id];
            let link = &other.links[&id];
            own.join(id, link);
            link.addresses.by_age().for_each(|(age, address)| own.holders.insert(id, age, address.cidr));
        }
        netns.routes.iter().for_each(|route| own.routes.push(self.route(route)));
        own
    }

    fn route(&self, route: &Route) -> Route {
        Route { link: self.links[&route.link], ..route.clone() }
    }
}

/// Returns the MTU of a link in the other network, where `stands` is what it was.
fn mtu(link: &Link, stands: Option<&Link>) -> Mtu {
    let mut mtu = link.mtu;
    mtu.chosen |= stands.is_some_and(|stands| stands.mtu.chosen || !link.is_bridge() && stands.mtu != mtu);
    mtu
}
