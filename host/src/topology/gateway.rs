//! Gateways: over which link one is reached, and which addresses of a netns stand in its way.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::addresses::Since;
use super::{Errno, Kind, LinkId, Netns, NetnsId, Refusal, Route, Topology};

impl Topology {
    /// Finds the link over which a gateway is reached directly (`fib_check_nh`, `ip6_route_check_nh`).
    pub(super) fn way_to_gateway(
        &self,
        netns: NetnsId,
        gateway: IpAddr,
        over: Option<LinkId>,
        act: impl Fn() -> String,
    ) -> Result<LinkId, Refusal> {
        let ipv6 = gateway.is_ipv6();
        let name = self.netns_name(netns);
        let Netns { holders, routes, .. } = &self.netns[&netns];
        // The kernel knows its IPv6 addresses whether or not their links are up.
        let shut_out = self.shut_out(netns, gateway).filter(|(_, id)| ipv6 || self.links[id].up).min();
        let own = match over {
            Some(over) => holders.of_address_on(gateway, over).map(|(_, since)| (since, over)).min(),
            None => holders.of_address(gateway).min(),
        };
        match (shut_out, own) {
            // The one that came first decides, as its route in the local table did.
            (Some(first), own) if own.is_none_or(|own| first <= own) => {
                let why = match gateway {
                    IpAddr::V4(_) => {
                        format!("the gateway is the broadcast address of `{}`", self.links[&first.1].name)
                    }
                    IpAddr::V6(_) => format!("the gateway is an address of `{name}` itself"),
                };
                return Err(Refusal::invalid(act(), why));
            }
            (_, Some((_, id))) if self.links[&id].up => return Ok(id),
            (_, Some((_, id))) => {
                let why = format!("the gateway is an address of link `{}`, which is down", self.links[&id].name);
                return Err(Refusal::new(Errno::ENETDOWN, act(), why));
            }
            _ => {}
        }
        let (errno, longest) = if ipv6 { (Errno::EHOSTUNREACH, 128) } else { (Errno::ENETUNREACH, 32) };
        let direct = |route: &&Route| route.gateway.is_none();
        for length in (0..=longest).rev() {
            let network = IpNet::new(gateway, length).expect("a length within the family").trunc();
            // IPv6 takes the longest match whatever it is; IPv4 passes over those that lead through a gateway themselves.
            let fits = |route: &&Route| ipv6 || direct(route);
            let found = match over {
                Some(over) => routes.to_over(network, over).map(|(_, route)| route).find(fits),
                None => routes.to(network).find(fits),
            };
            match found {
                // Such a route lets nothing through (`fib6_is_reject`).
                Some(route) if ipv6 && self.links[&route.link].kind == Kind::Loopback => {
                    return Err(Refusal::new(errno, act(), "an IPv6 gateway can't be behind `lo`"));
                }
                Some(route) if direct(&route) => return Ok(route.link),
                Some(_) => break,
                None => {}
            }
        }
        let why = match over {
            Some(link) if !self.links[&link].up => {
                format!("link `{}` is down, and so does not reach the gateway", self.links[&link].name)
            }
            Some(link) => format!("link `{}` does not reach the gateway", self.links[&link].name),
            None => format!("no link in `{name}` reaches the gateway"),
        };
        Err(Refusal::new(errno, act(), why))
    }

    /// Lists the addresses of a netns on account of which nothing can be routed through `gateway`: it is the same IPv6 address, or
    /// the broadcast address of an IPv4 one.
    fn shut_out(&self, netns: NetnsId, gateway: IpAddr) -> impl Iterator<Item = (Since, LinkId)> {
        let holders = &self.netns[&netns].holders;
        let (own, ends) = match gateway {
            IpAddr::V6(_) => (Some(gateway), None),
            IpAddr::V4(gateway) => (None, Some(gateway)),
        };
        // Longer ones have no broadcast address.
        let networks =
            ends.into_iter().flat_map(|end| (0..=30).map(move |length| (end, Ipv4Net::new_assert(end, length))));
        let ending = networks.filter(|(end, network)| network.broadcast() == *end).map(|(_, network)| network.trunc());
        let broadcast = ending.flat_map(|network| holders.of_network(network.into()));
        let broadcast = broadcast.filter(|(_, link)| self.links[link].kind != Kind::Loopback);
        own.into_iter().flat_map(|own| holders.of_address(own)).chain(broadcast)
    }

    /// Lists the links with such addresses.
    pub fn links_shutting_out(&self, netns: NetnsId, gateway: IpAddr) -> impl Iterator<Item = LinkId> {
        self.shut_out(netns, gateway).map(|(_, link)| link)
    }
}
