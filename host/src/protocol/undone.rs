//! What became of taking a lab out of the machine's own network namespace.

use std::path::Path;

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// What is left of the lab, and why. Its directory has to stay then, so that it can be tried again.
    pub left: Vec<String>,
    /// What is worth knowing of the rest.
    pub notes: Vec<String>,
}

/// Takes the lab whose directory this is, and that had this name, out of the machine's network namespace.
///
/// `lab` knows when this is to be done and `agent` how; `cli` brings them together.
pub type Undo = fn(&Path, &str) -> Undone;
