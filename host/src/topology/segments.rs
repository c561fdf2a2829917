//! Segments: the links that hear each other's broadcasts, as veths and bridges join them.

use std::collections::HashMap;

use super::{Kind, LinkId, Topology};

/// Identifies a segment, by the first of its links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(LinkId);

/// Which segment each link is in, whether or not it is up: this is how the lab is wired.
#[derive(Debug)]
pub struct Segments {
    first: HashMap<LinkId, LinkId>,
}

impl Topology {
    /// Finds the segments. The two ends of a veth are in one, and so are a bridge and its ports.
    pub fn segments(&self) -> Segments {
        let mut segments = Segments { first: self.list_links().map(|(id, _)| (id, id)).collect() };
        for (id, link) in self.list_links() {
            if let Kind::Veth { peer } = link.kind {
                segments.join(id, peer);
            }
            if let Some(bridge) = link.controller {
                segments.join(id, bridge);
            }
        }
        for (id, _) in self.list_links() {
            segments.find(id);
        }
        segments
    }
}

impl Segments {
    /// Returns the segment of a link that stands.
    pub fn of(&self, link: LinkId) -> SegmentId {
        SegmentId(self.first[&link])
    }

    /// Finds the first link of a segment, and makes the way to it short for all on it.
    fn find(&mut self, link: LinkId) -> LinkId {
        let mut root = link;
        while self.first[&root] != root {
            root = self.first[&root];
        }
        let mut at = link;
        while at != root {
            at = self.first.insert(at, root).expect("it was looked up above");
        }
        root
    }

    fn join(&mut self, one: LinkId, other: LinkId) {
        let (one, other) = (self.find(one), self.find(other));
        self.first.insert(one.max(other), one.min(other));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{Limits, LinkName, NetnsId, NetnsName};

    #[test]
    fn bridges_and_veths_join_and_namespaces_do_not() {
        let mut network = Topology::new(Limits::default());
        let name = |text: &str| LinkName::parse(text).unwrap();
        let red = network.add_netns(NetnsName::parse("red").unwrap()).unwrap();
        let (a, b) = network.add_veth(NetnsId::HOST, name("a"), red, name("b")).unwrap();
        let (c, d) = network.add_veth(NetnsId::HOST, name("c"), red, name("d")).unwrap();
        let (e, f) = network.add_veth(red, name("e"), red, name("f")).unwrap();
        let bridge = network.add_bridge(NetnsId::HOST, name("br0")).unwrap();
        let segments = network.segments();
        assert_ne!(segments.of(a), segments.of(c));
        network.add_port(bridge, a).unwrap();
        network.add_port(bridge, c).unwrap();
        let segments = network.segments();
        assert!([b, c, d, bridge].iter().all(|link| segments.of(*link) == segments.of(a)));
        assert_eq!(segments.of(e), segments.of(f));
        assert_ne!(segments.of(e), segments.of(a));
    }
}
