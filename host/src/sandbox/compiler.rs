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

impl CompilerLimits {
    const OURS: Self = Self { memory: 2 << 30, cpu: 600, code: 1 << 30 };

    /// Returns the limits that a compiler has which this process starts: ours, or lower ones of this process, which can't be raised.
    pub fn in_force() -> Result<Self, GiveUpError> {
        let lower =
            |resource, limit: u64, act| getrlimit(resource).map(|(_, hard)| limit.min(hard)).map_err(failed(act));
        let Self { memory, cpu, code } = Self::OURS;
        Ok(Self {
            memory: lower(Resource::RLIMIT_DATA, memory, "learn the limit of memory")?,
            cpu: lower(Resource::RLIMIT_CPU, cpu, "learn the limit of CPU time")?,
            code: lower(Resource::RLIMIT_FSIZE, code, "learn the limit of output")?,
        })
    }
}

/// Gives up what a scenario's process gives up, and all but some memory, time and output.
pub fn give_up_for_compiling() -> Result<(), GiveUpError> {
    close_inherited(None);
    let CompilerLimits { memory, cpu, code } = CompilerLimits::in_force()?;
    for (resource, limit, act) in [
        (Resource::RLIMIT_DATA, memory, "limit the compiler's memory"),
        (Resource::RLIMIT_CPU, cpu, "limit the compiler's time"),
        (Resource::RLIMIT_FSIZE, code, "limit the compiler's output"),
        (Resource::RLIMIT_CORE, 0, "keep the compiler from leaving a core"),
    ] {
        setrlimit(resource, limit, limit).map_err(failed(act))?;
    }
    give_up_as(Process::Compiler, &[])
}
