//! What is asked again and again of one network: which links are in one segment, and who has which address.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::slice;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::topology::view::ipv4_list;
use crate::topology::{Address, Kind, Link, LinkId, NetnsId, Topology};

/// Where frames of one link reach all others.
pub(super) type Segment = usize;

/// An index of one network, made when it is first asked for.
#[derive(Debug, Default)]
pub(in crate::topology) struct Index {
    /// The segment of each link that is up.
    segments: HashMap<LinkId, Segment>,
    /// The segments in which frames go round.
    loops: HashSet<Segment>,
    /// The links of a segment by which a netns takes packets: no ports, as a port leaves that to its bridge.
    doors: HashMap<(Segment, NetnsId), Vec<LinkId>>,
    /// The links that have an address, those of the kernel's own loopback addresses left out.
    holders: HashMap<IpAddr, Vec<LinkId>>,
    /// The addresses of each netns with their links.
    own: HashMap<(NetnsId, IpAddr), Vec<LinkId>>,
    /// The broadcast addresses of each netns with their links.
    broadcast: HashMap<(NetnsId, Ipv4Addr), LinkId>,
    /// The IPv4 networks of each `lo`: all of their addresses are the netns's own.
    loopback: HashMap<NetnsId, Vec<Ipv4Net>>,
    /// The same networks of all namespaces together, `127.0.0.0/8` left out.
    behind_loopback: Vec<(Ipv4Net, NetnsId)>,
    /// The links of forwarding namespaces with a network of which this is the subnet-router anycast address.
    anycast: HashMap<Ipv6Addr, Vec<LinkId>>,
}

impl Index {
    pub(super) fn new(topology: &Topology) -> Self {
        let mut index = Self::default();
        for (id, link) in topology.list_links() {
            if link.up && !index.segments.contains_key(&id) {
                let segment = index.segments.len();
                index.explore(topology, id, segment);
            }
            index.add_addresses(topology, id, link);
        }
        index
    }

    /// Adds all links that frames of one reach.
    fn explore(&mut self, topology: &Topology, from: LinkId, segment: Segment) {
        let mut left = vec![from];
        // Two ends for each way between two links.
        let (mut links, mut ends) = (0, 0);
        while let Some(id) = left.pop() {
            let link = &topology.links[&id];
            if self.segments.insert(id, segment).is_some() {
                continue;
            }
            if link.controller.is_none() {
                self.doors.entry((segment, link.netns)).or_default().push(id);
            }
            let joined = match &link.kind {
                Kind::Loopback => &[],
                Kind::Veth { peer } => slice::from_ref(peer),
                Kind::Bridge { ports } => ports.as_slice(),
            };
            let before = left.len();
            left.extend(joined.iter().chain(&link.controller).filter(|other| topology.links[other].up));
            links += 1;
            ends += left.len() - before;
        }
        // A tree has one way less than it has links.
        if ends / 2 >= links {
            self.loops.insert(segment);
        }
    }

    fn add_addresses(&mut self, topology: &Topology, id: LinkId, link: &Link) {
        let netns = link.netns;
        for address in &link.addresses {
            let ip = address.cidr.addr();
            self.own.entry((netns, ip)).or_default().push(id);
            if !(address.automatic && link.kind == Kind::Loopback) {
                self.holders.entry(ip).or_default().push(id);
            }
            if let IpNet::V6(cidr) = address.cidr
                && let Some(anycast) = anycast(cidr)
                && topology.netns[&netns].forwarding
            {
                self.anycast.entry(anycast).or_default().push(id);
            }
        }
        // As `fib_add_ifaddr`: a primary address brings these, unless its network begins with `0.0.0.0`. Set down, `lo` keeps the
        // network that came with it, without the broadcast address.
        for (cidr, secondary) in ipv4_list(&link.addresses) {
            if secondary || cidr.network().is_unspecified() {
                continue;
            }
            let came_with_lo = |held: &Address| held.automatic && held.cidr == IpNet::V4(cidr);
            let stays = link.up || link.addresses.iter().any(came_with_lo);
            if link.kind == Kind::Loopback && cidr.prefix_len() < 32 && stays {
                self.loopback.entry(netns).or_default().push(cidr.trunc());
                if !cidr.addr().is_loopback() {
                    self.behind_loopback.push((cidr.trunc(), netns));
                }
            }
            if link.up && cidr.prefix_len() < 31 {
                self.broadcast.entry((netns, cidr.broadcast())).or_insert(id);
            }
        }
    }

    /// Returns the segment of a link that is up.
    pub(super) fn segment(&self, link: LinkId) -> Option<Segment> {
        self.segments.get(&link).copied()
    }

    /// Tells whether frames go round in the segment of a link.
    pub(super) fn is_in_loop(&self, link: LinkId) -> bool {
        self.segment(link).is_some_and(|segment| self.loops.contains(&segment))
    }

    /// Returns the links by which a netns takes packets from a segment.
    pub(super) fn doors(&self, segment: Segment, netns: NetnsId) -> &[LinkId] {
        self.doors.get(&(segment, netns)).map_or(&[], Vec::as_slice)
    }

    /// Returns the links that have an address, wherever they are.
    pub(super) fn holders(&self, address: IpAddr) -> &[LinkId] {
        self.holders.get(&address).map_or(&[], Vec::as_slice)
    }

    /// Returns the links of a netns that have an address.
    pub(super) fn own(&self, netns: NetnsId, address: IpAddr) -> &[LinkId] {
        self.own.get(&(netns, address)).map_or(&[], Vec::as_slice)
    }

    /// Returns the link whose broadcast address this is in a netns.
    pub(super) fn broadcast(&self, netns: NetnsId, address: Ipv4Addr) -> Option<LinkId> {
        self.broadcast.get(&(netns, address)).copied()
    }

    /// Returns the length of the longest network of `lo` with an address.
    pub(super) fn loopback(&self, netns: NetnsId, address: Ipv4Addr) -> Option<u8> {
        let networks = self.loopback.get(&netns)?.iter();
        networks.filter(|network| network.contains(&address)).map(Ipv4Net::prefix_len).max()
    }

    /// Returns the namespaces in which an address is one of a network of `lo`.
    pub(super) fn behind_loopback(&self, address: Ipv4Addr) -> impl Iterator<Item = NetnsId> {
        self.behind_loopback.iter().filter(move |(network, _)| network.contains(&address)).map(|(_, netns)| *netns)
    }

    /// Returns the links of routers with a network of which this is the anycast address.
    pub(super) fn anycast(&self, address: Ipv6Addr) -> &[LinkId] {
        self.anycast.get(&address).map_or(&[], Vec::as_slice)
    }
}

/// Returns the subnet-router anycast address that a router has with an address (RFC 4291, section 2.6.1).
fn anycast(cidr: Ipv6Net) -> Option<Ipv6Addr> {
    let address = cidr.network();
    (cidr.prefix_len() < 127 && !address.is_unspecified()).then_some(address)
}
