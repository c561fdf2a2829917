//! What has changed in a network, so that what follows from it costs no more than that.

use std::collections::{BTreeSet, HashSet};

use super::{Link, LinkId, Netns, NetnsId, Route, Topology};

/// The namespaces and links that may have changed. A link counts with its addresses and the routes over it.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    netns: BTreeSet<NetnsId>,
    links: BTreeSet<(NetnsId, LinkId)>,
}

impl Changes {
    /// Takes all that is in either network as changed.
    pub fn between(one: &Topology, other: &Topology) -> Self {
        let netns = [one, other].into_iter().flat_map(|network| network.list_netns().map(|(id, _)| id));
        let links = [one, other].into_iter().flat_map(|network| network.list_links());
        Self { netns: netns.collect(), links: links.map(|(id, link)| (link.netns, id)).collect() }
    }

    /// Takes what is not the same in two networks as changed. An object that has the same identity in both is the same object.
    pub fn differing(one: &Topology, other: &Topology) -> Self {
        let mut changes = Self::default();
        let settings = |netns: &Netns| (netns.forwarding, netns.autoconfiguration);
        let is_shared = |id: NetnsId| one.netns.is_shared(id, &other.netns);
        for (id, netns) in other.netns.iter().filter(|(id, _)| !is_shared(*id)) {
            match one.netns.get(&id) {
                Some(before) if settings(before) == settings(netns) => changes.note_moved_routes(id, before, netns),
                _ => changes.note_netns(id),
            }
        }
        one.netns.keys().filter(|id| !other.netns.contains_key(id)).for_each(|id| changes.note_netns(*id));
        let is_same_object = |id, link: &Link| is_shared(link.netns) && one.links.is_shared(id, &other.links);
        for (id, link) in other.links.iter().filter(|(id, link)| !is_same_object(*id, link)) {
            if one.links.get(&id).is_none_or(|before| !is_same(one, before, other, link, id)) {
                changes.note_link(link.netns, id);
            }
        }
        for (id, link) in one.links.iter().filter(|(id, _)| !other.links.contains_key(id)) {
            changes.note_link(link.netns, id);
        }
        changes
    }

    /// Notes the links whose routes come in another order among those to the same destinations.
    fn note_moved_routes(&mut self, id: NetnsId, before: &Netns, now: &Netns) {
        let key = |route: &Route| (route.destination, route.metric, route.link);
        let both: HashSet<_> = before.routes.iter().map(key).collect();
        let after: HashSet<_> = now.routes.iter().map(key).filter(|key| both.contains(key)).collect();
        let before = before.routes.iter().map(key).filter(|key| after.contains(key));
        let now = now.routes.iter().map(key).filter(|key| after.contains(key));
        for (_, (.., link)) in before.zip(now).filter(|(before, now)| before != now) {
            self.note_link(id, link);
        }
    }

    pub(super) fn note_netns(&mut self, id: NetnsId) {
        self.netns.insert(id);
    }

    /// Notes a link with the netns that it is in.
    pub(super) fn note_link(&mut self, netns: NetnsId, id: LinkId) {
        self.links.insert((netns, id));
    }

    /// Takes back that a link was noted in a netns. One that moves is noted where it arrives, and nowhere else: however often it
    /// does, it is noted once.
    pub(super) fn forget_link(&mut self, netns: NetnsId, id: LinkId) {
        self.links.remove(&(netns, id));
    }

    /// Tells whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.netns.is_empty() && self.links.is_empty()
    }

    /// Lists the namespaces that were added or removed, or of which a setting changed.
    pub fn netns(&self) -> impl Iterator<Item = NetnsId> {
        self.netns.iter().copied()
    }

    /// Lists the links that changed, also what has gone. One that moved may come more than once.
    pub fn links(&self) -> impl Iterator<Item = LinkId> {
        self.links.iter().map(|(_, link)| *link)
    }

    /// Lists those of them that are in a netns, or were.
    pub fn links_of(&self, netns: NetnsId) -> impl Iterator<Item = LinkId> {
        self.links.range((netns, LinkId(0))..=(netns, LinkId(u32::MAX))).map(|(_, link)| *link)
    }
}

/// Tells whether a link is the same in two networks, with its addresses and the routes over it.
fn is_same(one: &Topology, before: &Link, other: &Topology, now: &Link, id: LinkId) -> bool {
    let fields = |link: &Link| (link.netns, link.up, link.mtu, link.mac, link.queues, link.controller);
    before.name == now.name
        && fields(before) == fields(now)
        && before.addresses.are_same(&now.addresses)
        && one
            .routes_of(before.netns)
            .over(id)
            .map(|(_, route)| route)
            .eq(other.routes_of(now.netns).over(id).map(|(_, route)| route))
}

impl Topology {
    /// Returns what has changed since the network was made, or since `take_changes`.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Returns what has changed, and begins anew.
    pub fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// Makes this network the other one, of which it was a copy before `changes` there and its own here.
    ///
    /// So what was tried on a copy is undone, or what was played on it gets the identities that it has in the other.
    pub fn catch_up(&mut self, other: &Self, changes: &Changes) {
        let own = self.take_changes();
        let links: BTreeSet<LinkId> = own.links().chain(changes.links()).collect();
        let netns: BTreeSet<NetnsId> = own.netns().chain(changes.netns()).collect();
        for id in &links {
            self.take_out(*id);
        }
        for id in &netns {
            if let Some(name) = self.netns.get(id).map(|netns| netns.name.clone()) {
                self.netns_by_name.remove(&name);
            }
        }
        for id in &netns {
            self.copy_netns(other, *id);
        }
        for id in &links {
            self.copy_link(other, *id);
        }
        self.next_netns = other.next_netns;
        self.next_link = other.next_link;
        self.counted = other.counted;
        self.index.take();
    }

    /// Takes a link out with all that is known of it, and leaves the others as they are.
    pub(super) fn take_out(&mut self, id: LinkId) {
        self.gone_links.remove(&id);
        let Some(link) = self.links.remove(&id) else { return };
        let home = self.netns.get_mut(&link.netns).expect("a link's netns stands as long as the link");
        let ranks: Vec<_> = home.routes.over(id).map(|(rank, _)| rank).collect();
        for rank in ranks {
            home.routes.remove(rank);
        }
        link.addresses.by_age().for_each(|(age, address)| home.holders.remove(id, age, address.cidr));
        home.leave(id, &link);
    }

    fn copy_netns(&mut self, other: &Self, id: NetnsId) {
        self.gone_netns.remove(&id);
        let Some(netns) = other.netns.get(&id) else {
            self.netns.remove(&id);
            self.gone_netns.extend(other.gone_netns.get(&id).map(|name| (id, name.clone())));
            return;
        };
        self.netns_by_name.insert(netns.name.clone(), id);
        let own = self.netns.get_or_insert_with(id, || Netns::new(netns.name.clone()));
        own.name.clone_from(&netns.name);
        (own.forwarding, own.autoconfiguration) = (netns.forwarding, netns.autoconfiguration);
    }

    fn copy_link(&mut self, other: &Self, id: LinkId) {
        let Some(link) = other.links.get(&id) else {
            self.gone_links.extend(other.gone_links.get(&id).map(|gone| (id, gone.clone())));
            return;
        };
        let home = self.netns.get_mut(&link.netns).expect("it was copied before");
        home.join(id, link);
        link.addresses.by_age().for_each(|(age, address)| home.holders.insert(id, age, address.cidr));
        for (rank, route) in other.netns[&link.netns].routes.over(id) {
            home.routes.put(rank, route.clone());
        }
        self.links.insert(id, link.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{Kind, Limits, LinkName, MacAddress, NetnsName};

    /// A bridge and a pair, whose end gets its address before it comes up, with its link-local one, or behind.
    fn drawn(address_first: bool) -> Topology {
        let mut network = Topology::new(Limits::default());
        let [bridge, x, y] = ["br0", "x", "y"].map(|name| LinkName::parse(name).unwrap());
        network.add_bridge(NetnsId::HOST, bridge).unwrap();
        let a = network.add_netns(NetnsName::parse("a").unwrap()).unwrap();
        let (end, _) = network.add_veth(a, x, NetnsId::HOST, y).unwrap();
        let address = "10.0.0.1/24".parse().unwrap();
        if address_first {
            network.add_address(end, address).unwrap();
        }
        network.set_up(end).unwrap();
        if !address_first {
            network.add_address(end, address).unwrap();
        }
        network
    }

    #[test]
    fn order_of_addresses_of_different_families_is_no_difference() {
        let (standing, anew) = (drawn(true), drawn(false));
        let successor = anew.succeeding(&standing, &BTreeSet::new());
        assert!(Changes::differing(&standing, &successor).is_empty());
        let ages = |network: &Topology| {
            network.list_links().flat_map(|(_, link)| link.addresses.iter().copied()).collect::<Vec<_>>()
        };
        assert_ne!(ages(&standing), ages(&anew), "the two were drawn differently");
    }

    #[test]
    fn peer_of_a_link_that_is_made_anew_is_none_that_stands() {
        let (mut standing, drawn) = (drawn(true), drawn(true));
        let (id, _) = standing.list_links().find(|(_, link)| link.name.as_str() == "x").unwrap();
        standing.link_mut(id).mac = MacAddress::ZERO;
        let successor = drawn.succeeding(&standing, &BTreeSet::new());
        for (id, link) in successor.list_links() {
            if let Kind::Veth { peer } = link.kind {
                assert!(successor.peer(peer).is_ok_and(|other| other == id), "{}", link.name);
            }
        }
    }

    #[test]
    fn copy_that_changes_leaves_the_other_as_it_was() {
        let standing = drawn(true);
        let mut copy = standing.clone();
        let (id, _) = standing.list_links().last().unwrap();
        copy.set_mtu(id, 1400).unwrap();
        assert_eq!(standing.standing(id).unwrap().mtu.bytes, 1500);
        let noted = Changes::differing(&standing, &copy);
        assert_eq!(noted.links().collect::<Vec<_>>(), [id]);
    }

    #[test]
    fn link_that_moves_again_and_again_is_noted_once() {
        let mut network = Topology::new(Limits::default());
        let [a, b] = ["a", "b"].map(|name| network.add_netns(NetnsName::parse(name).unwrap()).unwrap());
        let [x, y] = ["x", "y"].map(|name| LinkName::parse(name).unwrap());
        let (link, _) = network.add_veth(NetnsId::HOST, x, NetnsId::HOST, y).unwrap();
        network.take_changes();
        for target in [a, b, a, b] {
            network.set_netns(link, target).unwrap();
        }
        assert_eq!(network.changes().links().filter(|id| *id == link).count(), 1);
        assert_eq!(network.changes().links_of(b).collect::<Vec<_>>(), [link]);
    }
}
