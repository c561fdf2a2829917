//! What a scenario looks at, and what it sees.

use std::time::Duration;

use super::Backend;
use crate::topology::{NetnsName, Ping, PingAnswer, Refusal, Topology, observed};

/// What a scenario looks at.
#[derive(Clone, Debug)]
pub enum Look {
    /// Whether pings are answered, all at once.
    Ping(Vec<Ping>),
    /// What a netns has.
    Netns(NetnsName),
    /// Whether all links carry, waiting so long for it.
    Settle(Duration),
}

/// What it sees.
#[derive(Clone, Debug)]
pub enum Seen {
    /// What became of each ping.
    Pinged(Vec<PingAnswer>),
    /// What the netns has.
    Netns(Box<observed::Netns>),
    /// The links that did not carry in time, as `NETNS/LINK`.
    Settled(Vec<String>),
}

impl Look {
    /// Asks a backend.
    pub(super) fn ask(self, backend: &mut dyn Backend) -> Result<Seen, Refusal> {
        match self {
            Self::Ping(pings) => backend.ping(pings).map(Seen::Pinged),
            Self::Netns(name) => backend.observe(name).map(|netns| Seen::Netns(Box::new(netns))),
            Self::Settle(timeout) => backend.settle(timeout).map(Seen::Settled),
        }
    }

    /// Asks the model, which is always at rest.
    pub(super) fn ask_model(&self, network: &Topology) -> Result<Seen, Refusal> {
        match self {
            Self::Ping(pings) => {
                Ok(Seen::Pinged(pings.iter().map(|ping| network.ping(ping)).collect::<Result<_, _>>()?))
            }
            Self::Netns(name) => Ok(Seen::Netns(Box::new(network.observe(network.find_netns(name)?)))),
            Self::Settle(_) => Ok(Seen::Settled(Vec::new())),
        }
    }
}
