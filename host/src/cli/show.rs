//! `orchestrator show`

use clap::Args;

use super::output::{print, print_json};
use super::{Exit, Failure};
use crate::agent;
use crate::{lab, render};

/// Show a lab as the kernel has it: the links, addresses and routes of each netns
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrator show two-containers
  orchestrator show two-containers --json")]
pub(super) struct Show {
    /// Lab, or USER/LAB as root
    lab: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        lab::sweep(agent::undo)?;
        let found = lab::find(&self.lab)?;
        let netns = lab::connect(&found.directory, &self.lab)?.observe_all()?;
        if self.json {
            print_json(&render::show_json(found.name.as_str(), &netns))?;
        } else {
            print(&render::show_tables(&netns))?;
        }
        Ok(Exit::Done)
    }
}
