//! Trying something in a process of its own, which takes along whatever it changes of itself.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::words;

/// Does `act` in a child and returns its answer, if that comes before the deadline.
///
/// To be called while this process has one thread.
pub(super) fn in_child<T: Serialize + DeserializeOwned>(deadline: Instant, act: impl FnOnce() -> T) -> io::Result<T> {
    let (reader, mut writer) = io::pipe()?;
    let parent = getpid();
    // SAFETY: this process has one thread, so no lock is held in the child that nobody will give back.
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop(reader);
            let _ = set_pdeathsig(Signal::SIGKILL);
            // It reads 0 from within a PID namespace that the parent is not in.
            if ![parent, Pid::from_raw(0)].contains(&getppid()) {
                exit(1);
            }
            let Ok(answer) = catch_unwind(AssertUnwindSafe(act)) else { exit(1) };
            let said = serde_json::to_vec(&answer).is_ok_and(|bytes| writer.write_all(&bytes).is_ok());
            exit(i32::from(!said));
        }
        ForkResult::Parent { child } => {
            drop(writer);
            let heard = hear(reader, deadline);
            let patience = match &heard {
                Ok(_) => WaitPidFlag::empty(),
                // What hangs in the kernel may not even end now, and is not waited for.
                Err(_) => {
                    let _ = kill(child, Signal::SIGKILL);
                    WaitPidFlag::WNOHANG
                }
            };
            let _ = waitpid(child, Some(patience));
            serde_json::from_slice(&heard?).map_err(|_| io::Error::other("the try broke off"))
        }
    }
}

/// Reads a pipe to its end.
pub(super) fn hear(mut pipe: impl Read + AsFd, deadline: Instant) -> io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left.as_millis()).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], timeout) {
            Err(nix::Error::EINTR) => continue,
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            outcome => outcome?,
        };
        match pipe.read(&mut buffer)? {
            0 => return Ok(heard),
            length => heard.extend_from_slice(&buffer[..length]),
        }
    }
}

/// Says in words why there is no answer.
pub(super) fn why_not(error: &io::Error) -> String {
    format!("it could not be tried: {}", words(error))
}

fn exit(status: i32) -> ! {
    // SAFETY: ends the child without running what its parent has registered.
    unsafe { nix::libc::_exit(status) }
}
