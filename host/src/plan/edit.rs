//! From a network that stands to one that was drawn anew.

use std::collections::BTreeSet;

use super::Step;
use super::difference::{PlanError, steps};
use crate::topology::{Changes, LinkId, Topology};

/// Returns the steps from the network that stands to one that was drawn anew, and need not have grown out of it. What is called the
/// same and can become what is wanted is changed in place; all else is removed, and made. So are links whose routes would come before
/// others that they are to follow.
///
/// The cost is that of looking at both once, and of planning what differs.
pub fn edit(standing: &Topology, wanted: &Topology) -> Result<Vec<Step>, PlanError> {
    let mut anew: BTreeSet<LinkId> = BTreeSet::new();
    let mut in_place: Option<Vec<Step>> = None;
    loop {
        let successor = wanted.succeeding(standing, &anew);
        let changes = Changes::differing(standing, &successor);
        let mut built = standing.rehearsal();
        let steps = steps(&mut built, &successor, &changes)?;
        let early = built.too_early(&successor, &changes);
        if early.is_empty() {
            return Ok(steps);
        }
        let in_place = in_place.get_or_insert(steps);
        // What was made already can't be made later.
        let stands = |id: &LinkId| standing.standing(*id).is_some() && !anew.contains(id);
        let more: Vec<LinkId> = early.into_iter().filter(stands).collect();
        if more.is_empty() {
            // Addresses that were added in turns can have led to an order that no link can be in.
            return Ok(std::mem::take(in_place));
        }
        anew.extend(more);
    }
}
