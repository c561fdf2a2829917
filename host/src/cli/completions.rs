//! `orchestrator completions`

use clap::Args;
use clap_complete::Shell;
use clap_complete::env::Shells;

use super::complete::VARIABLE;
use super::output::print;
use super::{Exit, Failure};

/// The program, as the script of a shell calls it.
const NAME: &str = "orchestrator";

/// Puts together the words that Bash has split.
const WORDS: &str = include_str!("completions.bash");

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
        let script = match self.shell {
            Shell::Bash => bash()?,
            shell => script_of(&shell.to_string())?,
        };
        print(&script)?;
        Ok(Exit::Done)
    }
}

fn script_of(shell: &str) -> Result<String, Failure> {
    let shells = Shells::builtins();
    let completer = shells.completer(shell);
    let completer = completer.ok_or_else(|| Failure::usage(format!("there is no script for `{shell}`")))?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, NAME, NAME, NAME, &mut script).map_err(anyhow::Error::from)?;
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// The library's script with what it lacks: a function in front of its own.
fn bash() -> Result<String, Failure> {
    let script = script_of("bash")?;
    let (functions, registration) = script.split_once("\n}\n").unwrap_or((&script, ""));
    Ok(format!(
        "{functions}\n}}\n{WORDS}{}",
        registration.replace("-F _clap_complete_orchestrator", "-F _orchestrator")
    ))
}
