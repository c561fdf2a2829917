//! The process that compiles a module. It is this same program, runs no guest, and has its input and output in memory.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{SigHandler, Signal, signal};
use thiserror::Error;

/// How often the process is looked at.
const POLL: Duration = Duration::from_millis(1);

/// Why there is no code.
#[derive(Debug, Error)]
pub enum CompilerError {
    /// The process could not be started or talked to.
    #[error("the compiler could not be run")]
    Io(#[from] io::Error),
    /// It refused the module, and said why in its own way.
    #[error("the compiler refused the module")]
    Refused(Vec<u8>),
    /// It was ended by one of its limits.
    #[error("the compiler reached a limit")]
    Spent(Spent),
    /// It broke off.
    #[error("the compiler broke off, {status}")]
    Broken {
        /// How it ended.
        status: ExitStatus,
        /// What it had said.
        report: Vec<u8>,
    },
    /// It took longer than it may.
    #[error("the compiler took too long")]
    OutOfTime,
}

/// What a compiler had no more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// Memory; see RLIMIT_DATA in getrlimit(2).
    Memory,
    /// CPU time; see RLIMIT_CPU.
    CpuTime,
}

impl Spent {
    /// Tells it by the end of a process and what that had said.
    fn of(status: ExitStatus, report: &[u8]) -> Option<Self> {
        match Signal::try_from(status.signal()?).ok()? {
            Signal::SIGXCPU => Some(Self::CpuTime),
            // What the standard library says before it aborts for want of memory.
            Signal::SIGABRT if report.starts_with(b"memory allocation of ") => Some(Self::Memory),
            _ => None,
        }
    }
}

/// What a compiler is to do with a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Turn it into code.
    Compile,
    /// Tell what it is.
    Survey,
    /// Tell what it exports, in WIT.
    Interfaces,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Compile, Self::Survey, Self::Interfaces];

    /// Returns what it is called on the command line of the process.
    pub fn name(self) -> &'static str {
        match self {
            Self::Compile => "compile",
            Self::Survey => "survey",
            Self::Interfaces => "interfaces",
        }
    }
}

/// Has this program's hidden command `compile` do something with a module, until `deadline`. `waiting` is called
/// again and again meanwhile.
///
/// To be called while this process has one thread.
pub fn compile(
    task: Task,
    name: &str,
    module: &[u8],
    deadline: Instant,
    mut waiting: impl FnMut(),
) -> Result<Vec<u8>, CompilerError> {
    // SAFETY: no handler is set. A limit of file sizes counts for memory too, and is to be an error here.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.map_err(io::Error::from)?;
    let (input, mut code, mut report) = (memory()?, memory()?, memory()?);
    let patience = deadline.saturating_duration_since(Instant::now()).as_millis();
    (&input).write_all(module)?;
    (&input).rewind()?;
    let mut child = Command::new("/proc/self/exe")
        .args(["compile", "--parent", &std::process::id().to_string(), "--patience", &patience.to_string()])
        .args(["--task", task.name(), "--", name])
        .env_clear()
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(code.try_clone()?))
        .stderr(Stdio::from(report.try_clone()?))
        .spawn()?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= deadline {
            // Where it can't be killed it ends by itself, at the same time.
            let _ = child.kill();
            child.wait()?;
            return Err(CompilerError::OutOfTime);
        }
        waiting();
        sleep(POLL);
    };
    match status.code() {
        Some(0) => Ok(contents(&mut code)?),
        Some(1) => Err(CompilerError::Refused(contents(&mut report)?)),
        _ => {
            let report = contents(&mut report)?;
            Err(Spent::of(status, &report).map_or(CompilerError::Broken { status, report }, CompilerError::Spent))
        }
    }
}

/// A file that is nowhere but in memory.
fn memory() -> io::Result<File> {
    Ok(memfd_create("compiler", MFdFlags::MFD_CLOEXEC)?.into())
}

fn contents(file: &mut File) -> io::Result<Vec<u8>> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_by_a_limit_is_told_from_others() {
        let ended = |signal: Signal, said: &str| Spent::of(ExitStatus::from_raw(signal as i32), said.as_bytes());
        assert_eq!(ended(Signal::SIGXCPU, ""), Some(Spent::CpuTime));
        assert_eq!(ended(Signal::SIGABRT, "memory allocation of 64 bytes failed\n"), Some(Spent::Memory));
        assert_eq!(ended(Signal::SIGABRT, "thread 'main' panicked"), None);
        assert_eq!(ended(Signal::SIGSEGV, ""), None);
        assert_eq!(Spent::of(ExitStatus::from_raw(101 << 8), b"memory allocation of 64 bytes failed"), None);
    }
}
