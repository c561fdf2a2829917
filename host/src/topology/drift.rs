//! What a network has become that is not what it should be.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::observed::{Link, Netns, Route, with_rest};
use super::{MacAddress, NetnsName};

/// One difference between a netns as it should be and as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The netns.
    pub netns: NetnsName,
    /// What it is about, in the words of `ip`: `link eth0`, `address 10.0.0.1/24 dev eth0`, `route default dev eth0`.
    pub what: String,
    /// What it should be; nothing if it should not be there.
    pub expected: Option<String>,
    /// What it is; nothing if it is not there.
    pub found: Option<String>,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { netns, what, expected, found } = self;
        write!(f, "netns `{netns}`: {what}")?;
        match (expected, found) {
            (Some(_), None) => f.write_str(" is missing"),
            (None, Some(_)) => f.write_str(" should not be there"),
            (Some(expected), Some(found)) => write!(f, " is {found} and should be {expected}"),
            (None, None) => Ok(()),
        }
    }
}

/// Lists in what a netns differs from what it should be. What only follows from the rest, as a carrier does, or comes from a router's
/// advertisement, is left out.
pub fn drift(expected: &Netns, found: &Netns) -> Vec<Drift> {
    let mut list = List { netns: &expected.name, drifts: Vec::new() };
    list.differ("forwarding", on_or_off(expected.forwarding), on_or_off(found.forwarding));
    let by_name = |netns: &'_ Netns| -> HashMap<String, usize> {
        netns.links.iter().enumerate().map(|(at, link)| (link.name.clone(), at)).collect()
    };
    let (wanted, there) = (by_name(expected), by_name(found));
    for link in &expected.links {
        match there.get(&link.name) {
            Some(at) => list.link(link, &found.links[*at], expected.autoconfiguration),
            None => list.push(format!("link {}", link.name), Some(link.kind.clone()), None),
        }
    }
    for link in found.links.iter().filter(|link| !wanted.contains_key(&link.name)) {
        list.push(format!("link {}", link.name), None, Some(link.kind.clone()));
    }
    list.routes(expected, found);
    list.drifts
}

/// Leaves out of a comparison what a netns has only where the kernel has IPv6 there: addresses of links for themselves, and the routes
/// that come with IPv6 addresses.
pub fn forget_own_ipv6(netns: &mut Netns) {
    netns.links.iter_mut().for_each(|link| link.addresses.retain(|address| address.scope != "link"));
    netns.routes.retain(|route| route.protocol != "kernel" || !route.destination.addr().is_ipv6());
}

/// Leaves out of a comparison where the other ends of veths are, unless their netns was read too.
pub fn forget_peers(netns: &mut Netns, was_read: impl Fn(&NetnsName) -> bool) {
    for link in &mut netns.links {
        link.peer.take_if(|peer| !was_read(&peer.netns));
    }
}

struct List<'a> {
    netns: &'a NetnsName,
    drifts: Vec<Drift>,
}

impl List<'_> {
    fn push(&mut self, what: String, expected: Option<String>, found: Option<String>) {
        self.drifts.push(Drift { netns: self.netns.clone(), what, expected, found });
    }

    fn differ(&mut self, what: &str, expected: String, found: String) {
        if expected != found {
            self.push(what.to_owned(), Some(expected), Some(found));
        }
    }

    fn link(&mut self, expected: &Link, found: &Link, autoconfiguration: bool) {
        let what = format!("link {}", expected.name);
        for say in [
            |link: &Link| link.kind.clone(),
            |link: &Link| format!("address {}", link.mac),
            |link: &Link| format!("mtu {}", link.mtu),
            |link: &Link| if link.up { "up" } else { "down" }.to_owned(),
            |link: &Link| format!("numtxqueues {}", link.queues),
            |link: &Link| link.controller.as_ref().map_or("nomaster".into(), |bridge| format!("master {bridge}")),
            |link: &Link| match &link.peer {
                Some(peer) => format!("peer {} in netns {}", peer.link, peer.netns),
                None => "without a peer in the lab".into(),
            },
        ] {
            self.differ(&what, say(expected), say(found));
        }
        // The kernel makes this when it sees fit.
        let own = expected.mac.parse::<MacAddress>().map(MacAddress::link_local).map(IpAddr::from).ok();
        let counts = |address: &&super::observed::Address| {
            !autoconfiguration || !(address.dynamic || Some(address.cidr.addr()) == own)
        };
        let list = |link: &Link| -> Vec<(String, String)> {
            let addresses = link.addresses.iter().filter(counts);
            let said = addresses.map(|address| {
                let order = if address.secondary { "secondary" } else { "primary" };
                let lasts = if address.dynamic { ", for a limited time" } else { "" };
                (format!("address {} dev {}", address.whole(), link.name), format!("{order}{lasts}"))
            });
            said.collect()
        };
        self.lists(&list(expected), &list(found));
    }

    fn routes(&mut self, expected: &Netns, found: &Netns) {
        let counts = |route: &&Route| {
            !expected.autoconfiguration
                || !route.destination.addr().is_ipv6()
                || !(route.protocol == "ra" || route.protocol == "kernel")
        };
        let list = |netns: &Netns| -> Vec<(String, String)> {
            netns.routes.iter().filter(counts).map(|route| (route_words(route), String::new())).collect()
        };
        self.lists(&list(expected), &list(found));
    }

    /// Compares lists of what is there, each with what it is.
    fn lists(&mut self, expected: &[(String, String)], found: &[(String, String)]) {
        let mut left: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (what, is) in found {
            left.entry(what).or_default().push(is);
        }
        for (what, is) in expected {
            match left.get_mut(what.as_str()).and_then(Vec::pop) {
                Some(found) => self.differ(what, is.clone(), found.to_owned()),
                None => self.push(what.clone(), Some(is.clone()), None),
            }
        }
        for (what, several) in left {
            for is in several {
                self.push(what.to_owned(), None, Some(is.to_owned()));
            }
        }
    }
}

fn on_or_off(on: bool) -> String {
    if on { "on" } else { "off" }.into()
}

/// The words of `ip route`, without what follows from the rest. Whether a route came with an address tells, who else made it does not:
/// a lab on the machine has a number of its own for that.
fn route_words(route: &Route) -> String {
    let mut words = format!("route {}", route.destination);
    if route.destination.prefix_len() == 0 {
        words = format!("route {}", if route.destination.addr().is_ipv6() { "default (IPv6)" } else { "default" });
    }
    let mut say = |word: &str, value: Option<String>| {
        if let Some(value) = value {
            words.push_str(&format!(" {word} {value}"));
        }
    };
    say("via", route.gateway.map(|gateway| gateway.to_string()));
    say("dev", route.link.clone());
    say("proto", (route.protocol == "kernel").then(|| route.protocol.clone()));
    say("src", route.source.map(|source| source.to_string()));
    say("metric", (route.metric != 0).then(|| route.metric.to_string()));
    with_rest(words, &route.rest)
}
