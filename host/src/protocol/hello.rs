//! The greeting, by which two programs of different versions find out before they misread each other.
//!
//! Its layout never changes: `orchestrator`, a space, the version. Both sides send theirs and read the other's.

use thiserror::Error;

use super::{Channel, ChannelError};

const PREFIX: &str = "orchestrator ";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// More bytes are not read.
const LONGEST: usize = 64;

/// Why two sides can't talk.
#[derive(Debug, Error)]
pub enum HelloError {
    /// The other side is of another version.
    #[error("the other side is orchestrator {theirs} and this is {VERSION}")]
    Version {
        /// Its version, with control characters escaped.
        theirs: String,
    },
    /// The other side is something else.
    #[error("the other side is no orchestrator")]
    Stranger,
    /// The greeting did not come.
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

/// Sends the greeting and checks the other side's.
pub fn greet(channel: &Channel) -> Result<(), HelloError> {
    send_greeting(channel)?;
    receive_greeting(channel)
}

/// Sends the greeting alone.
pub fn send_greeting(channel: &Channel) -> Result<(), HelloError> {
    Ok(channel.send_raw(format!("{PREFIX}{VERSION}").as_bytes())?)
}

/// Waits for the other side's and checks it.
pub fn receive_greeting(channel: &Channel) -> Result<(), HelloError> {
    check_greeting(&channel.receive_raw(LONGEST)?)
}

/// Checks the greeting of the other side, whatever that has sent.
pub fn check_greeting(greeting: &[u8]) -> Result<(), HelloError> {
    let text = std::str::from_utf8(greeting).map_err(|_| HelloError::Stranger)?;
    match text.strip_prefix(PREFIX) {
        Some(VERSION) => Ok(()),
        Some(theirs) => Err(HelloError::Version { theirs: crate::topology::harmless(theirs) }),
        None => Err(HelloError::Stranger),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_of_this_and_of_other_versions_and_of_strangers_are_told_apart() {
        assert!(check_greeting(format!("{PREFIX}{VERSION}").as_bytes()).is_ok());
        let later = check_greeting(format!("{PREFIX}{VERSION}1\u{1b}[2J").as_bytes()).unwrap_err().to_string();
        assert!(later.starts_with("the other side is orchestrator ") && !later.contains('\u{1b}'), "{later}");
        for text in [&b""[..], b"orchestrator", b"Orchestrator 0.1.0", b"\0\x02", b"orchestrator \xff"] {
            assert!(matches!(check_greeting(text), Err(HelloError::Stranger)), "{text:?}");
        }
    }
}
