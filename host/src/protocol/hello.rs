//! The greeting, by which two programs of different versions find out before they misread each other.
//!
//! Its layout never changes: `orchestrator`, a space, the version. Both sides send theirs and read the other's.

use thiserror::Error;

use super::{Channel, ChannelError};

const PREFIX: &str = "orchestrator ";
const VERSION: &str = env!("CARGO_PKG_VERSION");

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
    channel.send_raw(format!("{PREFIX}{VERSION}").as_bytes())?;
    let answer = channel.receive_raw(64)?;
    let text = std::str::from_utf8(&answer).map_err(|_| HelloError::Stranger)?;
    match text.strip_prefix(PREFIX) {
        Some(VERSION) => Ok(()),
        Some(theirs) => Err(HelloError::Version { theirs: crate::topology::harmless(theirs) }),
        None => Err(HelloError::Stranger),
    }
}
