//! `orchestrator completions`

use clap::Args;
use clap_complete::Shell;
use clap_complete::env::Shells;

use super::complete::VARIABLE;
use super::output::print;
use super::{Exit, Failure};

/// The program, as the script of a shell calls it.
const NAME: &str = "orchestrator";

/// Print a script that completes this command line in a shell
#[derive(Debug, Args)]
#[command(after_help = "\
The script asks this program, which knows the examples, the modules in the store, the labs that stand, and what a scenario says that it takes.

Examples:
  orchestrator completions bash > ~/.local/share/bash-completion/completions/orchestrator
  orchestrator completions fish > ~/.config/fish/completions/orchestrator.fish")]
pub(super) struct Completions {
    /// Shell to complete in
    shell: Shell,
}

impl Completions {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        let name = self.shell.to_string();
        let shell = Shells::builtins();
        let shell = shell.completer(&name).ok_or_else(|| Failure::usage(format!("there is no script for `{name}`")))?;
        shell.write_registration(VARIABLE, NAME, NAME, NAME, &mut script).map_err(anyhow::Error::from)?;
        print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}
