//! In which order the links of a netns get their addresses.

use std::collections::BTreeSet;

use crate::topology::{LinkId, Protocol, Rank, Route, Table, is_ipv6_link_local};

/// Puts links into an order in which the routes that come with their addresses come in theirs: of equal routes the kernel takes
/// the oldest. Where nothing hangs on it, or routes contradict each other, the order stays.
pub(super) fn in_order_of_routes(routes: &Table, links: &[LinkId], which: impl Fn(&Route) -> bool) -> Vec<LinkId> {
    let mut connected: Vec<(Rank, usize)> = Vec::new();
    for (at, link) in links.iter().enumerate() {
        let own = routes.over(*link).filter(|(_, route)| route.protocol == Protocol::Kernel && which(route));
        // A link-local network is on each link for itself.
        let shared = own.filter(|(rank, _)| !is_ipv6_link_local(rank.destination.addr()));
        connected.extend(shared.map(|(rank, _)| (rank, at)));
    }
    connected.sort_unstable();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); links.len()];
    let mut waits_for = vec![0; links.len()];
    for ((rank, first), (next_rank, then)) in connected.iter().zip(connected.iter().skip(1)) {
        if rank.destination == next_rank.destination && first != then {
            followers[*first].push(*then);
            waits_for[*then] += 1;
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
