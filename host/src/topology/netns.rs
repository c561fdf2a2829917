//! Network namespaces, as `ip netns` knows them.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::addresses::Holders;
use super::{
    Errno, Kind, Limits, Link, LinkId, LinkLocal, LinkName, NetnsId, NetnsName, Place, Refusal, Table, Topology,
};

/// One network namespace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Netns {
    /// Its name.
    pub name: NetnsName,
    /// Its links in the order they were added, `lo` first.
    pub links: BTreeSet<LinkId>,
    /// Its main table.
    pub routes: Table,
    /// It forwards packets that are not for itself.
    pub forwarding: bool,
    /// The kernel configures the IPv6 of its links by itself.
    pub autoconfiguration: bool,
    pub(super) by_name: HashMap<LinkName, LinkId>,
    /// How many of its links are bridges.
    pub(super) bridges: usize,
    /// Who has which of its addresses.
    pub(super) holders: Holders,
}

impl Netns {
    pub(super) fn new(name: NetnsName) -> Self {
        Self {
            name,
            links: BTreeSet::new(),
            routes: Table::default(),
            forwarding: false,
            autoconfiguration: false,
            by_name: HashMap::new(),
            bridges: 0,
            holders: Holders::default(),
        }
    }

    /// Takes a link in.
    pub(super) fn join(&mut self, id: LinkId, link: &Link) {
        self.links.insert(id);
        self.by_name.insert(link.name.clone(), id);
        self.bridges += usize::from(link.is_bridge());
    }

    /// Lets a link go.
    pub(super) fn leave(&mut self, id: LinkId, link: &Link) {
        self.links.remove(&id);
        self.by_name.remove(&link.name);
        self.bridges -= usize::from(link.is_bridge());
    }
}

impl Topology {
    pub(super) fn insert_netns(&mut self, name: NetnsName) -> NetnsId {
        let id = NetnsId(self.next_netns);
        self.next_netns += 1;
        self.netns_by_name.insert(name.clone(), id);
        self.netns.insert(id, Netns::new(name));
        self.changes.note_netns(id);
        self.insert_link(id, LinkName::lo(), Kind::Loopback);
        id
    }

    /// Adds a netns with `lo`, down. Like `ip netns add NAME`.
    pub fn add_netns(&mut self, name: NetnsName) -> Result<NetnsId, Refusal> {
        let act = || format!("add netns `{name}`");
        if name.is_host() {
            return Err(Refusal::invalid(act(), "`host` is the netns that plays the host"));
        }
        if self.netns_by_name.contains_key(&name) {
            return Err(Refusal::new(Errno::EEXIST, act(), "the lab has one of that name"));
        }
        if self.netns.len() > self.limits.netns {
            return Err(Refusal::limit(act(), self.limits.netns, "namespaces", "--max-netns"));
        }
        let ever = Limits::ever(self.limits.netns);
        if self.link_local == LinkLocal::Automatic && self.next_netns as usize > ever {
            return Err(Refusal::limit(act(), ever, "namespaces in all, removed ones included", "--max-netns"));
        }
        self.changed();
        Ok(self.insert_netns(name))
    }

    /// Removes a netns with its links; a veth peer elsewhere goes too. Like `ip netns del NAME`.
    pub fn remove_netns(&mut self, id: NetnsId) -> Result<(), Refusal> {
        let name = self.netns_name(id);
        let act = || format!("remove netns `{name}`");
        if id == NetnsId::HOST {
            return Err(Refusal::invalid(act(), "the host can't be removed"));
        }
        let links: Vec<LinkId> = self.netns(id, act)?.links.iter().copied().collect();
        for link in links {
            self.drop_link(link);
        }
        self.netns.remove(&id);
        self.netns_by_name.remove(&name);
        self.gone_netns.insert(id, name);
        self.changes.note_netns(id);
        self.changed();
        Ok(())
    }

    /// Has a netns forward packets, or stop doing so. Like `sysctl net.ipv4.ip_forward=1` in it, and the same for IPv6.
    pub fn set_forwarding(&mut self, id: NetnsId, on: bool) -> Result<(), Refusal> {
        let verb = if on { "have" } else { "stop" };
        let act = || format!("{verb} netns `{}` forwarding", self.netns_name(id));
        self.netns(id, act)?;
        self.may_set(id, act)?;
        self.netns_mut(id).forwarding = on;
        self.changes.note_netns(id);
        self.changed();
        Ok(())
    }

    /// Finds a netns by its name.
    pub fn find_netns(&self, name: &NetnsName) -> Result<NetnsId, Refusal> {
        self.netns_by_name
            .get(name)
            .copied()
            .ok_or_else(|| Refusal::new(Errno::ENOENT, format!("get netns `{name}`"), "the lab has none of that name"))
    }

    /// Lists every netns in the order they were added, the host first.
    pub fn list_netns(&self) -> impl Iterator<Item = (NetnsId, &Netns)> {
        self.netns.iter()
    }

    /// Returns the name of a netns, or the one that it had before it went.
    pub fn netns_name(&self, id: NetnsId) -> NetnsName {
        match self.netns.get(&id) {
            Some(netns) => netns.name.clone(),
            None => self.gone_netns[&id].clone(),
        }
    }

    /// Tells whether a netns stands.
    pub fn has_netns(&self, id: NetnsId) -> bool {
        self.netns.contains_key(&id)
    }

    /// Tells whether a netns that stands has a bridge.
    pub fn has_bridge(&self, id: NetnsId) -> bool {
        self.netns[&id].bridges > 0
    }

    /// Lists the links of a netns that stands, in the order they were added, `lo` first.
    pub fn links_of(&self, id: NetnsId) -> impl Iterator<Item = LinkId> {
        self.netns[&id].links.iter().copied()
    }

    /// Returns the main table of a netns that stands.
    pub fn routes_of(&self, id: NetnsId) -> &Table {
        &self.netns[&id].routes
    }

    /// Returns a netns, or the refusal to do `act` because it has gone.
    pub fn netns(&self, id: NetnsId, act: impl FnOnce() -> String) -> Result<&Netns, Refusal> {
        self.netns
            .get(&id)
            .ok_or_else(|| Refusal::new(Errno::ENOENT, act(), format!("netns `{}` has gone", self.gone_netns[&id])))
    }

    pub(super) fn netns_mut(&mut self, id: NetnsId) -> &mut Netns {
        self.netns.get_mut(&id).expect("a link's netns stands as long as the link")
    }

    pub(super) fn place(&self, netns: NetnsId, link: LinkName) -> Place {
        Place { netns: self.netns_name(netns), link }
    }
}
