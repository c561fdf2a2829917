//! The main table of a netns: its routes in the kernel's order, and which of them lead over a link.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Destination, LinkId, Route};

/// Where a route comes in its table: by destination, IPv4 first; of one destination the smallest metric, and of that the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rank {
    /// The network that the route leads to.
    pub destination: IpNet,
    /// Its metric.
    pub metric: u32,
    age: u64,
}

impl Rank {
    fn first(destination: IpNet) -> Self {
        Self { destination, metric: 0, age: 0 }
    }

    fn last(destination: IpNet) -> Self {
        Self { destination, metric: u32::MAX, age: u64::MAX }
    }
}

/// The main table of a netns.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Table {
    routes: BTreeMap<Rank, Route>,
    /// The same by link. A destination may have a route over each of very many links, as `fe80::/64` has.
    over: BTreeSet<(LinkId, Rank)>,
}

impl Table {
    /// Lists all routes in the order in which the kernel tries those of one destination.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.values()
    }

    /// Lists the routes to a destination in the order in which the kernel tries them.
    pub fn to(&self, destination: IpNet) -> impl Iterator<Item = &Route> {
        self.routes.range(Rank::first(destination)..=Rank::last(destination)).map(|(_, route)| route)
    }

    /// Returns the rank of the first route to a destination.
    pub(super) fn first_to(&self, destination: IpNet) -> Option<Rank> {
        self.routes.range(Rank::first(destination)..=Rank::last(destination)).next().map(|(rank, _)| *rank)
    }

    /// Lists the routes over a link with their ranks.
    pub fn over(&self, link: LinkId) -> impl Iterator<Item = (Rank, &Route)> {
        let lowest = Rank::first(Destination::everywhere(false));
        let ranks = self.over.range((link, lowest)..).take_while(move |(other, _)| *other == link);
        ranks.map(|(_, rank)| (*rank, &self.routes[rank]))
    }

    /// Lists the routes to a destination over a link with their ranks.
    pub fn to_over(&self, destination: IpNet, link: LinkId) -> impl Iterator<Item = (Rank, &Route)> {
        let ranks = self.over.range((link, Rank::first(destination))..=(link, Rank::last(destination)));
        ranks.map(|(_, rank)| (*rank, &self.routes[rank]))
    }

    /// Tells whether there is a route to a destination with a metric.
    pub(super) fn has_metric(&self, destination: IpNet, metric: u32) -> bool {
        self.newest(destination, metric).is_some()
    }

    fn newest(&self, destination: IpNet, metric: u32) -> Option<Rank> {
        let of_metric = |age| Rank { destination, metric, age };
        self.routes.range(of_metric(0)..=of_metric(u64::MAX)).next_back().map(|(rank, _)| *rank)
    }

    /// Adds a route behind those of its destination and metric.
    pub(super) fn push(&mut self, route: Route) {
        let (destination, metric) = (route.destination, route.metric);
        let age = self.newest(destination, metric).map_or(0, |rank| rank.age + 1);
        self.put(Rank { destination, metric, age }, route);
    }

    /// Adds a route where another table has it.
    pub(super) fn put(&mut self, rank: Rank, route: Route) {
        self.over.insert((route.link, rank));
        self.routes.insert(rank, route);
    }

    /// Removes a route.
    pub(super) fn remove(&mut self, rank: Rank) -> Option<Route> {
        let route = self.routes.remove(&rank)?;
        self.over.remove(&(route.link, rank));
        Some(route)
    }
}
