//! `orchestrator show`

use clap::Args;

use super::output::{print, print_json};
use super::{Exit, Failure, complete, speak_to};
use crate::render;

/// Show a lab as the kernel has it: the links, addresses and routes of each netns
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrator show two-containers
  orchestrator show two-containers --json")]
pub(super) struct Show {
    /// Lab, or USER/LAB as root
    #[arg(add = complete::lab())]
    lab: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let (name, client) = speak_to(&self.lab)?;
        let netns = client.observe_all()?;
        if self.json {
            print_json(&render::show_json(name.as_str(), &netns))?;
        } else {
            print(&render::show_tables(&netns))?;
        }
        Ok(Exit::Done)
    }
}
