//! How a scenario fails.

use std::{error, fmt};

use crate::errors::{Error, ErrorCode};

/// What a scenario's `main` returns, and each function that can fail.
pub type Result<T = ()> = std::result::Result<T, Failure>;

/// Says why the scenario has failed, in one message for people.
///
/// `Debug` shows the bare message too: that is what Rust prints when `main` returns an error, and so the user reads
/// `Error: could not add ...` and no dump of a struct. What a program is to decide on is [`Error::code`]; look at it before
/// `?` makes a `Failure` of the error.
pub struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error.message)
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self(message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self(message.to_owned())
    }
}

impl fmt::Display for ErrorCode {
    /// Writes the name that the case has in WIT, `already-exists`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "denied",
            Self::AlreadyExists => "already-exists",
            Self::NotFound => "not-found",
            Self::InUse => "in-use",
            Self::InvalidArgument => "invalid-argument",
            Self::Unsupported => "unsupported",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Limit => "limit",
            Self::Kernel => "kernel",
        })
    }
}
