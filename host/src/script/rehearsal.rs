//! A backend without a kernel: steps are played on the model, which answers the looks.

use std::time::Duration;

use super::Backend;
use crate::plan::{Machine, Step};
use crate::topology::{NetnsName, Ping, PingAnswer, Refusal, Topology, harmless, observed};

/// What a scenario would do.
#[derive(Debug)]
pub struct Rehearsal {
    network: Topology,
    steps: Vec<Step>,
    /// The machine that steps must not meet, if it is to be the host.
    machine: Option<Machine>,
    lab: String,
}

impl Rehearsal {
    /// Begins with `network`.
    pub fn new(network: &Topology, machine: Option<Machine>, lab: String) -> Self {
        Self { network: network.rehearsal(), steps: Vec::new(), machine, lab }
    }

    /// Returns the steps so far.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl Backend for Rehearsal {
    fn apply(&mut self, steps: Vec<Step>) -> Result<(), Refusal> {
        if let Some(conflict) = self.machine.as_ref().and_then(|machine| machine.conflict(&steps)) {
            return Err(conflict.into());
        }
        for step in steps {
            step.play(&mut self.network)?;
            self.steps.push(step);
        }
        Ok(())
    }

    fn ping(&mut self, pings: Vec<Ping>) -> Result<Vec<PingAnswer>, Refusal> {
        pings.iter().map(|ping| self.network.ping(ping)).collect()
    }

    fn observe(&mut self, netns: NetnsName) -> Result<observed::Netns, Refusal> {
        Ok(self.network.observe(self.network.find_netns(&netns)?))
    }

    fn settle(&mut self, _: Duration) -> Result<Vec<String>, Refusal> {
        // The model is always at rest.
        Ok(Vec::new())
    }

    fn log(&mut self, message: &str) {
        eprintln!("{}: {}", self.lab, harmless(message));
    }
}
