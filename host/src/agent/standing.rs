//! The lab as it stands: the model of it, and the kernel's side of each object.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::sys::stat::fstat;

use super::held::Held;
use super::look::Reading;
use super::netns::{self, Made};
use super::rest::{Rest, When};
use super::settle::Restless;
use crate::kernel::{self, Socket};
use crate::plan::Step;
use crate::topology::{Limits, LinkId, LinkName, NetnsId, NetnsName, Ping, Place, Refusal, Topology};

/// A netns in the kernel.
pub(super) struct Node {
    /// The descriptor that keeps it.
    pub(super) netns: Arc<OwnedFd>,
    /// Its inode, as `/proc/PID/ns/net` shows it.
    pub(super) inode: u64,
    /// A socket in it, while it is being built.
    pub(super) socket: Option<Socket>,
    /// Its links get no link-local address by themselves.
    pub(super) quiet: bool,
    /// The socket is kept until all that was begun is done: that of a hub is wanted again and again.
    keeps_socket: bool,
    next_index: u32,
}

impl Node {
    pub(super) fn new(made: Made) -> Self {
        let Made { netns, socket, quiet } = made;
        let inode = fstat(&netns).map_or(0, |stat| stat.st_ino);
        // `lo` has index 1 in every netns.
        Self { inode, netns: Arc::new(netns), keeps_socket: quiet && socket.is_some(), socket, quiet, next_index: 2 }
    }

    /// Chooses the index of a new link, so that it need not be asked for.
    fn take_index(&mut self) -> u32 {
        let index = self.next_index;
        self.next_index += 1;
        index
    }
}

/// The lab as it stands.
pub(super) struct Standing {
    pub(super) topology: Topology,
    pub(super) nodes: HashMap<NetnsId, Node>,
    /// The index of each link in its netns.
    pub(super) indexes: HashMap<LinkId, u32>,
    /// The alias of each link on the host, if that is the machine itself.
    pub(super) mark: Option<String>,
    /// What the lab should be, if that is another network than the model, which is what stands.
    pub(super) should_be: Option<Topology>,
    /// What was changed by hand since the last scenario.
    pub(super) by_hand: Vec<Step>,
    ipv6: bool,
    /// Links on the host have IPv6, if that is the machine itself: it may have turned it off.
    machine_ipv6: bool,
    /// What has come to rest.
    rest: Rest,
}

impl Standing {
    /// Takes the netns that plays the host.
    pub(super) fn new(limits: Limits, host: Made) -> Self {
        Self::begin(&Topology::new(limits), host, None)
    }

    /// Takes the machine's own netns, in which this thread is, as the host. The links there get indexes from `first` on.
    pub(super) fn on_machine(limits: Limits, host: Made, mark: String, first: u32) -> Self {
        let mut standing = Self::begin(&Topology::on_machine(limits), host, Some(mark));
        standing.node(NetnsId::HOST).next_index = first;
        standing.machine_ipv6 = kernel::new_links_have_ipv6();
        standing
    }

    fn begin(topology: &Topology, host: Made, mark: Option<String>) -> Self {
        let mut standing = Self {
            topology: topology.rehearsal(),
            nodes: HashMap::new(),
            indexes: HashMap::new(),
            mark,
            should_be: None,
            by_hand: Vec::new(),
            ipv6: kernel::has_ipv6(),
            machine_ipv6: true,
            rest: Rest::default(),
        };
        standing.hold(NetnsId::HOST, host);
        standing
    }

    /// Returns what the lab should be.
    pub(super) fn should_be(&self) -> &Topology {
        self.should_be.as_ref().unwrap_or(&self.topology)
    }

    /// Chooses no index that somebody else's link was found to have.
    pub(super) fn avoid(&mut self, reading: &Reading) {
        for ((netns, _), (index, _)) in &reading.indexes {
            let Ok(id) = self.topology.find_netns(netns) else { continue };
            if !self.is_machine(id)
                && let Some(node) = self.nodes.get_mut(&id)
            {
                node.next_index = node.next_index.max(index + 1);
            }
        }
    }

    /// Takes a network that was read for the one that stands, with the indexes of its links.
    pub(super) fn take_over(&mut self, actual: Topology, reading: &Reading) {
        self.topology = actual;
        self.avoid(reading);
        let Self { topology, indexes, .. } = self;
        indexes.retain(|id, _| topology.standing(*id).is_some());
        for ((netns, link), (index, _)) in &reading.indexes {
            let Ok(id) = topology.find_netns(netns) else { continue };
            if let Some(link) = LinkName::parse(link).ok().and_then(|link| topology.find_link(id, &link).ok()) {
                indexes.insert(link, *index);
            }
        }
        self.disturb();
    }

    /// Tells whether a netns is the machine's own.
    pub(super) fn is_machine(&self, id: NetnsId) -> bool {
        self.mark.is_some() && id == NetnsId::HOST
    }

    /// Tells whether links in a netns have IPv6.
    pub(super) fn has_ipv6(&self, id: NetnsId) -> bool {
        self.ipv6 && (self.machine_ipv6 || !self.is_machine(id))
    }

    /// Counts the namespaces that the lab has made.
    pub(super) fn own_netns(&self) -> u64 {
        let machine = usize::from(self.mark.is_some());
        (self.nodes.len() - machine) as u64
    }

    /// Lists every netns, the host first.
    pub(super) fn all_held(&self) -> Vec<Held> {
        self.topology.list_netns().map(|(id, _)| self.held(id)).collect()
    }

    /// Notes that something is being changed, after which links and addresses need a moment.
    pub(super) fn disturb(&mut self) {
        self.rest.disturb_everything();
    }

    /// Notes that steps, which the model has done, change one netns of a lab that stands.
    pub(super) fn disturb_by(&mut self, netns: NetnsId, steps: &[Step]) {
        self.rest.disturb_by(&self.topology, netns, steps);
    }

    /// Lists what must come to rest before these pings, and has not since the last change. Tells when that was asked.
    pub(super) fn restless(&mut self, pings: &[Ping]) -> (Vec<Restless>, When) {
        let restless = self.rest.restless(&self.topology, pings);
        let index_of = |link: &LinkId| self.indexes.get(link).copied();
        let indexes = |links: BTreeSet<LinkId>| links.iter().filter_map(index_of).collect();
        let restless = restless.into_iter().map(|(id, links)| (self.held(id), links.map(indexes))).collect();
        (restless, self.rest.now())
    }

    /// Notes that these have come to rest.
    pub(super) fn has_rested(&mut self, rested: &[Restless], ipv6: bool, when: When) {
        let ids = rested.iter().filter_map(|(held, _)| self.topology.find_netns(&held.name).ok());
        self.rest.has_rested(ids, ipv6, when);
    }

    /// Returns a netns that stands for other threads to look at.
    pub(super) fn held(&self, id: NetnsId) -> Held {
        let indexes = || self.topology.links_of(id).filter_map(|link| self.indexes.get(&link).copied()).collect();
        let own = self.is_machine(id).then(indexes).map(Arc::new);
        let autoconfiguration = self.topology.is_autoconfigured(id);
        Held { name: self.topology.netns_name(id), netns: self.nodes[&id].netns.clone(), own, autoconfiguration }
    }

    /// Takes a new netns, with its `lo`.
    pub(super) fn hold(&mut self, id: NetnsId, made: Made) {
        self.nodes.insert(id, Node::new(made));
        if let Ok(lo) = self.topology.find_link(id, &LinkName::lo()) {
            self.indexes.insert(lo, 1);
        }
    }

    /// Removes a netns by playing that step on the model, with what the kernel removes along with it: its links and their peers.
    pub(super) fn remove_netns(&mut self, id: NetnsId, step: &Step) -> Result<(), Refusal> {
        let links: Vec<LinkId> = self.topology.links_of(id).collect();
        let peers: Vec<LinkId> = links.iter().filter_map(|link| self.topology.peer(*link).ok()).collect();
        step.play(&mut self.topology)?;
        for link in links.iter().chain(&peers) {
            self.indexes.remove(link);
        }
        self.nodes.remove(&id);
        self.rest.disturb_netns(id);
        Ok(())
    }

    pub(super) fn node(&mut self, id: NetnsId) -> &mut Node {
        self.nodes.get_mut(&id).expect("every netns of the model has its node")
    }

    /// Gives a link that the model has its index and notes it.
    pub(super) fn add_index(&mut self, id: LinkId, netns: NetnsId) -> u32 {
        let index = self.node(netns).take_index();
        self.indexes.insert(id, index);
        index
    }

    pub(super) fn index(&self, id: LinkId) -> u32 {
        *self.indexes.get(&id).expect("every link of the model has its index")
    }

    /// Finds a link by its place.
    pub(super) fn find(&self, place: &Place) -> Result<(LinkId, NetnsId), Refusal> {
        let netns = self.topology.find_netns(&place.netns)?;
        Ok((self.topology.find_link(netns, &place.link)?, netns))
    }

    /// Finds a netns by its name.
    pub(super) fn find_held(&self, name: &NetnsName) -> Result<Held, Refusal> {
        Ok(self.held(self.topology.find_netns(name)?))
    }

    /// Closes a socket that may not be wanted again soon: one a netns would double the descriptors of a large lab.
    pub(super) fn spare_socket(&mut self, id: NetnsId) {
        if let Some(node) = self.nodes.get_mut(&id)
            && !node.keeps_socket
        {
            node.socket = None;
        }
    }

    /// Closes the sockets that were left open: between applies a netns costs one descriptor.
    pub(super) fn close_sockets(&mut self) {
        for node in self.nodes.values_mut() {
            node.socket = None;
        }
    }

    /// Returns a socket in a netns. Only on a thread that may change its netns.
    pub(super) fn socket(&mut self, id: NetnsId) -> io::Result<&Socket> {
        let node = self.node(id);
        if node.socket.is_none() {
            netns::enter(&node.netns)?;
            node.socket = Some(Socket::open()?);
        }
        Ok(node.socket.as_ref().expect("opened above"))
    }
}
