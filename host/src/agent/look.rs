//! Reading the lab from the kernel.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;

use super::held::Held;
use super::netns::{enter, on_a_visit};
use crate::kernel::{self, RawLink, RawNetns, Socket};
use crate::topology::{NetnsId, NetnsName, Topology, observed};

/// Reads one netns, without the peers of its veths.
pub(super) fn observe(netns: &Held) -> io::Result<Vec<observed::Netns>> {
    on_a_visit(|| {
        let RawNetns { links, routes, forwarding } = read(netns)?;
        let links = links.into_iter().map(|raw| raw.link).collect();
        let (name, autoconfiguration) = (netns.name.clone(), netns.autoconfiguration);
        Ok(vec![observed::Netns { name, links, routes, forwarding, autoconfiguration }])
    })
}

/// Where the other end of each veth should be: from netns and name to netns, as places in the lab.
pub(super) type Expected = HashMap<(usize, String), usize>;

/// Finds where the other ends of veths should be, among these namespaces.
pub(super) fn expected(topology: &Topology, lab: &[Held]) -> Expected {
    let at: HashMap<&NetnsName, usize> = lab.iter().enumerate().map(|(at, held)| (&held.name, at)).collect();
    let place = |id: NetnsId| at.get(&topology.netns(id, String::new).ok()?.name).copied();
    let of_netns = lab.iter().filter_map(|held| topology.find_netns(&held.name).ok());
    let ends = of_netns.flat_map(|netns| topology.links_of(netns)).filter_map(|id| {
        let (link, peer) = (topology.standing(id)?, topology.standing(topology.peer(id).ok()?)?);
        Some(((place(link.netns)?, link.name.to_string()), place(peer.netns)?))
    });
    ends.collect()
}

/// What was read of some namespaces.
pub(super) struct Reading {
    pub(super) netns: Vec<observed::Netns>,
    /// The index and the MAC address of each link, by netns and name.
    pub(super) indexes: HashMap<(NetnsName, String), (u32, String)>,
}

/// Reads namespaces, and finds the other end of each veth if it is in one of them. They are the `whole` lab, or not.
pub(super) fn read_all(lab: &[Held], expected: &Expected, whole: bool) -> io::Result<Reading> {
    on_a_visit(|| {
        let read: Vec<RawNetns> = lab.iter().map(read).collect::<io::Result<_>>()?;
        let ends = Ends::new(&read, expected, whole);
        let mut observed = Vec::with_capacity(read.len());
        let mut indexes = HashMap::new();
        for (at, raw) in read.iter().enumerate() {
            let mut numbers = Numbers { netns: &lab[at], known: HashMap::new(), socket: None };
            let mut links = Vec::with_capacity(raw.links.len());
            for raw in &raw.links {
                let peer = ends.find(at, raw, lab, &mut numbers)?;
                let peer =
                    peer.map(|(other, link)| observed::Peer { netns: lab[other].name.clone(), link: link.to_owned() });
                let place = (lab[at].name.clone(), raw.link.name.clone());
                indexes.insert(place, (raw.index, raw.link.mac.clone()));
                links.push(observed::Link { peer, ..raw.link.clone() });
            }
            let (Held { name, autoconfiguration, .. }, RawNetns { routes, forwarding, .. }) = (&lab[at], raw);
            observed.push(observed::Netns {
                name: name.clone(),
                links,
                routes: routes.clone(),
                forwarding: *forwarding,
                autoconfiguration: *autoconfiguration,
            });
        }
        Ok(Reading { netns: observed, indexes })
    })
}

/// Reads a netns. Of the machine's own only what the lab has there, and of `lo` only what every `lo` has.
fn read(netns: &Held) -> io::Result<RawNetns> {
    enter(netns)?;
    let mut raw = kernel::observe(&Socket::open()?)?;
    if netns.own.is_some() {
        raw.links.retain(|link| netns.counts(link.index));
        for lo in raw.links.iter_mut().filter(|link| link.link.kind == "loopback") {
            lo.link.addresses.retain(|address| address.scope == "host" && address.cidr.addr().is_loopback());
        }
        let names: Vec<&str> = raw.links.iter().map(|link| link.link.name.as_str()).collect();
        raw.routes.retain(|route| route.link.as_deref().is_some_and(|link| link != "lo" && names.contains(&link)));
        raw.forwarding = false;
    }
    Ok(raw)
}

/// The ends of all veths by their own index and their peer's, with the place in the lab and the name.
struct Ends<'a> {
    ends: HashMap<(u32, u32), Vec<(usize, &'a str)>>,
    expected: &'a Expected,
    /// No end is where nobody has looked.
    whole: bool,
}

impl<'a> Ends<'a> {
    fn new(read: &'a [RawNetns], expected: &'a Expected, whole: bool) -> Self {
        let mut ends: HashMap<(u32, u32), Vec<(usize, &str)>> = HashMap::new();
        for (at, raw) in read.iter().enumerate() {
            for link in &raw.links {
                if let Some((peer, _)) = link.peer {
                    ends.entry((link.index, peer)).or_default().push((at, &link.link.name));
                }
            }
        }
        Self { ends, expected, whole }
    }

    /// Finds the other end of a veth: the link whose two indexes are this one's the other way round. Where several are, as each
    /// netns counts its own, the number by which this netns knows theirs decides; the one that should be it is tried first.
    fn find(
        &self,
        at: usize,
        link: &RawLink,
        lab: &[Held],
        numbers: &mut Numbers<'_>,
    ) -> io::Result<Option<(usize, &'a str)>> {
        let Some((peer, number)) = link.peer else { return Ok(None) };
        let candidates = self.ends.get(&(peer, link.index)).map(Vec::as_slice).unwrap_or_default();
        Ok(match (number, candidates) {
            (None, _) => candidates.iter().find(|(other, _)| *other == at).copied(),
            (Some(_), [only]) if self.whole => Some(*only),
            (Some(number), several) => {
                let expected = self.expected.get(&(at, link.link.name.clone())).copied();
                let is_expected = |(other, _): &&(usize, &str)| Some(*other) == expected;
                let first = several.iter().filter(is_expected);
                let rest = several.iter().filter(|candidate| !is_expected(candidate) && candidate.0 != at);
                let mut found = None;
                for candidate in first.chain(rest) {
                    if numbers.of(candidate.0, lab)? == Some(number) {
                        found = Some(*candidate);
                        break;
                    }
                }
                found
            }
        })
    }
}

/// The numbers by which one netns knows others, asked for at most once each.
struct Numbers<'a> {
    netns: &'a Held,
    known: HashMap<usize, Option<i32>>,
    socket: Option<Socket>,
}

impl Numbers<'_> {
    fn of(&mut self, other: usize, lab: &[Held]) -> io::Result<Option<i32>> {
        if let Some(known) = self.known.get(&other) {
            return Ok(*known);
        }
        if self.socket.is_none() {
            enter(self.netns)?;
            self.socket = Some(Socket::open()?);
        }
        let socket = self.socket.as_ref().expect("opened above");
        let number = kernel::nsid_of(socket, lab[other].as_fd())?;
        self.known.insert(other, number);
        Ok(number)
    }
}
