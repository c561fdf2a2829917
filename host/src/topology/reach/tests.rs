//! One rule each; all were seen on a kernel, and `tests/reach.rs` compares with one at random.

mod addresses;
mod bridges;
mod ipv6;
mod routers;

use std::time::Duration;

use crate::topology::{Destination, Limits, LinkId, LinkName, NetnsId, NetnsName, Ping, PingOutcome, Place, Topology};

/// Shorter than the search for a neighbour.
const SOON: Duration = Duration::from_millis(200);
/// Longer.
const LATE: Duration = Duration::from_secs(4);

/// A network that is drawn in few words; a link is `NETNS/LINK`.
pub(super) struct Net(Topology);

impl Net {
    pub(super) fn new() -> Self {
        Self(Topology::new(Limits::default()))
    }

    /// Returns a netns, which is added with its `lo` up if need be.
    pub(super) fn netns(&mut self, name: &str) -> NetnsId {
        let name = NetnsName::parse(name).unwrap();
        if let Ok(id) = self.0.find_netns(&name) {
            return id;
        }
        let id = self.0.add_netns(name).unwrap();
        let lo = self.0.find_link(id, &LinkName::lo()).unwrap();
        self.0.set_up(lo).unwrap();
        id
    }

    fn split(place: &str) -> (&str, LinkName) {
        let (netns, link) = place.split_once('/').unwrap();
        (netns, LinkName::parse(link).unwrap())
    }

    pub(super) fn link(&self, place: &str) -> LinkId {
        let (netns, link) = Self::split(place);
        self.0.find_place(&Place { netns: NetnsName::parse(netns).unwrap(), link }).unwrap()
    }

    /// Adds a pair whose ends are up.
    pub(super) fn veth(&mut self, near: &str, far: &str) -> &mut Self {
        let ((near_netns, near), (far_netns, far)) = (Self::split(near), Self::split(far));
        let (near_netns, far_netns) = (self.netns(near_netns), self.netns(far_netns));
        let (near, far) = self.0.add_veth(near_netns, near, far_netns, far).unwrap();
        self.0.set_up(near).unwrap();
        self.0.set_up(far).unwrap();
        self
    }

    /// Adds a bridge that is up.
    pub(super) fn bridge(&mut self, place: &str) -> &mut Self {
        let (netns, name) = Self::split(place);
        let netns = self.netns(netns);
        let bridge = self.0.add_bridge(netns, name).unwrap();
        self.0.set_up(bridge).unwrap();
        self
    }

    pub(super) fn port(&mut self, bridge: &str, port: &str) -> &mut Self {
        self.0.add_port(self.link(bridge), self.link(port)).unwrap();
        self
    }

    pub(super) fn up(&mut self, place: &str) -> &mut Self {
        self.0.set_up(self.link(place)).unwrap();
        self
    }

    pub(super) fn down(&mut self, place: &str) -> &mut Self {
        self.0.set_down(self.link(place)).unwrap();
        self
    }

    pub(super) fn address(&mut self, place: &str, cidr: &str) -> &mut Self {
        self.0.add_address(self.link(place), cidr.parse().unwrap()).unwrap();
        self
    }

    pub(super) fn no_address(&mut self, place: &str, cidr: &str) -> &mut Self {
        self.0.remove_address(self.link(place), cidr.parse().unwrap()).unwrap();
        self
    }

    /// Takes the link-local address of a link, which is returned.
    pub(super) fn no_link_local(&mut self, place: &str) -> &mut Self {
        let cidr = format!("{}/64", self.link_local(place));
        self.no_address(place, &cidr)
    }

    pub(super) fn link_local(&self, place: &str) -> String {
        self.0.standing(self.link(place)).unwrap().mac.link_local().to_string()
    }

    /// Adds a route through a gateway.
    pub(super) fn route(&mut self, netns: &str, destination: &str, gateway: &str) -> &mut Self {
        let netns = self.netns(netns);
        let destination = Destination::Network(destination.parse().unwrap());
        self.0.add_route(netns, destination, gateway.parse().unwrap()).unwrap();
        self
    }

    /// Adds a route through a gateway over a link.
    pub(super) fn route_via(&mut self, link: &str, destination: &str, gateway: &str) -> &mut Self {
        let destination = Destination::Network(destination.parse().unwrap());
        self.0.add_route_via(self.link(link), destination, gateway.parse().unwrap()).unwrap();
        self
    }

    pub(super) fn route_on(&mut self, link: &str, destination: &str) -> &mut Self {
        let destination = Destination::Network(destination.parse().unwrap());
        self.0.add_route_on_link(self.link(link), destination).unwrap();
        self
    }

    pub(super) fn forward(&mut self, netns: &str) -> &mut Self {
        let netns = self.netns(netns);
        self.0.set_forwarding(netns, true).unwrap();
        self
    }

    fn ask(&self, source: &str, target: &str, count: u32, timeout: Duration) -> String {
        let source = NetnsName::parse(source).unwrap();
        let answer = self.0.ping(&Ping { source, target: target.parse().unwrap(), count, timeout }).unwrap();
        let outcome = match answer.outcome {
            PingOutcome::Reply => "reply".to_owned(),
            PingOutcome::NoReply => "none".to_owned(),
            PingOutcome::Unreachable(errno) => errno.to_string(),
        };
        assert_eq!(answer.received, if outcome == "reply" { answer.sent } else { 0 });
        assert_eq!(answer.round_trip.is_some(), outcome == "reply");
        if answer.sent == count { outcome } else { format!("{outcome} at once") }
    }

    /// Pings once, and does not wait for the end of a search for neighbours. Of a ping that was not even sent the answer is
    /// `ERRNO at once`.
    pub(super) fn ping(&self, source: &str, target: &str) -> String {
        self.ask(source, target, 1, SOON)
    }

    /// Pings once, and waits longer.
    pub(super) fn ping_late(&self, source: &str, target: &str) -> String {
        self.ask(source, target, 1, LATE)
    }
}

/// `red` and `blue` on one pair, with addresses of both families.
pub(super) fn pair() -> Net {
    let mut net = Net::new();
    net.veth("red/eth0", "blue/eth0");
    net.address("red/eth0", "10.0.0.1/24").address("red/eth0", "2001:db8::1/64");
    net.address("blue/eth0", "10.0.0.2/24").address("blue/eth0", "2001:db8::2/64");
    net
}

/// `red` and `blue` with `router`, which forwards, between them.
pub(super) fn routed() -> Net {
    let mut net = Net::new();
    net.veth("red/eth0", "router/red").veth("blue/eth0", "router/blue");
    for (link, host) in [("red/eth0", 1), ("router/red", 254)] {
        net.address(link, &format!("10.1.0.{host}/24")).address(link, &format!("2001:db8:1::{host:x}/64"));
    }
    for (link, host) in [("blue/eth0", 1), ("router/blue", 254)] {
        net.address(link, &format!("10.2.0.{host}/24")).address(link, &format!("2001:db8:2::{host:x}/64"));
    }
    net.route("red", "0.0.0.0/0", "10.1.0.254").route("red", "::/0", "2001:db8:1::fe");
    net.route("blue", "0.0.0.0/0", "10.2.0.254").route("blue", "::/0", "2001:db8:2::fe");
    net.forward("router");
    net
}

#[test]
fn counts_are_those_of_the_agent() {
    let mut net = pair();
    let ping = |net: &Net, target: &str, count, timeout| {
        let source = NetnsName::parse("red").unwrap();
        net.0.ping(&Ping { source, target: target.parse().unwrap(), count, timeout }).unwrap()
    };
    let replied = ping(&net, "10.0.0.2", 5, SOON);
    assert_eq!((replied.outcome, replied.sent, replied.received), (PingOutcome::Reply, 5, 5));
    let refused = ping(&net, "10.9.0.1", 5, SOON);
    assert_eq!((refused.sent, refused.received), (0, 0));
    // The first of several requests has waited longest: with the others it outlasts the search for a neighbour.
    net.down("blue/eth0");
    assert_eq!(ping(&net, "10.0.0.2", 5, Duration::from_secs(2)).outcome, PingOutcome::NoReply);
    let given_up = ping(&net, "10.0.0.2", 7, Duration::from_secs(2));
    assert_eq!((given_up.outcome, given_up.sent), (PingOutcome::Unreachable(crate::topology::Errno::EHOSTUNREACH), 7));
}

#[test]
fn answers_follow_every_change() {
    let mut net = pair();
    assert_eq!(net.ping("red", "10.0.0.2"), "reply");
    net.down("blue/eth0");
    assert_eq!(net.ping("red", "10.0.0.2"), "none");
    net.up("blue/eth0");
    assert_eq!(net.ping("red", "10.0.0.2"), "reply");
    net.no_address("blue/eth0", "10.0.0.2/24");
    assert_eq!(net.ping("red", "10.0.0.2"), "none");
}

#[test]
fn netns_that_is_not_there_is_refused() {
    let source = NetnsName::parse("green").unwrap();
    let ping = Ping { source, target: "10.0.0.1".parse().unwrap(), count: 1, timeout: SOON };
    assert_eq!(pair().0.ping(&ping).unwrap_err().errno.unwrap().name(), "ENOENT");
}
