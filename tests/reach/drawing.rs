//! A network that is drawn on the model, with the calls that draw it in a lab.

use ipnet::IpNet;
use std::net::IpAddr;

use orchestrator::topology::{Destination, Limits, LinkId, LinkName, NetnsId, NetnsName, Refusal, Topology};

/// What was drawn so far. What the model refuses is in neither.
pub(crate) struct Drawing {
    pub(crate) network: Topology,
    pub(crate) calls: Vec<String>,
}

fn name(text: &str) -> LinkName {
    LinkName::parse(text).unwrap()
}

impl Drawing {
    pub(crate) fn new() -> Self {
        Self { network: Topology::new(Limits::default()), calls: Vec::new() }
    }

    /// Notes a call that the model has accepted; one that a lab refuses ends its scenario.
    fn note<T>(&mut self, outcome: Result<T, Refusal>, call: String) -> Option<T> {
        let value = outcome.ok()?;
        self.calls.push(format!("!{call}"));
        Some(value)
    }

    fn place(&self, link: LinkId) -> String {
        let place = self.network.place_of(link);
        format!("{},{}", place.netns, place.link)
    }

    pub(crate) fn netns(&mut self, text: &str) -> NetnsId {
        let added = self.network.add_netns(NetnsName::parse(text).unwrap());
        self.note(added, format!("netns.add,{text}")).expect("the name is new")
    }

    pub(crate) fn veth(&mut self, near: (NetnsId, &str), far: (NetnsId, &str)) -> (LinkId, LinkId) {
        let added = self.network.add_veth(near.0, name(near.1), far.0, name(far.1));
        let (near_netns, far_netns) = (self.network.netns_name(near.0), self.network.netns_name(far.0));
        self.note(added, format!("veth.add,{near_netns},{},{far_netns},{}", near.1, far.1)).expect("the names are new")
    }

    pub(crate) fn bridge(&mut self, netns: NetnsId, text: &str) -> LinkId {
        let added = self.network.add_bridge(netns, name(text));
        self.note(added, format!("bridge.add,{},{text}", self.network.netns_name(netns))).expect("the name is new")
    }

    pub(crate) fn port(&mut self, bridge: LinkId, port: LinkId) {
        let added = self.network.add_port(bridge, port);
        let call = format!("bridge.add-port,{},{}", self.place(bridge), self.network.place_of(port).link);
        self.note(added, call);
    }

    pub(crate) fn up(&mut self, link: LinkId) {
        let set = self.network.set_up(link);
        self.note(set, format!("link.set-up,{}", self.place(link)));
    }

    pub(crate) fn forward(&mut self, netns: NetnsId) {
        let set = self.network.set_forwarding(netns, true);
        self.note(set, format!("netns.set-forwarding,{},on", self.network.netns_name(netns)));
    }

    pub(crate) fn address(&mut self, link: LinkId, cidr: IpNet) {
        let added = self.network.add_address(link, cidr);
        self.note(added, format!("address.add,{},{cidr}", self.place(link)));
    }

    pub(crate) fn route(&mut self, netns: NetnsId, destination: IpNet, gateway: IpAddr) {
        let added = self.network.add_route(netns, Destination::Network(destination), gateway);
        self.note(added, format!("route.add,{},{destination},{gateway}", self.network.netns_name(netns)));
    }

    pub(crate) fn route_via(&mut self, link: LinkId, destination: IpNet, gateway: IpAddr) {
        let added = self.network.add_route_via(link, Destination::Network(destination), gateway);
        self.note(added, format!("route.add-via,{},{destination},{gateway}", self.place(link)));
    }

    pub(crate) fn route_on(&mut self, link: LinkId, destination: IpNet) {
        let added = self.network.add_route_on_link(link, Destination::Network(destination));
        self.note(added, format!("route.add-on-link,{},{destination}", self.place(link)));
    }
}
