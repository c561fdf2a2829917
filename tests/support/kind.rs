//! The two accounts of a machine: its root and its ordinary user.

use std::fmt;

/// Who owns a test's labs, and as whom its commands run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Root of the machine, with every capability over it.
    Root,
    /// An ordinary user of the machine, without any capability.
    User,
}

impl Kind {
    /// Returns the account's uid, and gid, as they read in the machine.
    ///
    /// The user's is one that real accounts hardly have, so that per-user limits of the real machine are not shared.
    pub(crate) const fn uid(self) -> u32 {
        match self {
            Kind::Root => 0,
            Kind::User => 54_321,
        }
    }

    /// Returns the account's home, which is the place for a test's own files.
    pub(crate) const fn home(self) -> &'static str {
        match self {
            Kind::Root => "/run/machine/root",
            Kind::User => "/run/machine/user",
        }
    }

    /// Returns XDG_RUNTIME_DIR, which the user has from logging in, and root by `su` or `sudo` has not.
    pub(crate) fn runtime_dir(self) -> Option<String> {
        match self {
            Kind::Root => None,
            Kind::User => Some(format!("/run/user/{}", self.uid())),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Root => "root",
            Kind::User => "user",
        })
    }
}
