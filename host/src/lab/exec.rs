//! Running a command in a netns of a lab: a parent, which passes on terminal and signals, and a child, which goes inside.

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno as Number;
use nix::libc;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, kill, pthread_sigmask, raise, signal};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{ForkResult, Pid, fork, getpgrp, tcgetpgrp, tcsetpgrp};

use super::inside::{self, Room};
use super::{Client, Error, dropping};
use crate::fault;
use crate::topology::NetnsName;

/// Stops, which the terminal sends to its whole foreground group; the command decides what becomes of them.
const STOPS: [Signal; 3] = [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU];
/// Waited for, and passed on if somebody sent them to this process alone. What the terminal sends the command has got itself.
const FORWARDED: [Signal; 6] =
    [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2];

/// How a command has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its status, as a shell would show it.
    pub status: u8,
    /// What may have made it fail, and what to do about it.
    pub hint: Option<String>,
}

/// Runs a command in a netns, to its end.
///
/// To be called while this process has one thread: it enters namespaces and forks.
pub fn exec(client: Client, netns: NetnsName, command: &[CString]) -> Result<Ended, Error> {
    let (join, descriptors) = client.join(netns.clone())?;
    let net = enter(descriptors)?;
    fault::point("lab entered");
    let room = Room { netns, net, hosts: join.hosts };
    let waited_for = SigSet::from_iter(FORWARDED.into_iter().chain([Signal::SIGCHLD]));
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&waited_for), Some(&mut before)).map_err(io_error("block signals"))?;
    // Before the command is there, which may change both at once.
    let terminal = Front::of_this_group();
    // SAFETY: this process has one thread, so the child may do whatever the parent could.
    match unsafe { fork() }.map_err(|number| not_started(number, &client))? {
        ForkResult::Child => inside::become_command(&room, command, &before),
        ForkResult::Parent { child } => {
            // The agent serves a limited number of connections, and a command may run for days.
            drop(client);
            let status = attend(child, &waited_for, terminal)?;
            let hint = join.one_id.and_then(|advice| dropping::hint(command, status, &advice));
            Ok(Ended { status, hint })
        }
    }
}

/// Tells why no process could be started. In a PID namespace whose first process has ended, that is for lack of memory: the kernel's
/// pid_namespaces(7).
fn not_started(number: Number, client: &Client) -> Error {
    match number {
        Number::ENOMEM => client.status().err().filter(|error| matches!(error, Error::Gone(_))),
        _ => None,
    }
    .unwrap_or_else(|| io_error("start a process")(number))
}

fn io_error(act: &'static str) -> impl FnOnce(Number) -> Error {
    move |number| Error::io(act)(io::Error::from(number))
}

/// Joins the lab's user namespace, which gives the right to the others, and has the child join the PID namespace. Returns the
/// netns, which the child joins too: this process stays where it is, so as not to keep the netns alive.
fn enter(descriptors: Vec<OwnedFd>) -> Result<OwnedFd, Error> {
    let mut descriptors = descriptors.into_iter();
    let (Some(net), Some(pid)) = (descriptors.next(), descriptors.next()) else {
        return Err(Error::Agent { errno: None, message: "the agent sent no namespaces".into() });
    };
    if let Some(user) = descriptors.next() {
        setns(user, CloneFlags::CLONE_NEWUSER).map_err(io_error("enter the lab's user namespace"))?;
    }
    setns(pid, CloneFlags::CLONE_NEWPID).map_err(io_error("enter the lab's PID namespace"))?;
    Ok(net)
}

/// Waits for the command; stops when it is stopped, and goes on with it.
fn attend(child: Pid, waited_for: &SigSet, terminal: Option<Front>) -> Result<u8, Error> {
    for stop in STOPS {
        // SAFETY: sets a disposition and installs no handler.
        unsafe { signal(stop, SigHandler::SigIgn) }.map_err(io_error("ignore signals"))?;
    }
    loop {
        let (received, from_a_process) = wait_for_signal(waited_for).map_err(io_error("wait for signals"))?;
        if received != libc::SIGCHLD {
            if from_a_process {
                // SAFETY: sends a signal. The command may have ended by itself just now, but it was not waited for.
                unsafe { libc::kill(child.as_raw(), received) };
            }
            continue;
        }
        let mut status = 0;
        // SAFETY: writes the status of a child of this process. nix's own knows no real-time signals.
        let waited = unsafe { libc::waitpid(child.as_raw(), &raw mut status, libc::WNOHANG | libc::WUNTRACED) };
        if waited == 0 {
            continue;
        }
        if waited > 0 && libc::WIFSTOPPED(status) {
            // So that the shell which started this sees it stopped, and continues it with `fg`.
            raise(Signal::SIGSTOP).map_err(io_error("stop"))?;
            let _ = kill(child, Signal::SIGCONT);
            continue;
        }
        if let Some(terminal) = &terminal {
            terminal.take_back(libc::WIFSIGNALED(status));
        }
        return match status {
            _ if waited < 0 => Err(io_error("wait for the command")(Number::last())),
            status if libc::WIFEXITED(status) => Ok(libc::WEXITSTATUS(status) as u8),
            status => Ok(128 + libc::WTERMSIG(status) as u8),
        };
    }
}

/// The terminal, of which this process's group is the foreground.
struct Front {
    modes: Termios,
}

impl Front {
    /// Looks at the terminal; it is `None` without one, or in the background.
    fn of_this_group() -> Option<Front> {
        let modes = tcgetattr(io::stdin()).ok()?;
        (tcgetpgrp(io::stdin()) == Ok(getpgrp())).then_some(Front { modes })
    }

    /// Makes this group the foreground again, and the terminal what it was if the command was killed.
    fn take_back(&self, killed: bool) {
        // An interactive shell has made itself the foreground, and may have been killed before it could step back.
        let _ = tcsetpgrp(io::stdin(), getpgrp());
        if killed {
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.modes);
        }
    }
}

/// Waits for a signal, and tells whether a process sent it rather than the kernel for a terminal.
fn wait_for_signal(set: &SigSet) -> nix::Result<(i32, bool)> {
    loop {
        // SAFETY: `siginfo_t` is plain numbers, which the kernel fills.
        let (received, info) = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            (libc::sigwaitinfo(set.as_ref(), &raw mut info), info)
        };
        match Number::result(received) {
            Ok(received) => return Ok((received, info.si_code <= 0)),
            Err(Number::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}
