//! What a command prints to stdout.

use std::io::{self, Write};

use super::{Exit, Failure};

/// Prints text. A reader that has had enough, such as `head`, is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let error = anyhow::Error::new(error).context("could not write the output");
            Err(Failure { exit: Exit::Failed, error, hint: None })
        }
        _ => Ok(()),
    }
}

/// Prints a value as JSON.
pub(super) fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    print(&format!("{value:#}\n"))
}
