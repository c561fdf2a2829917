//! How much memory this process may take while it listens to a registry, which can talk without end.

use nix::libc::rlim_t;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// A module of the usual limit several times over.
const MOST: rlim_t = 1 << 30;

/// The limit that was in force before. It is again when this is dropped.
#[derive(Debug)]
pub(super) struct Bound(Option<(rlim_t, rlim_t)>);

impl Bound {
    /// Bounds the memory for data (setrlimit(2), RLIMIT_DATA). What asks for more ends the process, which has nothing to lose.
    pub(super) fn set() -> Self {
        // What is dumped may hold a password.
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
        let before = getrlimit(Resource::RLIMIT_DATA).ok().filter(|(soft, _)| *soft > MOST);
        Self(before.filter(|(_, hard)| setrlimit(Resource::RLIMIT_DATA, MOST, *hard).is_ok()))
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Some((soft, hard)) = self.0 {
            let _ = setrlimit(Resource::RLIMIT_DATA, soft, hard);
        }
    }
}
