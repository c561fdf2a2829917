//! Running a command in a netns of a lab: a parent, which passes on terminal and signals, and a child, which goes inside.

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno as Number;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, kill, pthread_sigmask, raise, signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Pid, Uid, fork, geteuid, getpgrp, setresgid, setresuid, tcsetpgrp};

use super::inside::{self, Room};
use super::{Client, Error};
use crate::topology::NetnsName;

/// What the terminal sends to its foreground group; the command decides what becomes of it, not its parent.
const FROM_TERMINAL: [Signal; 5] = [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU];
/// What is sent to this process alone, and meant for the command.
const FORWARDED: [Signal; 4] = [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2];

/// Runs a command in a netns and returns its status as a shell would show it.
///
/// To be called while this process has one thread: it enters namespaces and forks.
pub fn exec(client: &Client, netns: NetnsName, command: &[CString]) -> Result<u8, Error> {
    let (join, descriptors) = client.join(netns.clone())?;
    let room = Room { netns, hosts: join.hosts };
    enter(&descriptors)?;
    let waited_for = SigSet::from_iter(FORWARDED.into_iter().chain([Signal::SIGCHLD]));
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&waited_for), Some(&mut before)).map_err(io_error("block signals"))?;
    // SAFETY: this process has one thread, so the child may do whatever the parent could.
    match unsafe { fork() }.map_err(io_error("start a process"))? {
        ForkResult::Child => inside::become_command(&room, command, &before),
        ForkResult::Parent { child } => attend(child, &waited_for),
    }
}

fn io_error(act: &'static str) -> impl FnOnce(Number) -> Error {
    move |number| Error::io(act)(io::Error::from(number))
}

/// Joins the lab's namespaces: the user's first, which gives the right to the others; the PID namespace is the child's.
fn enter(descriptors: &[OwnedFd]) -> Result<(), Error> {
    let [net, pid, user @ ..] = descriptors else {
        return Err(Error::Agent { errno: None, message: "the agent sent no namespaces".into() });
    };
    if let [user] = user {
        setns(user, CloneFlags::CLONE_NEWUSER).map_err(io_error("enter the lab's user namespace"))?;
        if !geteuid().is_root() {
            // Real root in a user's lab is nobody there yet.
            let (uid, gid) = (Uid::from_raw(0), Gid::from_raw(0));
            setresgid(gid, gid, gid).map_err(io_error("become the lab's root"))?;
            setresuid(uid, uid, uid).map_err(io_error("become the lab's root"))?;
        }
    }
    setns(net, CloneFlags::CLONE_NEWNET).map_err(io_error("enter the netns"))?;
    setns(pid, CloneFlags::CLONE_NEWPID).map_err(io_error("enter the lab's PID namespace"))
}

/// Waits for the command; stops when it is stopped, and goes on with it.
fn attend(child: Pid, waited_for: &SigSet) -> Result<u8, Error> {
    for from_terminal in FROM_TERMINAL {
        // SAFETY: sets a disposition and installs no handler.
        unsafe { signal(from_terminal, SigHandler::SigIgn) }.map_err(io_error("ignore signals"))?;
    }
    loop {
        let received = waited_for.wait().map_err(io_error("wait for signals"))?;
        if received != Signal::SIGCHLD {
            // The command may have ended by itself just now.
            let _ = kill(child, received);
            continue;
        }
        match waitpid(child, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(_, status)) => {
                take_terminal_back();
                return Ok(u8::try_from(status).unwrap_or(u8::MAX));
            }
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                take_terminal_back();
                return Ok(128 + signal as u8);
            }
            Ok(WaitStatus::Stopped(..)) => {
                // So that the shell which started this sees it stopped, and continues it with `fg`.
                raise(Signal::SIGSTOP).map_err(io_error("stop"))?;
                let _ = kill(child, Signal::SIGCONT);
            }
            Ok(_) | Err(Number::EINTR) => {}
            Err(error) => return Err(io_error("wait for the command")(error)),
        }
    }
}

/// An interactive shell has made itself the foreground, and may have been killed before it could step back.
fn take_terminal_back() {
    let _ = tcsetpgrp(io::stdin(), getpgrp());
}
