//! `orchestrator check`

use clap::Args;

use super::output::{print, print_json};
use super::{Exit, Failure, complete, speak_to};
use crate::render;

/// Compare a lab with what it should be
#[derive(Debug, Args)]
#[command(after_help = "\
A lab should be what its scenario drew, with what `orchestrator link` has changed since. Returns 1 if anything differs. What only follows from the rest, such as a carrier, and what routers advertise is left out.

Examples:
  orchestrator check two-containers
  orchestrator check two-containers --json")]
pub(super) struct Check {
    /// Lab, or USER/LAB as root
    #[arg(add = complete::lab())]
    lab: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let (name, client) = speak_to(&self.lab)?;
        let drifts = client.check()?;
        if self.json {
            print_json(&render::drift_json(name.as_str(), &drifts))?;
        } else if drifts.is_empty() {
            print(&format!("lab `{name}` is what it should be\n"))?;
        } else {
            print(&render::drift_table(&drifts))?;
            eprintln!("\nhint: `orchestrator repair {}` puts it right", self.lab);
        }
        Ok(if drifts.is_empty() { Exit::Done } else { Exit::No })
    }
}
