//! What the process that compiles a module gives up, which runs no guest but reads what a stranger wrote.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::seccomp::Process;
use super::{GiveUpError, close_inherited, failed, give_up_as};

/// What the compiler may use.
pub struct CompilerLimits {
    /// Bytes; a module of 18 MB takes some 0.4 GB.
    pub memory: u64,
    /// Seconds of all threads together; the same module takes 10.
    pub cpu: u64,
    /// Bytes of code that it makes.
    pub code: u64,
}

/// What the compiler may use.
pub const COMPILER_LIMITS: CompilerLimits = CompilerLimits { memory: 2 << 30, cpu: 600, code: 1 << 30 };

/// Gives up what a scenario's process gives up, and all but some memory, time and output.
pub fn give_up_for_compiling() -> Result<(), GiveUpError> {
    close_inherited(None);
    let CompilerLimits { memory, cpu, code } = COMPILER_LIMITS;
    for (resource, limit, act) in [
        (Resource::RLIMIT_DATA, memory, "limit the compiler's memory"),
        (Resource::RLIMIT_CPU, cpu, "limit the compiler's time"),
        (Resource::RLIMIT_FSIZE, code, "limit the compiler's output"),
        (Resource::RLIMIT_CORE, 0, "keep the compiler from leaving a core"),
    ] {
        // One that is lower already can't be raised, and need not be.
        let (_, hard) = getrlimit(resource).map_err(failed(act))?;
        let limit = limit.min(hard);
        setrlimit(resource, limit, limit).map_err(failed(act))?;
    }
    give_up_as(Process::Compiler, &[])
}
