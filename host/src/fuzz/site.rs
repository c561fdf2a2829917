//! The agent's side of a session, without the kernel.

use crate::agent::fuzz::Building;
use crate::plan::Step;
use crate::protocol::Request;
use crate::topology::Limits;

/// Few, so that they are met.
const LIMITS: Limits = Limits { netns: 4, links: 12, addresses_and_routes: 24 };

/// A lab that is being built.
pub(super) struct Site(Building);

impl Site {
    pub(super) fn new() -> Self {
        Self(Building::new(LIMITS))
    }

    /// Tells whether the model takes a step.
    pub(super) fn allows(&self, step: &Step) -> bool {
        step.play(&mut self.0.model().clone()).is_ok()
    }

    /// Takes a request as the agent does up to where it asks the kernel. Returns whether the session goes on.
    pub(super) fn take(&mut self, request: &Request) -> bool {
        match request {
            Request::Steps(steps) => {
                let goes_on = steps.iter().all(|step| self.0.step(step).is_ok());
                // What was made in part is looked at no more: nothing is done after a step that was refused.
                if goes_on {
                    self.check();
                }
                goes_on
            }
            Request::Ping(pings) => {
                self.0.look(pings);
                true
            }
            _ => true,
        }
    }

    fn check(&self) {
        let model = self.0.model();
        let own = model.netns_count() - 1;
        assert!(own <= LIMITS.netns && model.link_count() <= LIMITS.links, "{own} netns, {} links", model.link_count());
        self.0.check();
    }
}
