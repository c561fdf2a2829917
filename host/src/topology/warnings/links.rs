//! Bridges that join nothing, and links that are down where something hangs on them.

use super::{Survey, and_more, given};
use crate::topology::{Kind, Link, LinkId};

impl Survey<'_> {
    pub(super) fn links(&mut self) {
        for (id, link) in self.network.list_links() {
            match &link.kind {
                Kind::Loopback => {}
                Kind::Bridge { ports } if ports.is_empty() => self.bridge_without_ports(id, link),
                Kind::Bridge { ports } => self.bridge_with_ports(id, link, ports),
                Kind::Veth { peer } => self.veth(id, link, *peer),
            }
        }
    }

    fn bridge_without_ports(&mut self, id: LinkId, link: &Link) {
        let place = format!("bridge {}", self.network.place_of(id));
        if given(link).next().is_none() {
            return self.warn(place, "has no ports, so it joins nothing".into(), "add ports to it, or leave it out");
        }
        if !link.up {
            return self.warn(place, "has no ports, and has addresses while it is down".into(), "set it up");
        }
        if self.plays_an_interface(id, link) {
            return;
        }
        let netns = self.network.netns_name(link.netns);
        let what = format!("has no ports: `{netns}` answers at its addresses, and nothing is behind it");
        self.warn(place, what, "add ports to it, unless it is there to play another interface");
    }

    /// Tells whether a bridge that has an address and no ports is meant so: as one more interface of a netns whose other links are
    /// all in use. A link that is neither a port nor has an address may be one that was to be a port.
    fn plays_an_interface(&self, id: LinkId, link: &Link) -> bool {
        let links = self.network.links_of(link.netns).filter(|other| *other != id).map(|other| self.link(other));
        let mut others = links.filter(|other| other.kind != Kind::Loopback).peekable();
        let in_use =
            |other: &Link| other.controller.is_some() || !other.ports().is_empty() || given(other).next().is_some();
        others.peek().is_some() && others.all(in_use)
    }

    fn bridge_with_ports(&mut self, id: LinkId, link: &Link, ports: &[LinkId]) {
        if !link.up {
            let place = format!("bridge {}", self.network.place_of(id));
            self.warn(place, "is down, so nothing passes between its ports".into(), "set it up");
        }
        let down: Vec<LinkId> = ports.iter().copied().filter(|port| !self.link(*port).up).collect();
        if !down.is_empty() {
            let place = self.words(self.first(&down)) + &and_more(down.len() - 1, "port");
            let what = format!("is a port of bridge `{}` and down, so nothing passes through it", link.name);
            self.warn(place, what, "set it up");
        }
        for port in ports {
            if let Some(address) = given(self.link(*port)).next() {
                let what = format!(
                    "has address `{}` and is a port of bridge `{}`, which takes all that arrives there, so the address \
                     reaches nobody",
                    address.cidr, link.name
                );
                self.warn(self.words(*port), what, format!("give the address to `{}`", link.name));
            }
        }
    }

    fn veth(&mut self, id: LinkId, link: &Link, peer: LinkId) {
        // What is said of ports that are down is said with their bridge.
        if link.up || link.controller.is_some() {
            return;
        }
        if given(link).next().is_some() {
            return self.warn(
                self.words(id),
                "has an address and is down, so nobody reaches it there".into(),
                "set it up",
            );
        }
        let other = self.link(peer);
        if other.up && given(other).next().is_some() {
            let what = format!(
                "is down while its peer, {}, is up and has an address, so nobody reaches it there",
                self.words(peer)
            );
            self.warn(self.words(id), what, "set it up");
        }
    }
}
