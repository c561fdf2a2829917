//! The plan: what is to be done so that the network that stands becomes the one that is wanted.

mod difference;
mod failure;
mod play;
mod step;
#[cfg(test)]
mod tests;

pub use difference::{PlanError, difference};
pub use failure::StepFailure;
pub use step::{NewLink, NewRoute, Step};
