//! Routes of a netns, as `ip route` knows them: the main table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::addresses::Age;
use super::{Address, Code, Errno, Kind, LinkId, NetnsId, Rank, Refusal, Topology, is_ipv6_link_local, observed};

/// The metric of an IPv6 route that names none (IP6_RT_PRIO_USER).
const METRIC6: u32 = 1024;
/// The metric of an IPv6 route that came with an address (IP6_RT_PRIO_ADDRCONF).
const METRIC6_CONNECTED: u32 = 256;

/// Returns the metric of a route that names none.
fn usual_metric(ipv6: bool) -> u32 {
    if ipv6 { METRIC6 } else { 0 }
}

/// How a route leads to its destination.
struct Way {
    gateway: Option<IpAddr>,
    link: LinkId,
    metric: u32,
}

/// Who made a route; the kernel's `proto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// It came with an address.
    Kernel,
    /// It was asked for. It is `boot` in the kernel, as of `ip route add`.
    Boot,
}

/// Where a route leads: a network, or everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// `default`, of the family that the rest of the call tells.
    Default,
    /// A network or an address, with the bits beyond the prefix as they were given.
    Network(IpNet),
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Network(network) => network.fmt(f),
        }
    }
}

impl Destination {
    /// Returns `0.0.0.0/0` or `::/0`.
    pub fn everywhere(ipv6: bool) -> IpNet {
        if ipv6 {
            Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 0).into()
        } else {
            Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0).into()
        }
    }

    /// Returns the network for a route of a family.
    fn network(self, ipv6: bool, act: impl Fn() -> String) -> Result<IpNet, Refusal> {
        match self {
            Self::Default => Ok(Self::everywhere(ipv6)),
            Self::Network(network) if network.addr().is_ipv6() != ipv6 => {
                Err(Refusal::invalid(act(), "the destination and the gateway are of different families"))
            }
            // The kernel masks an IPv6 destination and refuses an IPv4 one.
            Self::Network(IpNet::V4(network)) if network != network.trunc() => {
                let why = format!("`{network}` has bits set beyond its prefix; the network is `{}`", network.trunc());
                Err(Refusal::invalid(act(), why))
            }
            Self::Network(network) => Ok(network.trunc()),
        }
    }
}

/// One route of the main table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The network that it leads to, without further bits.
    pub destination: IpNet,
    /// The router that it leads through.
    pub gateway: Option<IpAddr>,
    /// The link that it leads over.
    pub link: LinkId,
    /// Its metric: of two routes to one destination the smaller is taken.
    pub metric: u32,
    /// Who made it.
    pub protocol: Protocol,
    /// The address that packets get which choose none themselves.
    pub source: Option<Ipv4Addr>,
}

impl Route {
    /// Tells whether this is an IPv6 route.
    pub fn is_ipv6(&self) -> bool {
        self.destination.addr().is_ipv6()
    }

    /// Returns the route that comes with an address, if one does.
    pub(super) fn connected(link: LinkId, kind: &Kind, address: Address) -> Option<Self> {
        let destination = address.cidr.trunc();
        let protocol = Protocol::Kernel;
        match address.cidr {
            // The kernel's own `::1` has its route in the local table.
            IpNet::V6(_) if address.automatic && *kind == Kind::Loopback => None,
            IpNet::V6(_) => {
                let metric = METRIC6_CONNECTED;
                Some(Self { destination, gateway: None, link, metric, protocol, source: None })
            }
            // As `fib_add_ifaddr`: `lo` has its networks in the local table, and these have no route at all.
            IpNet::V4(cidr) => {
                let zeronet = cidr.network().is_unspecified();
                let alone = cidr.prefix_len() == 32;
                if *kind == Kind::Loopback || zeronet || alone || cidr.network().is_multicast() {
                    return None;
                }
                Some(Self { destination, gateway: None, link, metric: 0, protocol, source: Some(cidr.addr()) })
            }
        }
    }
}

impl Topology {
    /// Adds a route through a gateway, over the link that reaches it. Like `ip -n NETNS route add DESTINATION via GATEWAY`.
    pub fn add_route(&mut self, netns: NetnsId, destination: Destination, gateway: IpAddr) -> Result<(), Refusal> {
        let name = self.netns_name(netns);
        let act = || format!("add route `{destination}` via `{gateway}` in netns `{name}`");
        self.netns(netns, act)?;
        if is_ipv6_link_local(gateway) {
            return Err(Refusal::invalid(act(), "a link-local gateway needs its link: use `route.add-via`"));
        }
        let link = self.way_to_gateway(netns, gateway, None, act)?;
        let metric = usual_metric(gateway.is_ipv6());
        self.insert_route(netns, destination, Way { gateway: Some(gateway), link, metric }, act)
    }

    /// Adds a route through a gateway over a given link. Like `ip route add DESTINATION via GATEWAY dev LINK`.
    pub fn add_route_via(&mut self, link: LinkId, destination: Destination, gateway: IpAddr) -> Result<(), Refusal> {
        self.add_route_via_metric(link, destination, gateway, usual_metric(gateway.is_ipv6()))
    }

    /// The same with a metric. Like `ip route add DESTINATION via GATEWAY dev LINK metric METRIC`.
    pub fn add_route_via_metric(
        &mut self,
        link: LinkId,
        destination: Destination,
        gateway: IpAddr,
        metric: u32,
    ) -> Result<(), Refusal> {
        let place = self.place_of(link);
        let act = || format!("add route `{destination}` via `{gateway}` over link {place}");
        let netns = self.link_with_family(link, gateway.is_ipv6(), act)?;
        // The kernel looks at the gateway before it sees that the link is down (`fib_check_nh_v4_gw`, `fib6_nh_init`).
        if is_ipv6_link_local(gateway) {
            if self.netns[&netns].holders.of_address_on(gateway, link).next().is_some() {
                return Err(Refusal::invalid(act(), "the gateway is an address of this link itself"));
            }
        } else {
            self.way_to_gateway(netns, gateway, Some(link), act)?;
        }
        if gateway.is_ipv6() && self.links[&link].kind == Kind::Loopback {
            return Err(Refusal::invalid(act(), "an IPv6 gateway can't be behind `lo`"));
        }
        self.is_up(link, act)?;
        self.insert_route(netns, destination, Way { gateway: Some(gateway), link, metric }, act)
    }

    /// Adds a route to what is directly on a link. Like `ip route add DESTINATION dev LINK`.
    pub fn add_route_on_link(&mut self, link: LinkId, destination: Destination) -> Result<(), Refusal> {
        let ipv6 = matches!(destination, Destination::Network(IpNet::V6(_)));
        self.add_route_on_link_metric(link, destination, usual_metric(ipv6))
    }

    /// The same with a metric. Like `ip route add DESTINATION dev LINK metric METRIC`.
    pub fn add_route_on_link_metric(
        &mut self,
        link: LinkId,
        destination: Destination,
        metric: u32,
    ) -> Result<(), Refusal> {
        let place = self.place_of(link);
        let act = || format!("add route `{destination}` over link {place}");
        let netns = self.link_with_family(link, matches!(destination, Destination::Network(IpNet::V6(_))), act)?;
        self.is_up(link, act)?;
        self.insert_route(netns, destination, Way { gateway: None, link, metric }, act)
    }

    /// Adds a route that comes with an address and had been removed by itself, with that address as its source in IPv4. Like
    /// `ip route append DESTINATION dev LINK proto kernel src SOURCE`.
    pub fn add_connected_route(
        &mut self,
        link: LinkId,
        destination: IpNet,
        metric: u32,
        source: Option<Ipv4Addr>,
    ) -> Result<(), Refusal> {
        let place = self.place_of(link);
        let act = || format!("add route `{destination}` over link {place}");
        let netns = self.link_with_family(link, destination.addr().is_ipv6(), act)?;
        self.is_up(link, act)?;
        let route = Route { destination, gateway: None, link, metric, protocol: Protocol::Kernel, source };
        if self.netns[&netns].routes.to_over(destination, link).any(|(_, other)| *other == route) {
            return Err(Refusal::new(Errno::EEXIST, act(), "it is there already"));
        }
        self.push_route(netns, route);
        self.changed();
        Ok(())
    }

    /// Removes the first route to a destination. Like `ip -n NETNS route del DESTINATION`.
    pub fn remove_route(&mut self, netns: NetnsId, destination: Destination) -> Result<(), Refusal> {
        let act = || format!("remove route `{destination}` in netns `{}`", self.netns_name(netns));
        let routes = &self.netns(netns, act)?.routes;
        let network = match destination {
            Destination::Network(network) => network.trunc(),
            Destination::Default => {
                let ipv4 = Destination::everywhere(false);
                if routes.to(ipv4).next().is_some() { ipv4 } else { Destination::everywhere(true) }
            }
        };
        let Some(rank) = routes.first_to(network) else {
            // IPv6 has an entry at the root of its table, which is no route (`fib6_null_entry`).
            let is_root = destination == Destination::Network(Destination::everywhere(true));
            let errno = if is_root { Errno::ENOENT } else { Errno::ESRCH };
            return Err(Refusal::new(errno, act(), "the netns has no such route"));
        };
        self.drop_route(netns, rank);
        self.changed();
        Ok(())
    }

    /// Removes the route to a destination over a link that `which` picks of several.
    pub fn remove_route_over(
        &mut self,
        link: LinkId,
        destination: IpNet,
        which: impl Fn(&Route) -> bool,
    ) -> Result<(), Refusal> {
        let act = || format!("remove route `{destination}` in netns `{}`", self.place_of(link).netns);
        let netns = self.link(link, act)?.netns;
        let Some((rank, _)) = self.routes_of(netns).to_over(destination, link).find(|(_, route)| which(route)) else {
            return Err(Refusal::new(Errno::ESRCH, act(), "the netns has no such route"));
        };
        self.drop_route(netns, rank);
        self.changed();
        Ok(())
    }

    /// Lists the routes of a netns as `ip route` does, IPv4 first.
    pub fn list_routes(&self, netns: NetnsId) -> Result<Vec<observed::Route>, Refusal> {
        let act = || format!("list the routes of netns `{}`", self.netns_name(netns));
        self.netns(netns, act)?;
        Ok(self.observe_routes(netns))
    }

    /// Returns the netns of a link that a route of a family is to lead over.
    fn link_with_family(&self, link: LinkId, ipv6: bool, act: impl Fn() -> String) -> Result<NetnsId, Refusal> {
        let standing = self.link(link, &act)?;
        if ipv6 && !standing.has_ipv6() {
            let why = format!("the mtu of link `{}` is too small for IPv6", standing.name);
            return Err(Refusal { code: Code::InvalidArgument, ..Refusal::new(Errno::ENODEV, act(), why) });
        }
        Ok(standing.netns)
    }

    fn is_up(&self, link: LinkId, act: impl Fn() -> String) -> Result<(), Refusal> {
        let standing = self.link(link, &act)?;
        if !standing.up {
            let why = format!("link `{}` is down", standing.name);
            return Err(Refusal::new(Errno::ENETDOWN, act(), why));
        }
        Ok(())
    }

    fn insert_route(
        &mut self,
        netns: NetnsId,
        destination: Destination,
        Way { gateway, link, metric }: Way,
        act: impl Fn() -> String,
    ) -> Result<(), Refusal> {
        self.may_change(link, &act)?;
        let ipv6 = match (gateway, destination) {
            (Some(gateway), _) => gateway.is_ipv6(),
            (None, Destination::Network(network)) => network.addr().is_ipv6(),
            (None, Destination::Default) => false,
        };
        let asked = destination;
        let destination = destination.network(ipv6, &act)?;
        if self.netns[&netns].routes.has_metric(destination, metric) {
            let why = format!("the netns has a route to `{asked}`");
            return Err(Refusal::new(Errno::EEXIST, act(), why));
        }
        self.count_one(act)?;
        self.push_route(netns, Route { destination, gateway, link, metric, protocol: Protocol::Boot, source: None });
        self.changed();
        Ok(())
    }

    fn push_route(&mut self, netns: NetnsId, route: Route) {
        self.changes.note_link(netns, route.link);
        self.netns_mut(netns).routes.push(route);
    }

    fn drop_route(&mut self, netns: NetnsId, rank: Rank) {
        let Some(route) = self.netns_mut(netns).routes.remove(rank) else { return };
        self.changes.note_link(netns, route.link);
        if route.protocol == Protocol::Boot {
            self.counted -= 1;
        }
    }

    /// Adds the route that comes with an address, unless it is there.
    pub(super) fn connect(&mut self, id: LinkId, address: Address) {
        let link = &self.links[&id];
        let netns = link.netns;
        let Some(route) = Route::connected(id, &link.kind, address) else { return };
        if !self.netns[&netns].routes.to_over(route.destination, id).any(|(_, other)| *other == route) {
            self.push_route(netns, route);
        }
    }

    /// Adds the routes that come with all the addresses of a link that was set up.
    pub(super) fn connect_all(&mut self, id: LinkId) {
        let addresses: Vec<(Age, Address)> = self.links[&id].addresses.by_age().collect();
        for (age, address) in addresses {
            if address.is_ipv6() || self.is_primary(id, age, address) {
                self.connect(id, address);
            }
        }
    }

    /// Removes the route that came with an address. Of IPv6 the kernel removes the first to the network over the link, whoever made it
    /// (`cleanup_prefix_route`).
    pub(super) fn disconnect(&mut self, id: LinkId, address: Address) {
        let link = &self.links[&id];
        let netns = link.netns;
        let Some(route) = Route::connected(id, &link.kind, address) else { return };
        let there = self.netns[&netns].routes.to_over(route.destination, id);
        let going: Vec<Rank> = if route.is_ipv6() {
            there.filter(|(_, other)| other.gateway.is_none()).map(|(rank, _)| rank).take(1).collect()
        } else {
            there.filter(|(_, other)| **other == route).map(|(rank, _)| rank).collect()
        };
        going.into_iter().for_each(|rank| self.drop_route(netns, rank));
    }

    /// Removes the routes over a link that `which` picks.
    pub(super) fn drop_routes_over(&mut self, id: LinkId, which: impl Fn(&Route) -> bool) {
        let netns = self.links[&id].netns;
        let going = self.netns[&netns].routes.over(id).filter(|(_, route)| which(route));
        let going: Vec<Rank> = going.map(|(rank, _)| rank).collect();
        going.into_iter().for_each(|rank| self.drop_route(netns, rank));
    }
}
