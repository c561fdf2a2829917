//! Addresses that stand in each other's way: twice in one segment, or in networks that do not fit together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Survey, and_more, given};
use crate::topology::segments::SegmentId;
use crate::topology::{Kind, LinkId, NetnsId};

/// Who has an address in a network.
type Holders = Vec<(LinkId, IpNet)>;
type Networks = BTreeMap<IpNet, Holders>;

impl Survey<'_> {
    pub(super) fn addresses(&mut self) {
        let mut owners: HashMap<(SegmentId, IpAddr), Vec<LinkId>> = HashMap::new();
        let mut in_segment: BTreeMap<SegmentId, Networks> = BTreeMap::new();
        let mut in_netns: BTreeMap<NetnsId, Networks> = BTreeMap::new();
        for (id, link) in self.network.list_links().filter(|(_, link)| link.kind != Kind::Loopback) {
            let segment = self.segments.of(id);
            for cidr in given(link).map(|address| address.cidr) {
                let owners = owners.entry((segment, cidr.addr())).or_default();
                // One link may have an address with two prefix lengths.
                if owners.last() != Some(&id) {
                    owners.push(id);
                }
                // A single address is no network, and link-local ones are of each segment anew.
                if cidr.prefix_len() < cidr.max_prefix_len() && !is_link_local(cidr.addr()) {
                    in_segment.entry(segment).or_default().entry(cidr.trunc()).or_default().push((id, cidr));
                    if link.up && link.controller.is_none() {
                        in_netns.entry(link.netns).or_default().entry(cidr.trunc()).or_default().push((id, cidr));
                    }
                }
            }
        }
        for ((_, address), owners) in owners.into_iter().filter(|(_, owners)| owners.len() > 1) {
            self.twice_in_segment(address, owners);
        }
        for networks in in_segment.values_mut() {
            self.prefix_lengths(networks);
        }
        for holders in in_netns.values().flat_map(Networks::values) {
            self.twice_in_netns(holders);
        }
    }

    fn twice_in_segment(&mut self, address: IpAddr, mut owners: Vec<LinkId>) {
        owners.sort_by_cached_key(|id| self.network.place_of(*id));
        let what = format!(
            "has address `{address}`, and {}{} of the same segment has it too, so it is left to chance who answers",
            self.words(owners[1]),
            and_more(owners.len() - 2, "link")
        );
        self.warn(self.words(owners[0]), what, "give each an address of its own");
    }

    /// Finds networks of a segment that lie within others of it.
    fn prefix_lengths(&mut self, networks: &mut Networks) {
        for holders in networks.values_mut() {
            holders.sort_by_cached_key(|holder| self.network.place_of(holder.0));
        }
        let netns_of = |holders: &Holders| holders.iter().map(|holder| self.link(holder.0).netns).collect();
        let members: Vec<HashSet<NetnsId>> = networks.values().map(netns_of).collect();
        // Sorted, a network comes behind all that it lies in, and those that it does not lie in are over for good.
        let mut around: Vec<(&IpNet, &Holders, &HashSet<NetnsId>)> = Vec::new();
        for ((network, holders), members) in networks.iter().zip(&members) {
            while around.last().is_some_and(|(outer, ..)| !outer.contains(network)) {
                around.pop();
            }
            if let Some((_, outer, outer_members)) = around.last() {
                // The few are more likely the ones that are wrong.
                if outer.len() <= holders.len() {
                    self.differ((outer, outer_members), (holders, members));
                } else {
                    self.differ((holders, members), (outer, outer_members));
                }
            }
            around.push((network, holders, members));
        }
    }

    /// Warns of two networks, one within the other, unless all of the one are in the other too.
    fn differ(&mut self, few: (&Holders, &HashSet<NetnsId>), many: (&Holders, &HashSet<NetnsId>)) {
        let is_in = |members: &HashSet<NetnsId>, holder: &(LinkId, IpNet)| members.contains(&self.link(holder.0).netns);
        let few_only: Vec<&(LinkId, IpNet)> = few.0.iter().filter(|holder| !is_in(many.1, holder)).collect();
        let many_only = many.0.iter().find(|holder| !is_in(few.1, holder));
        let (Some(one), Some(other)) = (few_only.first(), many_only) else { return };
        let what = format!(
            "has `{}` and {} of the same segment has `{}`: they do not agree on who is a neighbour, so not all of them reach \
             each other",
            one.1,
            self.words(other.0),
            other.1
        );
        self.warn(self.words(one.0) + &and_more(few_only.len() - 1, "link"), what, "give both the same prefix length");
    }

    fn twice_in_netns(&mut self, holders: &[(LinkId, IpNet)]) {
        let (first, cidr) =
            *holders.iter().min_by_key(|holder| self.network.place_of(holder.0)).expect("it has holders");
        let segment = self.segments.of(first);
        let apart = |holder: &&(LinkId, IpNet)| self.segments.of(holder.0) != segment;
        let others: Vec<LinkId> = holders.iter().filter(apart).map(|holder| holder.0).collect();
        if others.is_empty() {
            return;
        }
        let what = format!(
            "is in network `{}`, and so is `{}`{} of the same netns in another segment: packets to that network leave by one \
             of them alone",
            cidr.trunc(),
            self.link(self.first(&others)).name,
            and_more(others.len() - 1, "link")
        );
        self.warn(self.words(first), what, "give each segment a network of its own, or join them by a bridge");
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
