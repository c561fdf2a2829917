//! In which order the links of a netns get their addresses.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use crate::topology::{LinkId, NetnsId, Protocol, Topology};

/// Puts links into an order in which the routes that come with their addresses come in theirs: of equal routes the kernel takes
/// the oldest. Where nothing hangs on it, or routes contradict each other, the order stays.
pub(super) fn in_order_of_routes(network: &Topology, netns: NetnsId, links: &[LinkId]) -> Vec<LinkId> {
    let places: HashMap<LinkId, usize> = links.iter().enumerate().map(|(at, link)| (*link, at)).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); links.len()];
    let mut waits_for = vec![0; links.len()];
    for (destination, same) in network.routes_of(netns) {
        // A link-local network is on each link for itself.
        if matches!(destination.addr(), IpAddr::V6(address) if address.is_unicast_link_local()) {
            continue;
        }
        let connected = same.iter().filter(|route| route.protocol == Protocol::Kernel).map(|route| places[&route.link]);
        for (first, then) in connected.clone().zip(connected.skip(1)).filter(|(first, then)| first != then) {
            followers[first].push(then);
            waits_for[then] += 1;
        }
    }
    let mut left: BTreeSet<usize> = (0..links.len()).collect();
    let mut ready: BTreeSet<usize> = left.iter().copied().filter(|at| waits_for[*at] == 0).collect();
    let mut ordered = Vec::with_capacity(links.len());
    while let Some(next) = ready.pop_first().or_else(|| left.first().copied()) {
        left.remove(&next);
        ordered.push(links[next]);
        for then in &followers[next] {
            waits_for[*then] -= 1;
            if waits_for[*then] == 0 && left.contains(then) {
                ready.insert(*then);
            }
        }
    }
    ordered
}
