//! The routes of a netns, in an order that the kernel accepts.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Planner;
use super::addresses::addresses_of;
use crate::plan::{NewRoute, Step};
use crate::topology::{Code, LinkId, NetnsId, Place, Rank, Refusal, Route};

impl<'a> Planner<'a> {
    /// Removes the routes that are not wanted, such as one that came with an address and was removed by itself.
    pub(super) fn remove_routes(&mut self, netns: NetnsId) -> Result<(), Refusal> {
        let wanted = self.wanted.routes_of(netns);
        let now = self.now.routes_of(self.now.find_netns(&self.wanted.netns_name(netns))?);
        let mut going: Vec<(Rank, Place, NewRoute)> = Vec::new();
        for id in self.concerned_links(netns)? {
            let place = self.wanted.place_of(id);
            for (rank, route) in now.over(self.now.find_place(&place)?) {
                let route = NewRoute::from(route);
                if !wanted.to_over(route.destination, id).any(|(_, other)| NewRoute::from(other) == route) {
                    going.push((rank, place.clone(), route));
                }
            }
        }
        going.sort_by_key(|(rank, ..)| *rank);
        for (_, link, route) in going {
            self.step(Step::RemoveRoute { link, route })?;
        }
        Ok(())
    }

    /// Lists the routes over the links that are concerned, in their order.
    fn wanted_routes(&self, netns: NetnsId) -> Result<Vec<&'a Route>, Refusal> {
        let links = self.concerned_links(netns)?;
        let mut routes: Vec<(Rank, &Route)> =
            links.into_iter().flat_map(|link| self.wanted.routes_of(netns).over(link)).collect();
        routes.sort_by_key(|(rank, _)| *rank);
        Ok(routes.into_iter().map(|(_, route)| route).collect())
    }

    /// Adds the routes whose gateway has become an address of the netns itself since, which the kernel minds only when the
    /// route is added: so they come first, and `set_addresses` puts back what is in their way.
    pub(super) fn add_odd_routes(&mut self, netns: NetnsId) -> Result<(), Refusal> {
        let odd: Vec<(Place, NewRoute, IpAddr)> = {
            let shut_out = |gateway: &IpAddr| self.wanted.links_shutting_out(netns, *gateway).next().is_some();
            let routes = self.wanted_routes(netns)?.into_iter();
            routes
                .filter_map(|route| Some((route, route.gateway.filter(shut_out)?)))
                .map(|(route, gateway)| (self.wanted.place_of(route.link), NewRoute::from(route), gateway))
                .collect()
        };
        for (place, route, gateway) in odd {
            if self.has_route(&place, &route)? {
                continue;
            }
            let now = self.now.find_netns(&place.netns)?;
            let links: BTreeSet<LinkId> = self.now.links_shutting_out(now, gateway).collect();
            for id in links {
                let link = self.now.place_of(id);
                let configures_itself = self.now.configures_itself(id);
                for address in addresses_of(self.now_at(&link)?, gateway.is_ipv6(), configures_itself).into_iter().rev()
                {
                    self.step(Step::RemoveAddress { link: link.clone(), address })?;
                }
            }
            self.add_route(place, route)?;
        }
        Ok(())
    }

    fn has_route(&self, place: &Place, route: &NewRoute) -> Result<bool, Refusal> {
        let routes = self.now.routes_of(self.now.find_netns(&place.netns)?);
        let mut same = routes.to_over(route.destination, self.now.find_place(place)?);
        Ok(same.any(|(_, found)| NewRoute::from(found) == *route))
    }

    pub(super) fn add_routes(&mut self, netns: NetnsId) -> Result<(), Refusal> {
        // Gateways may be reached by routes that are on a link.
        let (on_link, through): (Vec<&Route>, Vec<&Route>) =
            self.wanted_routes(netns)?.into_iter().partition(|route| route.gateway.is_none());
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
                let to_gateway =
                    NewRoute { destination: gateway.into(), gateway: None, metric: 1, connected: false, source: None };
                self.step(Step::AddRoute { link: link.clone(), route: to_gateway.clone() })?;
                self.step(step)?;
                self.step(Step::RemoveRoute { link, route: to_gateway })
            }
            (outcome, _) => outcome,
        }
    }
}
