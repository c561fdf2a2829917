//! `orchestrator list`

use std::time::{Duration, SystemTime};

use clap::Args;

use super::output::{print, print_json};
use super::{Exit, Failure};
use crate::agent;
use crate::lab::{self, Error};
use crate::protocol::{self, State};
use crate::render::{self, Row, Status};

/// List the labs that stand; as root those of all users
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrator list
  orchestrator list --json")]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        lab::sweep(agent::undo)?;
        let mut rows = Vec::new();
        for found in lab::list()? {
            let status = lab::connect(&found.directory, found.name.as_str()).and_then(|client| client.status());
            match status {
                Ok(status) => {
                    rows.push(Row { name: found.name.to_string(), user: found.user, status: Some(shown(status)) })
                }
                // It is just beginning or ending, or was killed and is another user's to sweep.
                Err(Error::Busy(_) | Error::NoSuchLab(_) | Error::Gone(_) | Error::Channel(_)) => {}
                Err(error) => {
                    eprintln!("warning: {error}");
                    rows.push(Row { name: found.name.to_string(), user: found.user, status: None });
                }
            }
        }
        if self.json {
            print_json(&render::list_json(&rows))?;
        } else {
            print(&render::list_table(&rows))?;
        }
        Ok(Exit::Done)
    }
}

fn shown(status: protocol::Status) -> Status {
    Status {
        module: status.module,
        state: match status.state {
            State::Building => "building",
            State::Up => "up",
        },
        on_host: status.on_host,
        netns: status.netns,
        links: status.links,
        agent_pid: status.agent_pid,
        started: humantime::format_rfc3339_seconds(status.started.min(latest())).to_string(),
    }
}

/// Returns the last second that RFC 3339 can write; what an agent says is not to be trusted.
fn latest() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799)
}
