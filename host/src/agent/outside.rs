//! What the agent does to the machine outside of its namespaces: the lab's directory, the names in `/run/netns`.
//!
//! All of it is done under one mutex. The end of the agent takes that mutex and keeps it until the process is gone, so nothing
//! can be made after it was undone.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::protocol::{Channel, Request, greet};
use crate::topology::NetnsName;

/// Where `ip netns` looks for names.
const NAMES: &str = "/run/netns";
/// How long the end waits for an act that another thread has begun.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a lab that is being replaced may take to end.
const END_OF_ANOTHER: Duration = Duration::from_secs(10);

/// The agent's hand on the machine.
pub(super) struct Outside {
    state: Mutex<State>,
    outer_pid: i32,
}

struct State {
    directory: PathBuf,
    /// The lab to end, and its directory to move to, with the first act.
    replaces: Option<PathBuf>,
    names: Vec<PathBuf>,
    made_names_directory: bool,
}

impl Outside {
    pub(super) fn new(directory: PathBuf, replaces: Option<PathBuf>, outer_pid: i32) -> Self {
        let state = State { directory, replaces, names: Vec::new(), made_names_directory: false };
        Self { state: Mutex::new(state), outer_pid }
    }

    /// Returns the directory that the agent serves from now.
    pub(super) fn directory(&self) -> PathBuf {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).directory.clone()
    }

    /// Ends the lab that this one replaces, if that is still to be done, and takes its directory.
    pub(super) fn take_over(&self) -> Result<bool, String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(target) = state.replaces.take() else { return Ok(false) };
        end_lab(&target)?;
        fs::rename(&state.directory, &target)
            .map_err(|error| format!("could not take the name of the lab that was replaced: {error}"))?;
        state.directory = target;
        Ok(true)
    }

    /// Gives `ip netns` a name for each netns: `LAB.NETNS`. A name that somebody else has is left alone and returned.
    pub(super) fn publish(&self, lab: &str, netns: &[(NetnsName, i32)]) -> io::Result<Vec<PathBuf>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match fs::create_dir(NAMES) {
            Ok(()) => state.made_names_directory = true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        // `ip netns` is for all users; the umask is for the agent's own files.
        if state.made_names_directory {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(NAMES, fs::Permissions::from_mode(0o755))?;
        }
        let mut taken = Vec::new();
        for (name, descriptor) in netns {
            let path = Path::new(NAMES).join(format!("{lab}.{name}"));
            match symlink(format!("/proc/{}/fd/{descriptor}", self.outer_pid), &path) {
                Ok(()) => state.names.push(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken.push(path),
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    /// Removes all that the agent made outside, then ends the process, and with it the lab.
    pub(super) fn end(&self, status: i32) -> ! {
        let patience = Instant::now() + PATIENCE;
        let state = loop {
            match self.state.try_lock() {
                Ok(state) => break Some(state),
                Err(TryLockError::Poisoned(poisoned)) => break Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() < patience => sleep(Duration::from_millis(1)),
                Err(TryLockError::WouldBlock) => break None,
            }
        };
        if let Some(state) = &state {
            for name in &state.names {
                let _ = fs::remove_file(name);
            }
            if state.made_names_directory {
                // Somebody else's names may be there by now; then it stays.
                let _ = fs::remove_dir(NAMES);
            }
            remove_lab_directory(&state.directory);
        }
        // SAFETY: `_exit` only ends the process. Destructors are not wanted: the mutex must stay taken.
        unsafe { nix::libc::_exit(status) }
    }
}

/// Frees the lab's name at once, whatever the rest takes.
fn remove_lab_directory(directory: &Path) {
    let hidden = match (directory.parent(), directory.file_name()) {
        (Some(parent), Some(name)) => {
            parent.join(format!(".{}.{}", name.to_string_lossy().trim_start_matches('.'), std::process::id()))
        }
        _ => return,
    };
    let going = if fs::rename(directory, &hidden).is_ok() { &hidden } else { directory };
    let _ = fs::remove_dir_all(going);
}

/// Ends the lab in a directory and waits until it has.
fn end_lab(directory: &Path) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("could not end the lab that is to be replaced: {error}");
    let socket = match super::server::connect(&directory.join("socket")) {
        Ok(socket) => socket,
        // It has ended by itself meanwhile, or by a crash that left its directory.
        Err(nix::Error::ENOENT | nix::Error::ECONNREFUSED) => {
            return match fs::remove_dir_all(directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&error)),
                _ => Ok(()),
            };
        }
        Err(error) => return Err(failed(&error)),
    };
    let channel = Channel::new(socket, 1 << 16);
    channel.set_timeout(END_OF_ANOTHER).map_err(|error| failed(&error))?;
    greet(&channel).map_err(|error| failed(&error))?;
    channel.send(&Request::Down).map_err(|error| failed(&error))?;
    match channel.receive::<crate::protocol::Answer>() {
        Err(crate::protocol::ChannelError::Closed) => Ok(()),
        Err(error) => Err(failed(&error)),
        Ok(_) => Err(failed(&"it answered")),
    }
}
