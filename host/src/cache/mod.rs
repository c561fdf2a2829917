//! Compiled modules that are kept for the next run, and the process that compiles them.
//!
//! What is in an entry is native code that a later run executes, in the sandbox of a scenario. So the directory is its owner's
//! alone, and so is each entry ([`own`](crate::own)). An entry is written whole or not at all. One that is damaged, of another
//! version or not there is a miss, and so is a directory that can't be used.

mod compiler;
mod entry;
mod seen;
mod store;

pub use compiler::{CompilerError, Spent, Task, compile};
pub use entry::Key;
pub use store::{Cache, Entry, Kept, place};

/// What fuzzers reach of this room, and nobody else.
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz {
    pub(crate) use super::entry::{seal, unseal};

    pub(crate) fn key(name: &str) -> Option<super::Key> {
        super::Key::parse(name)
    }
}
