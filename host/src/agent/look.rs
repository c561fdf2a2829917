//! Questions to the kernel about the lab.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use super::netns::{enter, on_a_visit};
use crate::kernel::{self, RawLink, RawNetns, Socket};
use crate::topology::{NetnsName, observed};

/// Reads namespaces, and finds the other end of each veth in all of `lab`.
pub(super) fn observe(wanted: &[NetnsName], lab: &[(NetnsName, Arc<OwnedFd>)]) -> io::Result<Vec<observed::Netns>> {
    on_a_visit(|| {
        // The peers of one netns may be anywhere; a look at one netns with no veth elsewhere stays there.
        let mut read: Vec<(usize, RawNetns, Socket)> = Vec::new();
        for (at, (name, netns)) in lab.iter().enumerate() {
            if wanted.len() == lab.len() || wanted.contains(name) {
                read.push(look(at, netns)?);
            }
        }
        let abroad = |raw: &RawLink| matches!(raw.peer, Some((_, Some(_))));
        if wanted.len() < lab.len() && read.iter().any(|(_, raw, _)| raw.links.iter().any(abroad)) {
            let known: Vec<usize> = read.iter().map(|(at, ..)| *at).collect();
            for (at, (_, netns)) in lab.iter().enumerate().filter(|(at, _)| !known.contains(at)) {
                read.push(look(at, netns)?);
            }
        }
        let mut ends: HashMap<(u32, u32), Vec<(usize, String)>> = HashMap::new();
        for (at, raw, _) in &read {
            for link in &raw.links {
                if let Some((peer, _)) = link.peer {
                    ends.entry((link.index, peer)).or_default().push((*at, link.link.name.clone()));
                }
            }
        }
        let mut observed = Vec::new();
        for (at, raw, socket) in read {
            if !wanted.contains(&lab[at].0) {
                continue;
            }
            let mut links = Vec::with_capacity(raw.links.len());
            for mut link in raw.links {
                link.link.peer = find_peer(at, &link, &ends, &socket, lab)?;
                links.push(link.link);
            }
            observed.push(observed::Netns { name: lab[at].0.clone(), links, routes: raw.routes });
        }
        Ok(observed)
    })
}

fn look(at: usize, netns: &OwnedFd) -> io::Result<(usize, RawNetns, Socket)> {
    enter(&netns)?;
    let socket = Socket::open()?;
    Ok((at, kernel::observe(&socket)?, socket))
}

/// Finds the other end of a veth: the link whose index and peer are this one's the other way round. Where several are (each
/// netns counts its own), the number by which this netns knows theirs decides.
fn find_peer(
    at: usize,
    link: &RawLink,
    ends: &HashMap<(u32, u32), Vec<(usize, String)>>,
    socket: &Socket,
    lab: &[(NetnsName, Arc<OwnedFd>)],
) -> io::Result<Option<observed::Peer>> {
    let Some((peer, number)) = link.peer else { return Ok(None) };
    let candidates = ends.get(&(peer, link.index)).map(Vec::as_slice).unwrap_or_default();
    let found = match (number, candidates) {
        (None, _) => candidates.iter().find(|(other, _)| *other == at),
        (Some(_), [only]) => Some(only),
        (Some(number), several) => {
            let mut found = None;
            for candidate in several.iter().filter(|(other, _)| *other != at) {
                if kernel::nsid_of(socket, lab[candidate.0].1.as_fd())? == Some(number) {
                    found = Some(candidate);
                    break;
                }
            }
            found
        }
    };
    Ok(found.map(|(other, name)| observed::Peer { netns: lab[*other].0.clone(), link: name.clone() }))
}
