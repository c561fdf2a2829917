//! A signal that ends `run` while nobody waits for signals yet: the lab is undone before this process ends.
//!
//! Between the agent's start and the scenario's, a module may be compiled for seconds. What is done then, is done by the handler
//! itself, with nothing but system calls (signal-safety(7)). Once the scenario runs, it waits for signals; later the lab is complete.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use nix::libc::{self, c_int};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, signal, sigprocmask};

use super::Error;

/// What ends a command that a user has enough of.
pub(super) const ENDING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

const NONE: RawFd = -1;
/// The channel that keeps the agent alive.
static CHANNEL: AtomicI32 = AtomicI32::new(NONE);
/// The directory that the agent has locked.
static LOCK: AtomicI32 = AtomicI32::new(NONE);
static TAKEN_OVER: AtomicBool = AtomicBool::new(false);

/// Signals that have to wait: what they would have to undo is just being made.
pub(super) struct Deferred(SigSet);

impl Deferred {
    /// Has them wait. To be called while this process has one thread.
    pub(super) fn begin() -> Result<Self, Error> {
        let (ending, mut before): (SigSet, SigSet) = (ENDING.into_iter().collect(), SigSet::empty());
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&ending), Some(&mut before))
            .map_err(|error| Error::io("block signals")(error.into()))?;
        Ok(Self(before))
    }

    /// Lets them come, and those to come undo a lab. What was ignored from the start, as by nohup(1), stays ignored.
    pub(super) fn undo_from_now_on(self, channel: &impl AsRawFd, lock: &impl AsRawFd) {
        CHANNEL.store(channel.as_raw_fd(), Ordering::SeqCst);
        LOCK.store(lock.as_raw_fd(), Ordering::SeqCst);
        // Of several that come together, as timeout(1) sends them, the first is enough: nothing of the network is there yet, so
        // undoing takes no time that one could want to cut short.
        let undo = SigAction::new(SigHandler::Handler(undo), SaFlags::SA_RESTART, ENDING.into_iter().collect());
        for signal in ENDING {
            // SAFETY: the handler makes system calls and looks at atomics alone.
            unsafe {
                if let Ok(before) = sigaction(signal, &undo)
                    && matches!(before.handler(), SigHandler::SigIgn)
                {
                    let _ = sigaction(signal, &before);
                }
            }
        }
    }
}

/// Has them end this process by themselves again. What was ignored from the start stays so.
pub fn signals_end_this_again() {
    for ending in ENDING {
        // SAFETY: sets dispositions and installs no handler.
        unsafe {
            if matches!(signal(ending, SigHandler::SigDfl), Ok(SigHandler::SigIgn)) {
                let _ = signal(ending, SigHandler::SigIgn);
            }
        }
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.0), None);
    }
}

/// Lists what ends a command, without what was ignored from the start, as by nohup(1).
pub fn ending_signals() -> Vec<i32> {
    let ignored = |signal: &Signal| {
        // SAFETY: only asks, and the answer is all zeros at first.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(*signal as c_int, std::ptr::null(), &raw mut action) == 0
                && action.sa_sigaction == libc::SIG_IGN
        }
    };
    ENDING.into_iter().filter(|signal| !ignored(signal)).map(|signal| signal as i32).collect()
}

/// Leaves signals to who waits for them from now on.
pub fn signals_are_waited_for() {
    TAKEN_OVER.store(true, Ordering::SeqCst);
}

extern "C" fn undo(signal: c_int) {
    if TAKEN_OVER.load(Ordering::SeqCst) {
        return;
    }
    let said: &[u8] = match signal {
        libc::SIGINT => b"error: interrupted by signal 2\nnote: nothing had been built\n",
        libc::SIGTERM => b"error: interrupted by signal 15\nnote: nothing had been built\n",
        _ => b"error: interrupted by signal 1\nnote: nothing had been built\n",
    };
    // SAFETY: system calls on descriptors that are open until the process ends, each of them safe in a handler.
    unsafe {
        libc::shutdown(CHANNEL.load(Ordering::SeqCst), libc::SHUT_RDWR);
        // The agent's until it has ended.
        libc::flock(LOCK.load(Ordering::SeqCst), libc::LOCK_EX);
        // The line may have a progress bar.
        if libc::isatty(libc::STDERR_FILENO) == 1 {
            let clear = b"\r\x1b[K";
            libc::write(libc::STDERR_FILENO, clear.as_ptr().cast(), clear.len());
        }
        libc::write(libc::STDERR_FILENO, said.as_ptr().cast(), said.len());
        libc::_exit(128 + signal);
    }
}
