//! The descriptors that an agent is started with.

use std::os::fd::RawFd;

/// The channel that `run` holds.
pub const HELD_FD: RawFd = 3;
/// The lab's directory, locked.
pub const LOCK_FD: RawFd = 4;
