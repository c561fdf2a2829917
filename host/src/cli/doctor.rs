//! `orchestrator doctor`

use clap::Args;

use super::output::{print, print_json};
use super::{Exit, Failure};
use crate::doctor::{self, Check, State};
use crate::render::{self, Finding};

/// Say what this machine and this user can do, and how to change what they can't
#[derive(Debug, Args)]
#[command(after_help = "\
What labs use is tried, in namespaces that end with the try; all else is read. Nothing is changed.
Each line is `yes`, `no` with the way to change it, or `unknown` with the reason.
The first says whether this user can build labs. So does the exit status: 0 if so, 3 if not.

Examples:
  orchestrator doctor
  orchestrator doctor --json")]
pub(super) struct Doctor {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let checks = doctor::examine();
        let findings: Vec<Finding<'_>> = checks.iter().map(finding).collect();
        if self.json {
            print_json(&render::doctor_json(&findings))?;
        } else {
            print(&render::doctor_table(&findings))?;
        }
        let able = checks.first().is_some_and(|verdict| verdict.state == State::Yes);
        Ok(if able { Exit::Done } else { Exit::Unable })
    }
}

fn finding(check: &Check) -> Finding<'_> {
    let state = match check.state {
        State::Yes => "yes",
        State::No => "no",
        State::Unknown => "unknown",
    };
    Finding { group: check.group, name: &check.name, state, detail: &check.detail, remedy: check.remedy.as_deref() }
}
