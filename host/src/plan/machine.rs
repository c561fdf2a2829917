//! The machine as a host of labs (`--on-host`): what it has, and whether steps would meet it.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Step;
use crate::topology::{LinkName, NetnsName, Place, Refusal};

/// What stands in the machine's own network namespace.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Its links.
    pub links: Vec<MachineLink>,
    /// The routes of all its tables, but for those that every link brings.
    pub routes: Vec<MachineRoute>,
    /// The names of `ip netns list`.
    pub netns: Vec<String>,
    /// Whom it is talking to.
    pub peers: Vec<MachinePeer>,
}

/// An address that the machine talks to, wherever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachinePeer {
    /// The address.
    pub address: IpAddr,
    /// What the machine does with it, to follow "the machine".
    pub what: &'static str,
}

/// A link of the machine.
#[derive(Clone, Debug, Default)]
pub struct MachineLink {
    /// Its name.
    pub name: String,
    /// Its other names (`ip link property`), which nobody else may have either.
    pub other_names: Vec<String>,
    /// What it is: `veth`, `bridge`, ...
    pub kind: String,
    /// Its alias, by which labs mark what is theirs.
    pub alias: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
}

/// A route of the machine.
#[derive(Clone, Debug)]
pub struct MachineRoute {
    /// The network that it leads to.
    pub destination: IpNet,
    /// The link that it leads over.
    pub link: Option<String>,
    /// The routers that it leads through.
    pub gateways: Vec<IpAddr>,
    /// The whole of it, as `ip route` prints it.
    pub words: String,
}

/// The mark that a link of a lab carries in the machine's namespace, as its alias: `orchestrator lab LAB ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark(String);

impl Mark {
    /// Makes the mark of one lab. `id` tells it from others that have had the name.
    pub fn new(lab: &str, id: &str) -> Self {
        Self(format!("{}{id}", Self::beginning(lab)))
    }

    /// Returns what the marks of all labs of a name begin with.
    pub fn beginning(lab: &str) -> String {
        format!("orchestrator lab {lab} ")
    }

    /// Returns the mark as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the lab whose mark an alias is.
    fn lab(alias: &str) -> Option<&str> {
        alias.strip_prefix("orchestrator lab ")?.split(' ').next()
    }
}

impl Machine {
    /// Returns the machine without the links whose alias `is_own`, and the routes over them.
    pub fn without(mut self, is_own: impl Fn(&str) -> bool) -> Self {
        let (own, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.links).into_iter().partition(|link| link.alias.as_deref().is_some_and(&is_own));
        let over_own = |route: &MachineRoute| own.iter().any(|link| Some(&link.name) == route.link.as_ref());
        self.routes.retain(|route| !over_own(route));
        // Whom it talks to there is the lab itself.
        let is_there = |peer: &MachinePeer| {
            own.iter().flat_map(|link| &link.addresses).any(|address| address.trunc().contains(&peer.address))
        };
        self.peers.retain(|peer| !is_there(peer));
        self.links = others;
        self
    }

    /// Returns the first step that would take a name, or overlap a network, that the machine has.
    pub fn conflict(&self, steps: &[Step]) -> Option<Conflict> {
        steps.iter().find_map(|step| Some(Conflict { step: step.clone(), with: self.meets(step)? }))
    }

    fn meets(&self, step: &Step) -> Option<String> {
        let in_host = |place: &Place| place.netns.is_host().then(|| place.link.clone());
        match step {
            Step::AddNetns { netns, .. } => self.has_netns(netns),
            Step::AddBridge { bridge } => self.has_link(&in_host(&bridge.place)?),
            Step::AddVeth { near, far, .. } => {
                let ends = [&near.place, &far.place].into_iter().filter_map(in_host);
                ends.filter_map(|name| self.has_link(&name)).next()
            }
            Step::SetName { link, name, .. } if link.netns.is_host() => self.has_link(name),
            Step::SetNetns { target, name, .. } if target.is_host() => self.has_link(name),
            Step::AddAddress { link, address, .. } if link.netns.is_host() => self.overlaps(&address.trunc()),
            Step::AddRoute { link, route } if link.netns.is_host() => self.overlaps(&route.destination),
            _ => None,
        }
    }

    fn has_netns(&self, name: &NetnsName) -> Option<String> {
        let taken = self.netns.iter().any(|taken| taken == name.as_str());
        taken.then(|| format!("the machine has a netns `{name}`"))
    }

    fn has_link(&self, name: &LinkName) -> Option<String> {
        let is_called = |link: &&MachineLink| {
            link.name == name.as_str() || link.other_names.iter().any(|other| other == name.as_str())
        };
        self.links.iter().find(is_called).map(|link| format!("the machine has {link}"))
    }

    fn overlaps(&self, network: &IpNet) -> Option<String> {
        if is_of_its_link_alone(network) {
            return None;
        }
        let meet = |other: &IpNet| network.contains(other) || other.contains(network);
        for link in &self.links {
            if let Some(address) =
                link.addresses.iter().find(|address| meet(&address.trunc()) && !is_of_its_link_alone(address))
            {
                return Some(format!("the machine has address `{address}` on {link}"));
            }
        }
        let is_met = |route: &&MachineRoute| {
            let leads_there = counts(&route.destination) && meet(&route.destination);
            leads_there || route.gateways.iter().any(|gateway| network.contains(gateway))
        };
        if let Some(route) = self.routes.iter().find(is_met) {
            return Some(format!("the machine has route `{}`", route.words));
        }
        if let Some(peer) = self.peers.iter().find(|peer| network.contains(&peer.address)) {
            return Some(format!("`{}` is in it, and the machine {}", peer.address, peer.what));
        }
        if is_for_all(network) {
            return Some("the machine may want it: it is no network for private use".into());
        }
        // What a default route leads to is in use: the other end of this very session may be there, or the machine's name server.
        let is_the_way = |route: &&MachineRoute| {
            is_default(&route.destination) && route.destination.addr().is_ipv4() == network.addr().is_ipv4()
        };
        let way = self.routes.iter().find(is_the_way).filter(|_| !is_for_private_use(network))?;
        Some(format!("it is no network for private use, and the machine has route `{}` to it", way.words))
    }
}

fn is_within_one_of(network: &IpNet, all: &[&str]) -> bool {
    all.iter().any(|other| other.parse().is_ok_and(|other: IpNet| other.contains(network)))
}

/// Tells whether a network is one that anybody may use within their own four walls: RFC 1918, RFC 6598, RFC 4193, and those for
/// measuring and for documents (RFC 2544, 5737, 3849, 9637).
fn is_for_private_use(network: &IpNet) -> bool {
    const PRIVATE: [&str; 11] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "198.18.0.0/15",
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "fc00::/7",
        "2001:db8::/32",
        "3fff::/20",
    ];
    is_within_one_of(network, &PRIVATE)
}

/// Tells whether a network is of no single place: groups, broadcast, and the link-local one of IPv4, where clouds have their services.
fn is_for_all(network: &IpNet) -> bool {
    is_within_one_of(network, &["224.0.0.0/3", "169.254.0.0/16", "0.0.0.0/8", "ff00::/8"])
}

/// Tells whether a network is one of link-local addresses, of which every link has its own.
fn is_of_its_link_alone(network: &IpNet) -> bool {
    matches!(network, IpNet::V6(network) if network.addr().is_unicast_link_local() && network.prefix_len() >= 10)
}

/// Tells whether a route of the machine is to a network of its own. A default route is not: it is for what nobody has. VPNs write
/// it as two halves, and some IPv6 networks as all of the global unicast addresses (RFC 4291).
fn counts(destination: &IpNet) -> bool {
    !is_default(destination) && !destination.addr().is_multicast() && !is_of_its_link_alone(destination)
}

fn is_default(destination: &IpNet) -> bool {
    let global: IpNet = "2000::/3".parse().expect("a network");
    destination.prefix_len() <= 1 || *destination == global
}

impl fmt::Display for MachineLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a link `{}` ({})", self.name, self.kind)?;
        match self.alias.as_deref().and_then(Mark::lab) {
            Some(lab) => write!(f, " of lab `{lab}`"),
            None => Ok(()),
        }
    }
}

/// A step that would meet something of the machine's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The step.
    pub step: Step,
    /// What it would meet.
    pub with: String,
}

impl From<Conflict> for Refusal {
    fn from(conflict: Conflict) -> Self {
        Self::conflict(conflict.step.act(), conflict.with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(netns: &str, link: &str) -> Place {
        Place {
            netns: if netns == "host" { NetnsName::host() } else { NetnsName::parse(netns).unwrap() },
            link: LinkName::parse(link).unwrap(),
        }
    }

    fn machine() -> Machine {
        let link = |name: &str, addresses: &[&str]| MachineLink {
            name: name.into(),
            kind: "device".into(),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
            ..MachineLink::default()
        };
        let route = |destination: &str, link: &str| MachineRoute {
            destination: destination.parse().unwrap(),
            link: Some(link.into()),
            gateways: if destination.ends_with("/0") { vec!["192.168.44.1".parse().unwrap()] } else { Vec::new() },
            words: format!("{destination} dev {link}"),
        };
        let docker = MachineLink { other_names: vec!["dockerbridge".into()], ..link("docker0", &["172.17.0.1/16"]) };
        let other_lab = MachineLink { alias: Some(Mark::new("other", "1").0), ..link("br7", &["10.7.0.1/24"]) };
        let eth0 = link("eth0", &["10.0.0.5/16", "2001:db8::5/64", "fe80::5/64"]);
        let routes = ["0.0.0.0/0", "0.0.0.0/1", "2000::/3", "fe80::/64", "ff00::/8", "192.168.7.0/24"];
        Machine {
            links: vec![link("lo", &["127.0.0.1/8", "::1/128"]), eth0, docker, other_lab],
            routes: routes.into_iter().map(|to| route(to, "eth0")).chain([route("10.8.0.0/24", "br7")]).collect(),
            netns: vec!["blue".into()],
            peers: vec![MachinePeer { address: "172.30.0.9".parse().unwrap(), what: "talks to it" }],
        }
    }

    fn address(address: &str) -> Step {
        Step::AddAddress { link: place("host", "br0"), address: address.parse().unwrap(), detect_duplicates: false }
    }

    fn met(step: Step) -> Option<String> {
        machine().conflict(&[step]).map(|conflict| conflict.with)
    }

    #[test]
    fn networks_that_overlap_in_either_direction_are_met_in_both_families() {
        for (ours, theirs) in [
            ("10.0.5.1/24", "10.0.0.5/16"),
            ("10.0.0.0/8", "10.0.0.5/16"),
            ("2001:db8::77/128", "2001:db8::5/64"),
            ("192.168.7.9/32", "192.168.7.0/24 dev eth0"),
            ("127.5.0.1/16", "127.0.0.1/8"),
            ("0.0.0.5/0", "127.0.0.1/8"),
            ("10.7.0.2/24", "of lab `other`"),
        ] {
            let with = met(address(ours)).unwrap_or_else(|| panic!("{ours}"));
            assert!(with.contains(theirs), "{ours}: {with}");
        }
    }

    #[test]
    fn default_routes_and_link_local_networks_are_nobodys_own() {
        for ours in ["172.16.0.1/24", "fe80::77/64", "2001:db8:1::1/64", "203.0.113.1/24"] {
            assert_eq!(met(address(ours)), None);
        }
    }

    #[test]
    fn what_a_default_route_leads_to_is_in_use_unless_it_is_for_private_use() {
        for (ours, theirs) in [
            ("128.0.0.1/3", "route `0.0.0.0/0 dev eth0`"),
            ("8.8.8.8/32", "route `0.0.0.0/0 dev eth0`"),
            ("192.168.44.1/32", "route `0.0.0.0/0 dev eth0`"),
            ("2606:4700::1/64", "route `2000::/3 dev eth0`"),
            ("169.254.169.254/32", "private use"),
            ("224.0.0.1/4", "private use"),
            ("255.255.255.255/32", "private use"),
        ] {
            let with = met(address(ours)).unwrap_or_else(|| panic!("{ours}"));
            assert!(with.contains(theirs), "{ours}: {with}");
        }
    }

    #[test]
    fn whoever_the_machine_talks_to_stays_where_they_are() {
        let with = met(address("172.30.0.1/24")).unwrap();
        assert_eq!(with, "`172.30.0.9` is in it, and the machine talks to it");
        assert_eq!(met(address("172.30.1.1/24")), None);
    }

    #[test]
    fn default_route_of_a_lab_would_take_the_machines_traffic() {
        let route = super::super::NewRoute {
            destination: "0.0.0.0/0".parse().unwrap(),
            gateway: Some("172.16.0.9".parse().unwrap()),
            metric: 0,
            connected: false,
            source: None,
        };
        assert!(met(Step::AddRoute { link: place("host", "br0"), route: route.clone() }).is_some());
        assert_eq!(met(Step::AddRoute { link: place("c1", "eth0"), route }), None);
    }

    #[test]
    fn names_are_met_in_the_host_alone() {
        let rename = |netns, name| Step::SetName {
            link: place(netns, "br0"),
            name: LinkName::parse(name).unwrap(),
            mac: crate::topology::MacAddress::ZERO,
        };
        assert_eq!(met(rename("host", "eth0")).as_deref(), Some("the machine has a link `eth0` (device)"));
        assert!(met(rename("host", "dockerbridge")).is_some_and(|with| with.contains("`docker0`")));
        assert_eq!(met(rename("c1", "eth0")), None);
        assert_eq!(met(rename("host", "eth1")), None);
        assert!(met(Step::AddNetns { netns: NetnsName::parse("blue").unwrap(), hub: false }).is_some());
    }

    #[test]
    fn lab_that_is_replaced_is_in_nobodys_way() {
        let beginning = Mark::beginning("other");
        let machine = machine().without(|alias| alias.starts_with(&beginning));
        for ours in ["10.7.0.2/24", "10.8.0.1/24"] {
            assert_eq!(machine.conflict(&[address(ours)]), None);
        }
        assert!(machine.conflict(&[address("10.0.0.9/24")]).is_some());
    }
}
