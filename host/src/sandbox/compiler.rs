//! What the process that compiles a module gives up, which runs no guest but reads what a stranger wrote.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::{GiveUpError, close_inherited, failed, give_up};

/// A module of 18 MB takes some 0.4 GB.
const MEMORY: u64 = 2 << 30;
/// Of all threads together: the same module takes 10 s.
const CPU_SECONDS: u64 = 600;
/// The largest code.
const OUTPUT: u64 = 1 << 30;

/// Gives up what a scenario's process gives up, and all but some memory, time and output.
pub fn give_up_for_compiling() -> Result<(), GiveUpError> {
    close_inherited(None);
    give_up()?;
    for (resource, limit, act) in [
        (Resource::RLIMIT_DATA, MEMORY, "limit the compiler's memory"),
        (Resource::RLIMIT_CPU, CPU_SECONDS, "limit the compiler's time"),
        (Resource::RLIMIT_FSIZE, OUTPUT, "limit the compiler's output"),
        (Resource::RLIMIT_CORE, 0, "keep the compiler from leaving a core"),
    ] {
        // One that is lower already can't be raised, and need not be.
        let (_, hard) = getrlimit(resource).map_err(failed(act))?;
        let limit = limit.min(hard);
        setrlimit(resource, limit, limit).map_err(failed(act))?;
    }
    Ok(())
}
