//! Whose network the netns `host` is: the lab's own, or the machine's.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Errno, Kind, Limits, LinkId, LinkName, Netns, NetnsId, Refusal, Topology};

/// Whose network the netns `host` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Host {
    /// The lab's own, and empty at first.
    Private,
    /// The machine's. Of what the machine has there, nothing is in the model but `lo`, which is up and can't be changed.
    Machine,
}

/// How a packet leaves a netns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayOut {
    /// Not at all: the address is its own.
    Own,
    /// Over a link.
    Over(LinkId),
}

impl Topology {
    /// Finds how a packet to `target` leaves a netns that stands.
    pub fn way_out(&self, netns: NetnsId, target: IpAddr) -> Option<WayOut> {
        let Netns { holders, routes, .. } = &self.netns[&netns];
        if holders.of_address(target).any(|(_, id)| self.links[&id].up) {
            return Some(WayOut::Own);
        }
        let host = IpNet::from(target);
        let networks = (0..=host.max_prefix_len()).rev().filter_map(|length| IpNet::new(target, length).ok());
        let mut longest_first = networks.filter_map(|network| routes.to(network.trunc()).next());
        longest_first.next().map(|route| WayOut::Over(route.link))
    }

    /// Makes a network whose host is the machine itself.
    pub fn on_machine(limits: Limits) -> Self {
        let mut topology = Self { host: Host::Machine, ..Self::new(limits) };
        let lo = topology.find_link(NetnsId::HOST, &LinkName::lo()).expect("every netns has its `lo`");
        topology.link_mut(lo).up = true;
        topology.add_loopback_addresses(lo);
        topology
    }

    /// Tells whether the host is the machine itself.
    pub fn is_on_machine(&self) -> bool {
        self.host == Host::Machine
    }

    /// Refuses to change the machine's own `lo`.
    pub(super) fn may_change(&self, id: LinkId, act: impl Fn() -> String) -> Result<(), Refusal> {
        let link = self.link(id, &act)?;
        if self.is_on_machine() && link.netns == NetnsId::HOST && link.kind == Kind::Loopback {
            return Err(Refusal::new(
                Errno::EPERM,
                act(),
                "the host is the machine itself (`--on-host`), and so is its `lo`",
            ));
        }
        Ok(())
    }

    /// Refuses to change a setting of the machine.
    pub(super) fn may_set(&self, id: NetnsId, act: impl Fn() -> String) -> Result<(), Refusal> {
        if self.is_on_machine() && id == NetnsId::HOST {
            return Err(Refusal::new(
                Errno::EPERM,
                act(),
                "the host is the machine itself (`--on-host`), whose settings stay",
            ));
        }
        Ok(())
    }
}
