//! Taking over what a kernel shows, whatever it was that made it so.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::view::{ipv4_list, ipv6_list};
use super::{
    Address, Addresses, Kind, LinkId, LinkName, Netns, NetnsId, NetnsName, Protocol, Route, Table, Topology, observed,
};

/// What a kernel shows that a network has no place for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strangers {
    /// Links that nobody drew, or that have become something else, by netns and name.
    pub links: Vec<(NetnsName, String)>,
    /// Addresses with parts that the network knows no words for, by netns and link.
    pub addresses: Vec<(NetnsName, String, observed::Address)>,
    /// Routes of that kind.
    pub routes: Vec<(NetnsName, observed::Route)>,
}

impl Topology {
    /// Makes this network what a kernel shows of it: its links where they are still what they were, with their MAC addresses, states,
    /// MTUs, bridges, addresses and routes. Nothing that a kernel would do on the side happens. A netns that is not in `found` stays as
    /// it is.
    pub fn adopt(&mut self, found: &[observed::Netns]) -> Strangers {
        let mut strangers = Strangers::default();
        let looked_at: HashSet<&NetnsName> = found.iter().map(|netns| &netns.name).collect();
        let by_netns: Vec<(NetnsId, &observed::Netns)> =
            found.iter().filter_map(|netns| Some((*self.netns_by_name.get(&netns.name)?, netns))).collect();
        let mut known: HashMap<LinkId, &observed::Link> = HashMap::new();
        for (id, netns) in &by_netns {
            for link in &netns.links {
                match self.recognize(*id, link, &looked_at) {
                    Some(own) => drop(known.insert(own, link)),
                    None => strangers.links.push((netns.name.clone(), link.name.clone())),
                }
            }
        }
        self.forget_all_but(&known, &looked_at, &mut strangers);
        for (id, netns) in &by_netns {
            self.adopt_netns(*id, netns, &known, &mut strangers);
        }
        self.count_anew();
        self.changed();
        strangers
    }

    /// Finds the link that one in the kernel is, if it is of that kind, with that peer. It may have another MAC address.
    fn recognize(&self, netns: NetnsId, found: &observed::Link, looked_at: &HashSet<&NetnsName>) -> Option<LinkId> {
        let name = LinkName::parse(&found.name).ok()?;
        let id = *self.netns[&netns].by_name.get(&name)?;
        let link = &self.links[&id];
        let peer = match link.kind {
            Kind::Veth { peer } => Some(self.place_of(peer)),
            _ => None,
        };
        let same_peer = match (&peer, &found.peer) {
            (Some(place), Some(found)) => place.netns == found.netns && place.link.as_str() == found.link,
            (Some(place), None) => !looked_at.contains(&place.netns),
            (None, None) => true,
            (None, Some(_)) => false,
        };
        let same = link.kind.word() == found.kind && link.queues == found.queues;
        (same && same_peer).then_some(id)
    }

    /// Forgets the links that are not there; of a veth that is there in part, both ends.
    fn forget_all_but(
        &mut self,
        known: &HashMap<LinkId, &observed::Link>,
        looked_at: &HashSet<&NetnsName>,
        strangers: &mut Strangers,
    ) {
        let is_there =
            |id: &LinkId| known.contains_key(id) || !looked_at.contains(&self.netns[&self.links[id].netns].name);
        let is_whole = |id: &LinkId| match self.links[id].kind {
            Kind::Veth { peer } => is_there(id) && is_there(&peer),
            _ => is_there(id),
        };
        let going: Vec<LinkId> = self.links.keys().copied().filter(|id| !is_whole(id)).collect();
        for id in going {
            let place = self.place_of(id);
            if known.contains_key(&id) {
                strangers.links.push((place.netns.clone(), place.link.to_string()));
            }
            let Some(link) = self.links.get(&id) else { continue };
            let (netns, kind) = (link.netns, link.kind.clone());
            if !looked_at.contains(&place.netns) {
                // Nobody tells which ports its bridge has left.
                self.detach(id);
            }
            self.take_out(id);
            self.changes.note_link(netns, id);
            self.gone_links.insert(id, (place, kind));
        }
    }

    fn adopt_netns(
        &mut self,
        id: NetnsId,
        found: &observed::Netns,
        known: &HashMap<LinkId, &observed::Link>,
        strangers: &mut Strangers,
    ) {
        let links: Vec<LinkId> = self.links_of(id).collect();
        let by_name = self.netns[&id].by_name.clone();
        let find = |name: &str| by_name.get(&LinkName::parse(name).ok()?).copied();
        let controllers: HashMap<LinkId, LinkId> =
            links.iter().filter_map(|link| Some((*link, find(known[link].controller.as_ref()?)?))).collect();
        for link in &links {
            let odd = known[link].addresses.iter().filter(|address| self.is_odd_address(*link, address));
            let place = |address: &observed::Address| (found.name.clone(), known[link].name.clone(), address.clone());
            strangers.addresses.extend(odd.map(place));
            let addresses = self.adopt_addresses(*link, known[link]);
            let own = self.link_mut(*link);
            own.mac = known[link].mac.parse().unwrap_or(own.mac);
            own.up = known[link].up;
            own.mtu.chosen |= own.mtu.bytes != known[link].mtu;
            own.mtu.bytes = known[link].mtu;
            own.controller = controllers.get(link).copied();
            own.addresses = addresses;
        }
        for bridge in &links {
            let ports: Vec<LinkId> =
                links.iter().copied().filter(|port| controllers.get(port) == Some(bridge)).collect();
            let by_mtu: BTreeSet<(u32, LinkId)> =
                ports.iter().map(|port| (self.links[port].mtu.bytes, *port)).collect();
            let own = self.link_mut(*bridge);
            if let Kind::Bridge { ports: own_ports } = &mut own.kind {
                // In the order in which they are known to have been attached, as far as it is.
                own_ports.retain(|port| ports.contains(port));
                let new: Vec<LinkId> = ports.iter().copied().filter(|port| !own_ports.contains(port)).collect();
                own_ports.extend(new);
                own.ports_by_mtu = by_mtu;
            }
        }
        let mut table = Table::default();
        for route in &found.routes {
            match route.link.as_deref().and_then(&find) {
                Some(link) if self.is_kernels_own(link, route) => {}
                Some(_) if is_odd_route(route) => strangers.routes.push((found.name.clone(), route.clone())),
                Some(link) => table.push(adopt_route(route, link)),
                // It goes with the stranger that it leads over.
                None if route.link.is_some() => {}
                None => strangers.routes.push((found.name.clone(), route.clone())),
            }
        }
        for link in links.iter().filter(|link| self.configures_itself(**link)) {
            let own = Address::link_local(self.links[link].mac);
            if self.links[link].addresses.iter().any(|address| *address == own)
                && table.to_over(own.cidr.trunc(), *link).next().is_none()
                && let Some(route) = Route::connected(*link, &self.links[link].kind, own)
            {
                table.push(route);
            }
        }
        let held: Vec<(LinkId, Addresses)> =
            links.iter().map(|link| (*link, self.links[link].addresses.clone())).collect();
        let Netns { routes, holders, forwarding, .. } = self.netns_mut(id);
        *routes = table;
        *forwarding = found.forwarding;
        *holders = Default::default();
        for (link, addresses) in held {
            addresses.by_age().for_each(|(age, address)| holders.insert(link, age, address.cidr));
        }
        self.changes.note_netns(id);
    }

    /// Returns the addresses that a link has, in the order that is known if it can have led to what the kernel lists.
    fn adopt_addresses(&self, id: LinkId, found: &observed::Link) -> Addresses {
        let link = &self.links[&id];
        let by_kernel = self.configures_itself(id);
        let own = Address::link_local(found.mac.parse().unwrap_or(link.mac));
        let is_automatic = |cidr: IpNet| match link.kind {
            Kind::Loopback => matches!(cidr.to_string().as_str(), "127.0.0.1/8" | "::1/128"),
            _ => cidr == own.cidr,
        };
        let plain = found.addresses.iter().filter(|address| !self.is_odd_address(id, address));
        let mut there: Vec<IpNet> = plain.map(|address| address.cidr).collect();
        if by_kernel {
            // It is there as soon as the kernel sees fit, and what routers say is in no model.
            let is_told = |cidr: &IpNet| found.addresses.iter().any(|address| address.cidr == *cidr && address.dynamic);
            there.retain(|cidr| !is_automatic(*cidr) && !is_told(cidr));
            if found.up && found.mtu >= 1280 {
                there.push(own.cidr);
            }
        }
        let mut list: Vec<IpNet> = Vec::with_capacity(there.len());
        list.extend(link.addresses.iter().map(|address| address.cidr).filter(|cidr| there.contains(cidr)));
        let new = |list: &[IpNet]| there.iter().copied().filter(|cidr| !list.contains(cidr)).collect::<Vec<_>>();
        let (ipv4, mut ipv6): (Vec<IpNet>, Vec<IpNet>) =
            new(&list).into_iter().partition(|cidr| matches!(cidr.addr(), IpAddr::V4(_)));
        // The kernel lists the newest first.
        ipv6.reverse();
        list.extend(ipv4.into_iter().chain(ipv6));
        let hold = |cidrs: &[IpNet]| {
            let mut addresses = Addresses::default();
            cidrs.iter().for_each(|cidr| {
                addresses.push(Address { cidr: *cidr, automatic: is_automatic(*cidr) });
            });
            addresses
        };
        let addresses = hold(&list);
        let leads_to = |addresses: &Addresses| {
            let ipv4 = ipv4_list(addresses).into_iter().map(|(cidr, _)| IpNet::from(cidr));
            ipv4.chain(ipv6_list(addresses).into_iter().map(IpNet::from)).collect::<Vec<_>>()
        };
        if by_kernel || leads_to(&addresses) == there {
            return addresses;
        }
        let (ipv4, mut ipv6): (Vec<IpNet>, Vec<IpNet>) =
            there.into_iter().partition(|cidr| matches!(cidr.addr(), IpAddr::V4(_)));
        ipv6.reverse();
        hold(&[ipv4, ipv6].concat())
    }

    /// Tells whether an address is one that no step gives: it has a part for which there are no words, or ends by itself.
    fn is_odd_address(&self, link: LinkId, address: &observed::Address) -> bool {
        let is_told = address.dynamic && address.cidr.addr().is_ipv6() && self.configures_itself(link);
        !address.rest.is_empty() || address.dynamic && !is_told
    }

    /// Tells whether a route is one that comes and goes with what the kernel gives a link that it configures.
    fn is_kernels_own(&self, link: LinkId, route: &observed::Route) -> bool {
        let asked_for = |address: &Address| !address.automatic && address.cidr.trunc() == route.destination;
        let is_ipv6 = route.destination.addr().is_ipv6();
        let by_kernel = matches!(route.protocol.as_str(), "kernel" | "ra");
        is_ipv6 && by_kernel && self.configures_itself(link) && !self.links[&link].addresses.iter().any(asked_for)
    }

    fn count_anew(&mut self) {
        let addresses = self.links.values().flat_map(|link| &link.addresses).filter(|address| !address.automatic);
        let routes = self.netns.values().flat_map(|netns| netns.routes.iter());
        self.counted = addresses.count() + routes.filter(|route| route.protocol == Protocol::Boot).count();
    }
}

/// Tells whether a route is one that no step gives: it has a part for which there are no words, or a source though it came with no
/// address.
fn is_odd_route(route: &observed::Route) -> bool {
    let has_source = route.source.is_some_and(|source| source.is_ipv6() || route.protocol != "kernel");
    !route.rest.is_empty() || has_source
}

fn adopt_route(route: &observed::Route, link: LinkId) -> Route {
    let protocol = if route.protocol == "kernel" { Protocol::Kernel } else { Protocol::Boot };
    let source = match route.source {
        Some(IpAddr::V4(source)) => Some(source),
        _ => None,
    };
    let observed::Route { destination, gateway, metric, .. } = *route;
    Route { destination: destination.trunc(), gateway, link, metric, protocol, source }
}
