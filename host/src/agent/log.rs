//! The lab's log, which is the agent's stderr.

use std::fmt::Display;
use std::io::{self, Write};

/// Writes a line. Where the log can't be written (its file system may be full) the line is lost and nothing else.
pub(super) fn log(message: impl Display) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// Notes an act that went wrong, to go on without it.
pub(super) fn go_on<T, E: Display>(act: &str, outcome: Result<T, E>) -> Option<T> {
    outcome.inspect_err(|error| log(format_args!("warning: could not {act}: {error}"))).ok()
}
