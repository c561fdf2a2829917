//! The network that stands, kept from plan to plan.

use super::Step;
use super::difference::{PlanError, steps};
use crate::topology::Topology;

/// The network that stands. A plan for the next costs what has changed since, not what stands; the least that changes is a link with
/// its addresses and the routes over it.
#[derive(Debug)]
pub struct Standing(Topology);

impl Standing {
    /// Begins with a network.
    pub fn new(network: &Topology) -> Self {
        Self(network.rehearsal())
    }

    /// Returns the steps to a network that grew out of this one, and takes it as the one that stands. Its changes count from here
    /// again, so nobody else may take them.
    ///
    /// After an error nothing is known of what stands.
    pub fn advance(&mut self, wanted: &mut Topology) -> Result<Vec<Step>, PlanError> {
        let changes = wanted.take_changes();
        let steps = steps(&mut self.0, wanted, &changes)?;
        self.0.catch_up(wanted, &changes);
        Ok(steps)
    }
}
