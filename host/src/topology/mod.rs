//! The model: the network that a lab shall be, as plain values.
//!
//! Every call of a scenario is played here first. What `ip` would refuse is refused, with the kernel's errno, and what the
//! kernel does on the side happens here too. Nothing here does I/O, waits, or knows of WebAssembly or netlink.

mod address;
mod addresses;
mod adopt;
mod autoconfiguration;
mod bridge;
mod changes;
mod drift;
mod errno;
mod gateway;
mod host;
mod limits;
mod link;
mod mac;
mod name;
mod netns;
mod objects;
pub mod observed;
mod ping;
mod reach;
mod refusal;
mod route;
mod segments;
pub mod settings;
mod successor;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod veth;
mod view;
mod warnings;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use objects::Objects;

pub use address::{Address, is_ipv6_link_local};
pub use addresses::Addresses;
pub use adopt::Strangers;
pub use changes::Changes;
pub use drift::{Drift, drift, forget_own_ipv6, forget_peers};
pub use errno::Errno;
pub use host::{Host, WayOut};
pub use limits::Limits;
pub use link::{Kind, Link, Mtu};
pub use mac::MacAddress;
pub use name::{LinkName, NameError, NetnsName, Place};
pub use netns::Netns;
pub use ping::{MOST_PINGS, PING_INTERVAL, Ping, PingAnswer, PingOutcome};
pub use refusal::{Code, Refusal};
pub use route::{Destination, Protocol, Route};
pub use segments::{SegmentId, Segments};
pub use table::{Rank, Table};
pub use text::{harmless, harmless_lines, is_obeyed};
pub use veth::QUEUES;
pub use warnings::Warning;

/// Identifies a netns for as long as the topology lives, also after it has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NetnsId(u32);

impl NetnsId {
    /// The netns that plays the host.
    pub const HOST: Self = Self(0);
}

/// Identifies a link for as long as the topology lives, also after it has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkId(u32);

/// Who gives a link its link-local IPv6 address when it is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkLocal {
    /// The model does, as a kernel would.
    Automatic,
    /// Nobody, unless it is added: as in the agent's namespaces, where the kernel's own address generation is off. Where it is on
    /// (`Netns::autoconfiguration`) the kernel does.
    Explicit,
}

/// A network: every netns with its links, addresses and routes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Topology {
    netns: Objects<NetnsId, Netns>,
    netns_by_name: HashMap<NetnsName, NetnsId>,
    links: Objects<LinkId, Link>,
    /// What the objects that have gone were called last.
    gone_netns: BTreeMap<NetnsId, NetnsName>,
    gone_links: BTreeMap<LinkId, (Place, Kind)>,
    next_netns: u32,
    next_link: u32,
    /// Addresses and routes that count against the limit.
    counted: usize,
    limits: Limits,
    link_local: LinkLocal,
    host: Host,
    #[serde(skip)]
    changes: Changes,
    /// What `ping` looks up, from the first question until the next change.
    #[serde(skip)]
    index: OnceLock<Arc<reach::Index>>,
}

impl Topology {
    /// Makes a network of the host alone, whose `lo` is down.
    pub fn new(limits: Limits) -> Self {
        let mut topology = Self {
            netns: Objects::new(),
            netns_by_name: HashMap::new(),
            links: Objects::new(),
            gone_netns: BTreeMap::new(),
            gone_links: BTreeMap::new(),
            next_netns: 0,
            next_link: 0,
            counted: 0,
            limits,
            link_local: LinkLocal::Automatic,
            host: Host::Private,
            changes: Changes::default(),
            index: OnceLock::new(),
        };
        topology.insert_netns(NetnsName::host());
        topology
    }

    /// Returns a copy that behaves like the kernel in the agent's namespaces, for a plan to be tried on.
    pub fn rehearsal(&self) -> Self {
        Self { link_local: LinkLocal::Explicit, changes: Changes::default(), ..self.clone() }
    }

    /// Returns how many namespaces there are, the host among them.
    pub fn netns_count(&self) -> usize {
        self.netns.len()
    }

    /// Returns how many links there are, every `lo` left out.
    pub fn link_count(&self) -> usize {
        self.links.len() - self.netns.len()
    }

    /// Has other limits hold from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Forgets what the objects that have gone were called, and what has changed. Nobody may have an identity of theirs.
    pub fn forget_gone(&mut self) {
        self.gone_netns.clear();
        self.gone_links.clear();
        self.changes = Changes::default();
    }

    fn changed(&mut self) {
        self.index.take();
    }

    /// Refuses an address or route past the limit.
    fn count_one(&mut self, act: impl FnOnce() -> String) -> Result<(), Refusal> {
        if self.counted >= self.limits.addresses_and_routes {
            let limit = self.limits.addresses_and_routes;
            return Err(Refusal::limit(act(), limit, "addresses and routes", "--max-addresses-and-routes"));
        }
        self.counted += 1;
        Ok(())
    }
}
