//! Where the links that stand are to be.

use std::collections::BTreeMap;

use super::Planner;
use crate::plan::Step;
use crate::topology::{LinkId, LinkName, MacAddress, NetnsName, Place, Refusal};

impl Planner<'_> {
    /// Renames and moves the links that stand, by way of a name that is free where they want each other's.
    pub(super) fn put_in_place(&mut self) -> Result<(), Refusal> {
        let misplaced = |id: &LinkId| self.now.place_of(*id) != self.wanted.place_of(*id);
        let misplaced: Vec<LinkId> = self.stood.iter().copied().filter(misplaced).collect();
        // Who waits for a place that another has still.
        let mut waiting: BTreeMap<Place, LinkId> = BTreeMap::new();
        for id in &misplaced {
            let target = self.wanted.place_of(*id);
            self.add_netns(&target.netns)?;
            if self.now.find_place(&target).is_ok() {
                waiting.insert(target, *id);
            } else {
                self.put(*id, target, &mut waiting)?;
            }
        }
        // What waits now, waits for each other in circles.
        for id in misplaced {
            if waiting.contains_key(&self.wanted.place_of(id)) {
                let mut place = self.now.place_of(id);
                place.link = self.free_name(&place.netns);
                self.put(id, place, &mut waiting)?;
            }
        }
        Ok(())
    }

    /// Puts a link into a place, the one that waited for its old place there, and so on.
    fn put(&mut self, id: LinkId, target: Place, waiting: &mut BTreeMap<Place, LinkId>) -> Result<(), Refusal> {
        let mut next = Some((id, target));
        while let Some((id, target)) = next {
            let (link, mac) = (self.now.place_of(id), MacAddress::at(&target));
            next = waiting.remove(&link).map(|id| (id, link.clone()));
            let Place { netns, link: name } = target;
            if link.netns == netns {
                // Its link-local address would be another one, which the kernel makes only when it comes up.
                if self.now.standing(id).is_some_and(|link| link.up) && self.now.configures_itself(id) {
                    self.step(Step::SetDown { link: link.clone() })?;
                }
                self.step(Step::SetName { link, name, mac })?;
            } else {
                self.step(Step::SetNetns { link, target: netns, name, mac })?;
            }
        }
        Ok(())
    }

    fn free_name(&self, netns: &NetnsName) -> LinkName {
        (0..)
            .filter_map(|n| LinkName::parse(&format!("_moving{n}")).ok())
            .find(|name| self.now.find_place(&Place { netns: netns.clone(), link: name.clone() }).is_err())
            .expect("a netns has fewer links than there are names")
    }
}
