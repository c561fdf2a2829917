//! The routes of a netns, in an order that the kernel accepts.

use std::net::IpAddr;

use super::{Planner, addresses_of};
use crate::plan::{NewRoute, Step};
use crate::topology::{Code, Link, LinkId, NetnsId, Place, Refusal, Route};

impl Planner<'_> {
    /// Removes the routes that are not wanted, such as one that came with an address and was removed by itself.
    pub(super) fn remove_routes(&mut self, netns: NetnsId) -> Result<(), Refusal> {
        let now = self.now.find_netns(&self.wanted.netns_name(netns))?;
        let wanted = self.wanted.routes_of(netns);
        let is_wanted = |place: &Place, route: &NewRoute| {
            let mut same = wanted.get(&route.destination).into_iter().flatten();
            same.any(|other| NewRoute::from(other) == *route && self.wanted.place_of(other.link) == *place)
        };
        let routes = self.now.routes_of(now).values().flatten();
        let routes = routes.map(|route| (self.now.place_of(route.link), NewRoute::from(route)));
        let going: Vec<(Place, NewRoute)> = routes.filter(|(place, route)| !is_wanted(place, route)).collect();
        for (link, route) in going {
            self.step(Step::RemoveRoute { link, route })?;
        }
        Ok(())
    }

    /// Adds the routes whose gateway has become an address of the netns itself since, which the kernel minds only when the
    /// route is added: so they come first, and `set_addresses` puts back what is in their way.
    pub(super) fn add_odd_routes(&mut self, netns: NetnsId) -> Result<(), Refusal> {
        let odd: Vec<(Place, NewRoute, IpAddr)> = {
            let links: Vec<&Link> = self.wanted.links_of(netns).map(|id| self.wanted_link(id)).collect();
            let shut_out = |gateway: IpAddr| {
                links.iter().any(|link| link.addresses.iter().any(|address| address.shuts_out(gateway, &link.kind)))
            };
            let routes = self.wanted.routes_of(netns).values().flatten();
            routes
                .filter_map(|route| Some((route, route.gateway.filter(|gateway| shut_out(*gateway))?)))
                .map(|(route, gateway)| (self.wanted.place_of(route.link), NewRoute::from(route), gateway))
                .collect()
        };
        for (place, route, gateway) in odd {
            if self.has_route(&place, &route)? {
                continue;
            }
            let now = self.now.find_netns(&place.netns)?;
            let in_the_way = |id: &LinkId| {
                let link = self.now.standing(*id).expect("listed");
                link.addresses.iter().any(|address| address.shuts_out(gateway, &link.kind))
            };
            let links: Vec<LinkId> = self.now.links_of(now).filter(in_the_way).collect();
            for id in links {
                let link = self.now.place_of(id);
                for address in addresses_of(self.now_at(&link)?, gateway.is_ipv6()).into_iter().rev() {
                    self.step(Step::RemoveAddress { link: link.clone(), address })?;
                }
            }
            self.add_route(place, route)?;
        }
        Ok(())
    }

    fn has_route(&self, place: &Place, route: &NewRoute) -> Result<bool, Refusal> {
        let netns = self.now.find_netns(&place.netns)?;
        let over = self.now.find_place(place)?;
        let same = |found: &Route| found.link == over && NewRoute::from(found) == *route;
        Ok(self.now.find_route(netns, &route.destination, same).is_some())
    }

    pub(super) fn add_routes(&mut self, netns: NetnsId) -> Result<(), Refusal> {
        let wanted = self.wanted.routes_of(netns).values().flatten();
        // Gateways may be reached by routes that are on a link.
        let (on_link, through): (Vec<&Route>, Vec<&Route>) = wanted.partition(|route| route.gateway.is_none());
        for route in on_link.into_iter().chain(through) {
            let (link, route) = (self.wanted.place_of(route.link), NewRoute::from(route));
            if !self.has_route(&link, &route)? {
                self.add_route(link, route)?;
            }
        }
        Ok(())
    }

    /// Adds a route. Its gateway may have lost the network in which it was reached, or have got a route through another gateway,
    /// which the kernel minds only when the route is added: then a route to the gateway itself is there for that moment, before
    /// all others by its metric.
    fn add_route(&mut self, link: Place, route: NewRoute) -> Result<(), Refusal> {
        let step = Step::AddRoute { link: link.clone(), route: route.clone() };
        match (self.step(step.clone()), route.gateway) {
            (Err(refusal), Some(gateway)) if refusal.code == Code::Unreachable => {
                let to_gateway = NewRoute { destination: gateway.into(), gateway: None, metric: 1, connected: false };
                self.step(Step::AddRoute { link: link.clone(), route: to_gateway.clone() })?;
                self.step(step)?;
                self.step(Step::RemoveRoute { link, route: to_gateway })
            }
            (outcome, _) => outcome,
        }
    }
}
