//! What the agent does to the machine outside of its namespaces: the lab's directory, the names in `/run/netns`.
//!
//! All of it is done under one mutex. The end of the agent takes that mutex and keeps it until the process is gone, so nothing
//! can be made after it was undone.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::protocol::{Answer, Channel, ChannelError, Dialled, Request, dial, greet, traces};
use crate::topology::NetnsName;

/// How long the end waits for an act that another thread has begun.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a lab that is being replaced may take to end.
const END_OF_ANOTHER: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(2);

/// The agent's hand on the machine.
pub(super) struct Outside {
    state: Mutex<State>,
    ending: AtomicBool,
    /// The lab's directory, whatever its name is now.
    lock: OwnedFd,
    outer_pid: i32,
    lab: String,
}

struct State {
    directory: PathBuf,
    /// The directory to move to, and whose lab to end, with the first act.
    replaces: Option<PathBuf>,
    /// The names that were made, with what they lead to.
    names: Vec<(PathBuf, PathBuf)>,
}

impl Outside {
    pub(super) fn new(
        lab: String,
        directory: PathBuf,
        replaces: Option<PathBuf>,
        lock: OwnedFd,
        outer_pid: i32,
    ) -> Self {
        let state = State { directory, replaces, names: Vec::new() };
        Self { state: Mutex::new(state), ending: AtomicBool::new(false), lock, outer_pid, lab }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether the lab's directory is still the lab's, and still has its socket.
    pub(super) fn is_reachable(&self) -> bool {
        let directory = self.state().directory.clone();
        traces::is_same(&directory, &self.lock) && directory.join("socket").exists()
    }

    /// Ends the lab that this one replaces, if that is still to be done, and takes its directory.
    pub(super) fn take_over(&self) -> Result<(), String> {
        let Some(target) = self.state().replaces.take() else { return Ok(()) };
        // Waited for without the mutex: this may take a while, and the end must not wait for it.
        end_lab(&target, &self.lab)?;
        let mut state = self.state();
        fs::rename(&state.directory, &target)
            .map_err(|error| format!("could not take the name of the lab that was replaced: {error}"))?;
        state.directory = target;
        Ok(())
    }

    /// Gives `ip netns` a name for each netns: `LAB.NETNS`. A name that somebody else has is left alone and returned.
    pub(super) fn publish(&self, netns: &[(NetnsName, i32)]) -> io::Result<Vec<String>> {
        let mut taken = Vec::new();
        let mut state = self.state();
        traces::make_names_directory()?;
        for (name, descriptor) in netns {
            let path = traces::published_name(&self.lab, name.as_str());
            let target = format!("/proc/{}/fd/{descriptor}", self.outer_pid);
            let made = symlink(&target, &path).or_else(|error| match error.kind() {
                // Another lab that ended has taken the directory along.
                io::ErrorKind::NotFound => traces::make_names_directory().and_then(|()| symlink(&target, &path)),
                _ => Err(error),
            });
            match made {
                Ok(()) => state.names.push((path, PathBuf::from(target))),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    taken.push(path.display().to_string());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    /// Removes all that the agent made outside, then ends the process, and with it the lab.
    pub(super) fn end(&self, status: i32) -> ! {
        if self.ending.swap(true, Ordering::SeqCst) {
            // Another thread is at it.
            loop {
                std::thread::park();
            }
        }
        let patience = Instant::now() + PATIENCE;
        let state = loop {
            match self.state.try_lock() {
                Ok(state) => break Some(state),
                Err(TryLockError::Poisoned(poisoned)) => break Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() < patience => sleep(POLL),
                Err(TryLockError::WouldBlock) => break None,
            }
        };
        if let Some(state) = &state {
            for (name, target) in &state.names {
                // Somebody may have put another in its place.
                if fs::read_link(name).is_ok_and(|to| to == *target) {
                    let _ = fs::remove_file(name);
                }
            }
            if !state.names.is_empty() {
                traces::remove_names_directory();
            }
            self.remove_directory(&state.directory);
        }
        // SAFETY: `_exit` only ends the process. Destructors are not wanted: the mutex must stay taken.
        unsafe { nix::libc::_exit(status) }
    }

    /// Frees the lab's name at once, whatever the rest takes. What is not this lab's any more is left alone.
    fn remove_directory(&self, directory: &Path) {
        if !traces::is_same(directory, &self.lock) {
            return;
        }
        let hidden = directory.with_file_name(format!(".{}.{}.gone", self.lab, self.outer_pid));
        let going = if fs::rename(directory, &hidden).is_ok() { &hidden } else { directory };
        let _ = traces::remove_directory(going);
    }
}

/// Ends the lab in a directory and waits until it has.
fn end_lab(directory: &Path, lab: &str) -> Result<(), String> {
    let deadline = Instant::now() + END_OF_ANOTHER;
    let failed = |cause: &dyn std::fmt::Display| format!("could not end the lab that is to be replaced: {cause}");
    loop {
        if !directory.exists() {
            return Ok(());
        }
        if traces::is_dead(directory) {
            traces::remove_names(directory, lab);
            return traces::remove_directory(directory).map_err(|error| failed(&error));
        }
        match dial(directory) {
            Ok(dialled) => ask_to_end(dialled).map_err(|error| failed(&error))?,
            // It is just beginning, or ending.
            Err(error) if Instant::now() >= deadline => return Err(failed(&error)),
            Err(_) => {}
        }
        sleep(POLL);
    }
}

fn ask_to_end(dialled: Dialled) -> Result<(), String> {
    let mut channel = Channel::new(dialled.socket, 1 << 16);
    channel.set_timeout(END_OF_ANOTHER).map_err(|error| error.to_string())?;
    greet(&channel).map_err(|error| error.to_string())?;
    match channel.send(&Request::Down).and_then(|()| channel.receive::<Answer>()) {
        Ok(_) => Err("it answered".into()),
        Err(ChannelError::Closed) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
