//! What became of a command, and what a test expects of it.

use std::fmt;
use std::os::unix::process::ExitStatusExt;

use serde_json::Value;

use super::process::End;

/// The end of a command: its status and all it said. A failed expectation shows the whole of it.
#[derive(Clone, Debug)]
#[must_use = "say what is expected: `success()`, `fails_with(code)`"]
pub(crate) struct Outcome {
    command: String,
    end: End,
    stdout: String,
    stderr: String,
}

impl Outcome {
    pub(super) fn new(command: &str, end: End, stdout: String, stderr: String) -> Outcome {
        Outcome { command: command.to_owned(), end, stdout, stderr }
    }

    /// Returns the exit code as a shell would: 128 and the signal's number where a signal ended the command.
    pub(crate) fn code(&self) -> i32 {
        self.end.status.code().or_else(|| self.end.status.signal().map(|signal| 128 + signal)).expect("it has ended")
    }

    /// Returns the most memory, in bytes, that any one of the command's processes had at a time.
    pub(crate) fn peak(&self) -> u64 {
        self.end.peak
    }

    pub(crate) fn stdout(&self) -> &str {
        &self.stdout
    }

    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }

    #[track_caller]
    pub(crate) fn success(&self) -> &Self {
        self.expect(self.code() == 0, "success")
    }

    #[track_caller]
    pub(crate) fn fails_with(&self, code: i32) -> &Self {
        self.expect(self.code() == code, format_args!("exit code {code}"))
    }

    #[track_caller]
    pub(crate) fn stdout_has(&self, text: &str) -> &Self {
        self.expect(self.stdout.contains(text), format_args!("{text:?} on stdout"))
    }

    #[track_caller]
    pub(crate) fn stderr_has(&self, text: &str) -> &Self {
        self.expect(self.stderr.contains(text), format_args!("{text:?} on stderr"))
    }

    #[track_caller]
    pub(crate) fn stdout_lacks(&self, text: &str) -> &Self {
        self.expect(!self.stdout.contains(text), format_args!("no {text:?} on stdout"))
    }

    #[track_caller]
    pub(crate) fn stderr_lacks(&self, text: &str) -> &Self {
        self.expect(!self.stderr.contains(text), format_args!("no {text:?} on stderr"))
    }

    /// Expects one JSON value on stdout, and nothing else.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("expected JSON on stdout ({error}) of {self}"))
    }

    #[track_caller]
    fn expect(&self, fulfilled: bool, what: impl fmt::Display) -> &Self {
        assert!(fulfilled, "expected {what} of {self}");
        self
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { command, end: End { status, .. }, stdout, stderr } = self;
        write!(f, "`{command}`\n--- {status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
