//! Ending a lab.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::libc::{self, c_int};

use super::client::connect_within;
use super::hold::wait_for_end;
use super::processes::Namespaces;
use super::sweep::Remains;
use super::{Error, Lab};
use crate::fault;
use crate::protocol::{Undo, dial, traces};

/// An agent that is alive says that it ends well within this.
const SILENCE: Duration = Duration::from_secs(2);
/// An agent that does not end when it is asked to is ended.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);

/// Ends a lab and waits until its name is free. Returns the namespaces that it had, as far as its agent told.
pub fn end(lab: &Lab, undo: Undo) -> Result<Namespaces, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Somebody else may end it at the same time, or it ends by itself.
        let Ok(lock) = traces::open_directory(&lab.directory) else { return Ok(Namespaces::default()) };
        if lock.try_lock().is_ok() {
            drop(lock);
            sweep(lab, undo)?;
            return Ok(Namespaces::default());
        }
        fault::point("agent to be asked");
        let asked = connect_within(&lab.directory, lab.name.as_str(), SILENCE)
            .and_then(|client| Ok((Namespaces::of(&client)?, client.down()?)))
            .map(|(namespaces, ())| namespaces);
        match asked {
            Ok(namespaces) => {
                fault::point("agent has let go");
                // The end of the channel comes a moment before that of the lab's processes.
                wait_for_end(&lock, &lab.directory, PATIENCE)?;
                // It could not take all of itself out of the machine's network, and says why in its log only.
                fault::point("agent ended");
                if traces::is_same(&lab.directory, &lock) {
                    drop(lock);
                    sweep(lab, undo)?;
                }
                return Ok(namespaces);
            }
            // Another version, or one that is stopped or stuck.
            Err(Error::Hello { .. } | Error::Silent(_)) => return end_process(lab, lock, undo),
            // Just beginning, or ending.
            Err(_) if Instant::now() < deadline => sleep(POLL),
            // It hangs up on everybody, as others hold all the connections that it takes.
            Err(Error::Channel(_) | Error::Gone(_)) => return end_process(lab, lock, undo),
            Err(error) => return Err(error),
        }
    }
}

/// Ends the process of an agent that can't be asked, which ends the lab, by construction.
fn end_process(lab: &Lab, lock: File, undo: Undo) -> Result<Namespaces, Error> {
    kill(lab, &lock)?;
    drop(lock);
    sweep(lab, undo)?;
    Ok(Namespaces::default())
}

/// Removes what an agent that has ended has left.
fn sweep(lab: &Lab, undo: Undo) -> Result<(), Error> {
    let mut remains = lab.root.sweep(undo)?.into_iter();
    match remains.find(|remains| remains.lab == lab.name.as_str()) {
        Some(Remains { lab, left }) => Err(Error::Remains { lab, left }),
        None => Ok(()),
    }
}

/// Ends the process behind a lab's socket by signals: at first by one that it can undo its lab at.
fn kill(lab: &Lab, lock: &File) -> Result<(), Error> {
    let dialled = match dial(&lab.directory) {
        // It has ended by now.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(());
        }
        dialled => dialled.map_err(Error::io("find the agent"))?,
    };
    let process = Process::open(dialled.pid).map_err(Error::io("find the agent's process"))?;
    // A number may have been given to another process by now. The agent is its owner's, and lives as long as its lock is held.
    let uid = fs::metadata(format!("/proc/{}", dialled.pid)).map(|found| found.uid());
    if uid.ok() != Some(dialled.owner) || lock.try_lock().is_ok() {
        return Ok(());
    }
    for signal in [libc::SIGCONT, libc::SIGTERM] {
        process.signal(signal).map_err(Error::io("end the agent"))?;
    }
    if wait_for_end(lock, &lab.directory, PATIENCE).is_ok() {
        return Ok(());
    }
    process.signal(libc::SIGKILL).map_err(Error::io("end the agent"))?;
    wait_for_end(lock, &lab.directory, PATIENCE)
}

/// A process by a descriptor, which is not given to another.
struct Process(OwnedFd);

impl Process {
    fn open(pid: i32) -> io::Result<Self> {
        // SAFETY: a system call on numbers; the descriptor is a new one that nothing else knows.
        unsafe {
            match libc::syscall(libc::SYS_pidfd_open, pid, 0) {
                fd @ 0.. => Ok(Self(OwnedFd::from_raw_fd(fd as c_int))),
                _ => Err(io::Error::last_os_error()),
            }
        }
    }

    fn signal(&self, signal: c_int) -> io::Result<()> {
        let info: *const libc::siginfo_t = std::ptr::null();
        // SAFETY: a system call on a descriptor of ours, without further information.
        let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), signal, info, 0) };
        if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
