//! A process in a machine, as the test process holds it.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};
use std::{fs, io, mem};

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Machine;
use super::deadline::poll_until;

/// How long a command may take from its start until it has a process.
const STARTS_WITHIN: Duration = Duration::from_secs(5);

/// The end of a process.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) status: ExitStatus,
    /// The most memory, in bytes, that it had, or any one of those that it waited for, as they did.
    pub(super) peak: u64,
}

/// A command that was started, and the `nsenter` outside that waits for it; both are killed when this is dropped.
pub(crate) struct Process<'m> {
    machine: &'m Machine,
    said: String,
    nsenter: Child,
    deadline: Instant,
    /// It was waited for, so that its id may be another process's by now.
    has_ended: bool,
}

impl<'m> Process<'m> {
    #[track_caller]
    pub(super) fn start(
        machine: &'m Machine,
        said: String,
        mut command: std::process::Command,
        deadline: Duration,
    ) -> Process<'m> {
        let nsenter = command.spawn().expect("could not run `nsenter` of util-linux");
        Process { machine, said, nsenter, deadline: Instant::now() + deadline, has_ended: false }
    }

    pub(super) fn nsenter(&mut self) -> &mut Child {
        &mut self.nsenter
    }

    pub(super) fn said(&self) -> &str {
        &self.said
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Sends a signal to the command.
    ///
    /// One that is sent before the command has been reached would hit a program on the way to it: wait for a word
    /// of the command's first.
    pub(super) fn signal(&self, signal: Signal) {
        let pid = poll_until(Instant::now() + STARTS_WITHIN, || self.command_pid())
            .unwrap_or_else(|| panic!("`{}` was to get {signal} and does not run", self.said));
        kill(pid, signal).unwrap_or_else(|errno| panic!("could not send {signal} to `{}`: {errno}", self.said));
        if signal == Signal::SIGCONT {
            // It has stopped itself together with the command; where it runs, nothing happens.
            kill(self.nsenter_pid(), signal).expect("could not continue `nsenter`");
        }
    }

    /// Waits for the command's end, and is `None` when the deadline came first.
    pub(super) fn wait(&mut self) -> Option<End> {
        let end = poll_until(self.deadline, || wait_at_once(self.nsenter_pid()));
        self.has_ended = end.is_some();
        end
    }

    /// Kills everything in the machine, so that whatever holds the command's output open ends.
    pub(super) fn kill_machine(&mut self) {
        self.machine.holder().kill();
        self.kill();
    }

    fn kill(&mut self) {
        if self.has_ended || !matches!(self.nsenter.try_wait(), Ok(None)) {
            return;
        }
        // Errors from here on are those of processes that have ended.
        if let Some(pid) = self.command_pid() {
            let _ = kill(pid, Signal::SIGKILL);
        }
        let _ = self.nsenter.kill();
        let _ = self.nsenter.wait();
    }

    fn nsenter_pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.nsenter.id()).expect("a process id fits"))
    }

    /// Returns the command's process id outside the machine: it is the only child of `nsenter`.
    pub(super) fn command_pid(&self) -> Option<Pid> {
        let pid = self.nsenter_pid();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok().map(Pid::from_raw)
    }
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Looks whether a child has ended. The standard library does not tell what it used.
fn wait_at_once(pid: Pid) -> Option<End> {
    let mut status = 0;
    // SAFETY: it is plain numbers, of which zeros are ones.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: both places are there to be written to.
    match unsafe { libc::wait4(pid.as_raw(), &raw mut status, libc::WNOHANG, &raw mut usage) } {
        0 => None,
        -1 => panic!("could not wait for a command: {}", io::Error::last_os_error()),
        _ => {
            let peak = u64::try_from(usage.ru_maxrss).expect("a size") * 1024;
            Some(End { status: ExitStatus::from_raw(status), peak })
        }
    }
}
