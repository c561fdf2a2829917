//! `orchestrator down`

use std::time::{Duration, Instant};

use clap::Args;

use super::{Exit, Failure, complete};
use crate::agent;
use crate::lab::{self, Lab};

/// How long `--wait` waits for the last process to go.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Remove labs, with all that they have
#[derive(Debug, Args)]
#[command(after_help = "\
When it returns, the labs are not listed any more and their names are free. Processes that were put into a netns from outside of the lab keep that netns alive; they are named and left alone.

Examples:
  orchestrator down two-containers
  orchestrator down --all --wait")]
pub(super) struct Down {
    /// Labs, or USER/LAB as root
    #[arg(required_unless_present = "all", value_name = "LAB", add = complete::lab())]
    labs: Vec<String>,
    /// Remove all labs of this user
    #[arg(long, conflicts_with = "labs")]
    all: bool,
    /// Wait until no process is left in any netns of the labs
    #[arg(long)]
    wait: bool,
}

impl Down {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        lab::sweep(agent::undo)?;
        let labs: Vec<Lab> = if self.all {
            lab::list_own()?
        } else {
            // All are looked up first, so that a misspelt name removes nothing.
            self.labs.iter().map(|name| lab::find(name)).collect::<Result<_, _>>()?
        };
        // One that can't be removed does not save the others; the first failure is the command's.
        let mut outcome = Ok(Exit::Done);
        for lab in labs {
            if let Err(failure) = self.remove(&lab) {
                match outcome {
                    Ok(_) => outcome = Err(failure),
                    Err(_) => failure.report(),
                }
            }
        }
        outcome
    }

    fn remove(&self, lab: &Lab) -> Result<(), Failure> {
        let namespaces = lab::end(lab, agent::undo)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let holders = namespaces.holders();
            if holders.is_empty() {
                return Ok(());
            }
            if self.wait && Instant::now() < deadline {
                std::thread::sleep(POLL);
                continue;
            }
            for holder in holders {
                eprintln!(
                    "warning: netns `{}` of lab `{}` lives on in process {} (`{}`), which was put there from outside",
                    holder.netns, lab.name, holder.pid, holder.command
                );
            }
            return Ok(());
        }
    }
}
