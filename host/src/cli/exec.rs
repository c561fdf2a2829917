//! `orchestrator exec`

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;

use clap::Args;

use super::{Failure, complete, ping};
use crate::agent;
use crate::lab;
use crate::topology::harmless;

/// Run a command in a netns of a lab
#[derive(Debug, Args)]
#[command(after_help = "\
Terminal, signals and exit status are the command's own. It sees the lab's netns, processes, host names and `ip netns`; its files are the machine's. 125 is returned if it could not be tried, 126 if it can't be executed, 127 if it was not found.

Examples:
  orchestrator exec two-containers container1               # a shell
  orchestrator exec two-containers container1 -- ping -c1 container2")]
pub(super) struct Exec {
    /// Lab; of this user, as a command inside has the rights of the lab's owner
    #[arg(add = complete::lab())]
    lab: String,
    /// Netns; `host` is the lab's host
    netns: String,
    /// Command and its arguments [default: $SHELL]
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl Exec {
    pub(super) fn execute(self) -> Result<super::Exit, Failure> {
        lab::sweep(agent::undo)?;
        if self.lab.contains('/') {
            // Whoever can't see it is told only that.
            lab::find(&self.lab)?;
            let failure =
                Failure::usage(format!("lab `{}` is another user's and can't be entered", harmless(&self.lab)));
            return Err(
                failure.hint("as that user: `setpriv --reuid USER --regid USER --init-groups orchestrator exec ...`")
            );
        }
        let found = lab::find_own(&self.lab)?;
        let client = lab::connect(&found.directory, &self.lab)?;
        let netns = ping::netns_name(&self.netns, &self.lab)?;
        let mut command = self.command;
        if command.is_empty() {
            command.push(std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into()));
        }
        let command: Vec<CString> = command
            .into_iter()
            .map(|word| CString::new(word.into_vec()))
            .collect::<Result<_, _>>()
            .map_err(|_| Failure::usage("a word of the command has a NUL byte"))?;
        let ended = lab::exec(client, netns, &command).map_err(|error| ping::in_lab(error, &self.lab))?;
        if let Some(hint) = ended.hint {
            eprintln!("\nhint: {hint}");
        }
        Ok(super::Exit::Status(ended.status))
    }
}
