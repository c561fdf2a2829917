//! The plan: what is to be done so that the network that stands becomes the one that is wanted.

mod difference;
mod edit;
mod failure;
mod machine;
mod need;
mod order;
mod play;
#[cfg(any(test, fuzzing))]
pub(crate) mod random;
mod shortage;
mod standing;
mod step;
#[cfg(test)]
mod tests;
mod words;

pub use difference::{PlanError, difference};
pub use edit::edit;
pub use failure::StepFailure;
pub use machine::{Conflict, Machine, MachineLink, MachinePeer, MachineRoute, Mark};
pub use need::Need;
pub use shortage::{Scarce, Shortage};
pub use standing::Standing;
pub use step::{NewLink, NewRoute, Step};
pub use words::{Word, Words};
