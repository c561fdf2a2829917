//! `orchestrator repair`

use clap::Args;

use super::output::print;
use super::{Exit, Failure, complete, speak_to};
use crate::protocol::Repaired;
use crate::render;

/// Make a lab what it should be again, changing only what `check` lists
#[derive(Debug, Args)]
#[command(after_help = "\
Links, addresses and routes that were added by hand are removed. Returns 5 if something could not be put right; it is listed.

Examples:
  orchestrator repair two-containers
  orchestrator repair alice/two-containers             # another user's, as root")]
pub(super) struct Repair {
    /// Lab, or USER/LAB as root
    #[arg(add = complete::lab())]
    lab: String,
}

impl Repair {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let (name, mut client) = speak_to(&self.lab)?;
        let before = client.check()?;
        if before.is_empty() {
            print(&format!("lab `{name}` is what it should be\n"))?;
            return Ok(Exit::Done);
        }
        let Repaired { left, failure } = client.repair()?;
        let mended: Vec<_> = before.into_iter().filter(|drift| !left.contains(drift)).collect();
        if !mended.is_empty() {
            print(&format!("put right:\n{}", render::drift_table(&mended)))?;
        }
        if left.is_empty() {
            return Ok(Exit::Done);
        }
        let what = format!("lab `{name}` could not be put right in this:\n{}", render::drift_table(&left));
        let error = match failure {
            Some(why) => anyhow::Error::msg(why).context(what),
            None => anyhow::Error::msg(what),
        };
        // Another user's lab only that user can build.
        let afresh = if self.lab.contains('/') {
            format!("`orchestrator down {}` removes it, and its user can run the scenario again", self.lab)
        } else {
            format!("`orchestrator run --replace` of its module builds `{name}` afresh")
        };
        Err(Failure { exit: Exit::Left, error, hint: Some(afresh) })
    }
}
