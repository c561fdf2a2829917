//! Gateways that nobody is.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use super::{Survey, and_more};
use crate::topology::segments::SegmentId;
use crate::topology::{Kind, LinkId, NetnsId};

impl Survey<'_> {
    pub(super) fn gateways(&mut self) {
        // By segment and gateway, the routes that lead there: the first of them by place, and how many.
        let mut asked: BTreeMap<(SegmentId, IpAddr), Vec<(LinkId, String)>> = BTreeMap::new();
        for (_, netns) in self.network.list_netns() {
            for route in netns.routes.iter() {
                let Some(gateway) = route.gateway else { continue };
                if self.link(route.link).kind == Kind::Loopback {
                    continue;
                }
                let place = format!("route `{}` via `{gateway}` in netns `{}`", destination(route), netns.name);
                asked.entry((self.segments.of(route.link), gateway)).or_default().push((route.link, place));
            }
        }
        if asked.is_empty() {
            return;
        }
        let owners = Owners::new(self);
        for ((segment, gateway), routes) in asked {
            if owners.answers(segment, gateway) {
                continue;
            }
            let more = and_more(routes.len() - 1, "route");
            let (link, place) = routes.into_iter().min_by(|one, other| one.1.cmp(&other.1)).expect("one was pushed");
            let name = &self.link(link).name;
            let what = format!("leads over link `{name}`, where nobody has the gateway's address, so it leads nowhere");
            self.warn(place + &more, what, "give the address to the router, or choose a gateway that is there");
        }
    }
}

fn destination(route: &crate::topology::Route) -> String {
    if route.destination.prefix_len() == 0 { "default".into() } else { route.destination.to_string() }
}

/// Who has which address, and who is where.
struct Owners {
    by_segment: HashSet<(SegmentId, IpAddr)>,
    by_address: HashMap<IpAddr, HashSet<NetnsId>>,
    in_segment: HashMap<SegmentId, HashSet<NetnsId>>,
}

impl Owners {
    fn new(survey: &Survey<'_>) -> Self {
        let mut owners = Self { by_segment: HashSet::new(), by_address: HashMap::new(), in_segment: HashMap::new() };
        for (id, link) in survey.network.list_links() {
            let segment = survey.segments.of(id);
            owners.in_segment.entry(segment).or_default().insert(link.netns);
            for address in link.addresses.iter().map(|address| address.cidr.addr()) {
                owners.by_segment.insert((segment, address));
                owners.by_address.entry(address).or_default().insert(link.netns);
            }
        }
        owners
    }

    /// Tells whether somebody in a segment answers for an address. For an IPv4 one a netns does so on all of its links,
    /// whichever has it (`arp_ignore` is 0).
    fn answers(&self, segment: SegmentId, address: IpAddr) -> bool {
        if self.by_segment.contains(&(segment, address)) {
            return true;
        }
        let Some(owners) = self.by_address.get(&address).filter(|_| address.is_ipv4()) else { return false };
        !owners.is_disjoint(&self.in_segment[&segment])
    }
}
