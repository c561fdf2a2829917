//! What fuzzers reach of the agent, and nobody else: building up to where the kernel would be asked, and what it reads in `/proc`.

use std::collections::HashSet;
use std::fs::File;

use super::netns::Made;
use super::standing::Standing;
use super::translate::requests;
use crate::plan::Step;
use crate::topology::{Limits, NetnsId, Ping, Refusal, Topology};

pub(crate) use super::memory::{cgroups, field};
pub(crate) use super::peers::{established, name_servers};

/// A lab that is being built where the kernel is never asked: the descriptors of its namespaces lead to nothing.
pub(crate) struct Building(Standing);

impl Building {
    pub(crate) fn new(limits: Limits) -> Self {
        Self(Standing::new(limits, made(true)))
    }

    /// Returns the agent's model.
    pub(crate) fn model(&self) -> &Topology {
        &self.0.topology
    }

    /// Takes a step as the builder does.
    pub(crate) fn step(&mut self, step: &Step) -> Result<(), Refusal> {
        let standing = &mut self.0;
        match step {
            Step::AddNetns { netns, hub } => {
                step.play(&mut standing.topology)?;
                let id = standing.topology.find_netns(netns)?;
                standing.hold(id, made(*hub));
            }
            Step::RemoveNetns { netns } => {
                let id = standing.topology.find_netns(netns)?;
                standing.remove_netns(id, step)?;
            }
            Step::SetForwarding { .. } => step.play(&mut standing.topology)?,
            Step::SetAutoconfiguration { netns, .. } => {
                step.play(&mut standing.topology)?;
                let id = standing.topology.find_netns(netns)?;
                standing.disturb_by(id, std::slice::from_ref(step));
            }
            _ => {
                let (id, _) = requests(standing, step)?;
                standing.disturb_by(id, std::slice::from_ref(step));
            }
        }
        Ok(())
    }

    /// Looks for what pings wait for and where they leave from.
    pub(crate) fn look(&mut self, pings: &[Ping]) {
        let (restless, when) = self.0.restless(pings);
        self.0.has_rested(&restless, pings.iter().any(|ping| ping.target.is_ipv6()), when);
        for ping in pings {
            if let Ok(held) = self.0.find_held(&ping.source) {
                assert_eq!(held.name, ping.source);
                let _ = self.0.topology.ping(ping);
            }
        }
    }

    /// Checks that the kernel's side has what the model has, and no index of a netns twice.
    pub(crate) fn check(&self) {
        let Standing { topology, nodes, indexes, .. } = &self.0;
        assert_eq!(nodes.len(), topology.netns_count());
        assert_eq!(indexes.len(), topology.list_links().count(), "a link that has gone has kept its index");
        let mut taken: HashSet<(NetnsId, u32)> = HashSet::new();
        for (id, link) in topology.list_links() {
            assert!(taken.insert((link.netns, self.0.index(id))), "index {} twice", self.0.index(id));
        }
    }
}

fn made(quiet: bool) -> Made {
    Made { netns: File::open("/dev/null").expect("it is on every machine").into(), socket: None, quiet }
}
