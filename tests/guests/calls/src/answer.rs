//! What comes of a call, and the line that says so.

use std::{fmt, io};

use orchestrator_net::errors::Error;

/// The text to show behind `ok`, empty if there is nothing to tell.
pub(crate) type Answer = Result<String, Refusal>;

/// The answer of a call that tells nothing but that it went well.
pub(crate) fn done(outcome: Result<(), Error>) -> Answer {
    outcome?;
    Ok(String::new())
}

/// The answer of a call that lists things.
pub(crate) fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Answer {
    let mut text = String::new();
    for item in items {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(item.as_ref());
    }
    Ok(text)
}

/// A call that was refused.
pub(crate) struct Refusal {
    /// The case of `error-code`; `io` where WASI refused, `misuse` where the call makes no sense, `fail` for `sys.fail`.
    pub(crate) code: String,
    pub(crate) errno: String,
    pub(crate) message: String,
    pub(crate) ends_scenario: bool,
}

impl Refusal {
    /// A mistake in the test itself, which ends the scenario lest it passes unseen.
    pub(crate) fn misuse(message: String) -> Self {
        Self { code: "misuse".into(), errno: String::new(), message, ends_scenario: true }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { code: error.code.to_string(), errno: error.errno, message: error.message, ends_scenario: false }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self { code: "io".into(), errno: String::new(), message: error.to_string(), ends_scenario: false }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.code, or_dash(&self.errno), self.message)
    }
}

/// What stands behind `CALL: `.
pub(crate) fn line(answer: &Answer) -> String {
    match answer {
        Ok(value) if value.is_empty() => "ok".into(),
        Ok(value) => format!("ok {value}"),
        Err(refusal) => refusal.to_string(),
    }
}

/// Keeps the place of an errno in the line where there is none.
pub(crate) fn or_dash(errno: &str) -> &str {
    if errno.is_empty() { "-" } else { errno }
}
