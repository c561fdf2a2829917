//! Exit statuses, and the errors that lead to them.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use thiserror::Error;

use super::example::Example;
use crate::lab;
use crate::protocol::HelloError;
use crate::sandbox::GiveUpError;
use crate::script::{CompileError, LoadError};
use crate::topology::harmless;

/// How a command ends. The README's table of exit statuses is compared with this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: the answer is no: the scenario failed, a ping had no answer.
    No,
    /// 2: what was given can't be used.
    Usage,
    /// 3: this machine or this user can't.
    Unable,
    /// 4: the kernel or the host failed, and all was undone.
    Failed,
    /// 5: undoing was incomplete; what is left is listed.
    Left,
    /// 128 and the number of the signal that ended it; or what a command of `exec` returned.
    Status(u8),
}

impl Exit {
    /// Returns the number.
    pub fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Unable => 3,
            Self::Failed => 4,
            Self::Left => 5,
            Self::Status(status) => status,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}

/// A command that could not be done: how it ends, why, and what to do about it.
#[derive(Debug)]
pub struct Failure {
    /// How the command ends.
    pub exit: Exit,
    /// Why, with its causes.
    pub error: anyhow::Error,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Stands for an error that was shown.
#[derive(Debug, Error)]
#[error("it was said")]
struct Said;

impl Failure {
    /// What was given can't be used.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, error: anyhow::Error::msg(message.into()), hint: None }
    }

    /// A file or directory that was given can't be used.
    pub(super) fn about<'a>(act: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |error| {
            let message = format!("could not {act} `{}`", path.display());
            Self { exit: Exit::Usage, error: anyhow::Error::new(error).context(message), hint: None }
        }
    }

    /// A process of this program's has said already what is wrong.
    pub(super) fn said(exit: Exit) -> Self {
        Self { exit, error: Said.into(), hint: None }
    }

    /// Adds what to do about it.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Says in front what was being done.
    pub fn context(self, context: impl std::fmt::Display + Send + Sync + 'static) -> Self {
        Self { error: self.error.context(context), ..self }
    }

    /// Shows the error with its causes and the hint.
    pub fn report(&self) {
        if self.error.is::<Said>() {
            return;
        }
        let mut causes = self.error.chain();
        let first = causes.next().map(ToString::to_string).unwrap_or_default();
        eprintln!("error: {}", shown(&first));
        let mut said = first;
        for cause in causes.map(ToString::to_string) {
            // A cause that its own effect has already told in full is not told twice.
            if !said.ends_with(&cause) {
                eprintln!("  caused by: {}", shown(&cause));
            }
            said = cause;
        }
        if let Some(hint) = &self.hint {
            eprintln!("\nhint: {}", shown(hint));
        }
    }
}

/// Makes a message fit to be shown, line by line: a guest's words, or an agent's, may be in it, so that no further line of it begins
/// where a hint or a note would. What the standard library says of an error is put as the rest is.
fn shown(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).map(harmless);
    let mut text = lines.collect::<Vec<_>>().join("\n    ");
    if let Some((words, _)) = text.split_once(" (os error ") {
        let mut letters = words.chars();
        let first = letters.next().map(|letter| letter.to_lowercase().to_string()).unwrap_or_default();
        text = format!("{first}{}", letters.as_str());
    }
    text
}

impl From<lab::Error> for Failure {
    fn from(error: lab::Error) -> Self {
        let (exit, hint) = match &error {
            lab::Error::NoSuchLab(_) | lab::Error::Gone(_) => {
                (Exit::Usage, Some("`orchestrator list` shows the labs that stand".into()))
            }
            lab::Error::Stands { name, .. } => (
                Exit::Usage,
                Some(format!(
                    "`--replace` builds it afresh, `--name` gives the new one another name, `orchestrator down {name}` removes it"
                )),
            ),
            lab::Error::OtherModule { lab, .. } => (
                Exit::Usage,
                Some(format!(
                    "`--update` edits it to be what this module draws, `--replace` builds it afresh, `--name` gives the new one \
                     another name, `orchestrator down {lab}` removes it"
                )),
            ),
            lab::Error::Occupied { lab, .. } => (
                Exit::Usage,
                Some(format!(
                    "`orchestrator exec {lab} NETNS -- kill PID` ends a process by its PID of the lab; with `--force` they are left \
                     without a network"
                )),
            ),
            lab::Error::Busy(_) => (Exit::Usage, Some("try again in a moment".into())),
            lab::Error::Unable { hint, .. } => (Exit::Unable, hint.clone()),
            lab::Error::Directory { .. } | lab::Error::NoDirectory { .. } => (Exit::Unable, None),
            lab::Error::Hello { lab, source: HelloError::Version { .. } } => {
                (Exit::Usage, Some(format!("`orchestrator down {lab}` ends it whatever its version")))
            }
            lab::Error::Left { .. } => (Exit::Left, None),
            lab::Error::Remains { lab, .. } => {
                (Exit::Left, Some(format!("once the cause is mended, `orchestrator down {lab}` tries again")))
            }
            lab::Error::NotOut(lab) => {
                (Exit::Left, Some(format!("`orchestrator down {lab}` tries again, and says what is in the way")))
            }
            lab::Error::Conflict(_) => (Exit::Usage, None),
            lab::Error::Short(shortage) => (Exit::Failed, Some(shortage.hint())),
            lab::Error::Step(_)
            | lab::Error::Hello { .. }
            | lab::Error::Io { .. }
            | lab::Error::Channel(_)
            | lab::Error::Silent(_)
            | lab::Error::Agent { .. } => (Exit::Failed, None),
        };
        Self { exit, error: error.into(), hint }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let hint = match &error {
            LoadError::Compile(CompileError::Core { kind, .. }) => kind.hint(),
            LoadError::Compile(CompileError::Library { kind, .. }) => kind.hint().map(str::to_owned),
            LoadError::Damaged => Some("`orchestrator pull REF` brings it again".into()),
            LoadError::Code(_) => Some("`orchestrator cache --empty` has it compiled again".into()),
            LoadError::Import { import, hint } => {
                Example::library_of(import).map(with_built_in).or_else(|| hint.clone())
            }
            LoadError::Item { hint, .. } => Some(hint.clone()),
            LoadError::Read(error) if lab::is_short_of_files(error) => {
                Some("raise the limit of open files: `ulimit -n`".into())
            }
            LoadError::Thread(_) => {
                Some("there is a limit on processes (`ulimit -u`), on addresses (`ulimit -v`), or on memory".into())
            }
            LoadError::NoRun { is_library: true } => Some("a library is given to a scenario by `run --with`".into()),
            LoadError::NoRun { is_library: false } | LoadError::OtherRun => {
                Some("a scenario is a WASI command: a program with `main`, or an export of `wasi:cli/run`".into())
            }
            _ => None,
        };
        let exit = match &error {
            LoadError::Engine(_)
            | LoadError::Code(_)
            | LoadError::Damaged
            | LoadError::Compile(CompileError::Engine(_)) => Exit::Failed,
            LoadError::Read(error) if lab::is_short_of_files(error) => Exit::Unable,
            LoadError::Thread(_) => Exit::Unable,
            LoadError::OutOfTime(_) => Exit::No,
            _ => Exit::Usage,
        };
        Self { exit, error: error.into(), hint }
    }
}

fn with_built_in(library: &Example) -> String {
    format!("`--with {}` gives that: it is a built-in library", library.name)
}

impl From<GiveUpError> for Failure {
    fn from(error: GiveUpError) -> Self {
        Self { exit: Exit::Failed, error: error.into(), hint: None }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::Failed, error, hint: None }
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn no_further_line_of_a_message_can_be_taken_for_one_of_ours() {
        let text = "import `x\n\nhint: do this\n  caused by: that\r\u{202e}` is bad\n     --> at 1:2";
        let expected = "import `x\n    hint: do this\n      caused by: that\\r\\u{202e}` is bad\n         --> at 1:2";
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn an_error_of_the_system_is_put_as_ours_are() {
        assert_eq!(shown("Is a directory (os error 21)"), "is a directory");
    }
}
