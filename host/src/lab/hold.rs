//! Letting go of a lab that is not complete.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::socket::{Shutdown, shutdown};

use super::interrupt::signals_end_this_again;
use super::{Error, Order};
use crate::fault;

/// An agent that has not ended after this has not undone its lab.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(1);

/// What keeps an agent alive, and tells when it has gone. Both descriptors are from before the privileges were given up.
pub struct Hold {
    channel: OwnedFd,
    /// The lab's directory, opened anew: its lock can be taken once the agent has gone.
    lock: File,
    directory: PathBuf,
    lab: String,
    on_host: bool,
}

impl Hold {
    pub(super) fn new(channel: OwnedFd, lock: File, directory: &Path, order: &Order) -> Self {
        let lab = order.name.to_string();
        Self { channel, lock, directory: directory.to_owned(), lab, on_host: order.on_host }
    }

    pub(super) fn lock(&self) -> &File {
        &self.lock
    }

    /// Lets go, and waits until the agent has undone the lab and ended.
    pub fn let_go(self) -> Result<(), Error> {
        // Whoever has had enough of waiting can interrupt this too.
        signals_end_this_again();
        // The client may be waiting on the same channel in another thread; this ends its waiting too.
        let _ = shutdown(self.channel.as_raw_fd(), Shutdown::Both);
        fault::point("let go");
        wait_for_end(&self.lock, &self.directory, PATIENCE)?;
        // Of a lab on the machine's own host the directory stays as long as something of it does. It is looked at by the
        // descriptor, as this process may no longer enter where it is.
        if self.on_host && is_there(&self.lock) { Err(Error::NotOut(self.lab)) } else { Ok(()) }
    }
}

/// Tells whether a directory has a name. By fstat(2) itself, as the C library may look by an empty path, and this process can give
/// paths no more.
fn is_there(directory: &File) -> bool {
    // SAFETY: the kernel fills what is all zeros at first.
    let status: libc::stat = unsafe {
        let mut status = std::mem::zeroed();
        libc::syscall(libc::SYS_fstat, directory.as_raw_fd(), &raw mut status);
        status
    };
    status.st_nlink > 0
}

/// Waits until the agent that holds a lab's lock has ended.
pub(super) fn wait_for_end(lock: &File, directory: &Path, patience: Duration) -> Result<(), Error> {
    let deadline = Instant::now() + patience;
    while lock.try_lock().is_err() {
        if Instant::now() >= deadline {
            return Err(Error::Left { directory: directory.to_owned() });
        }
        sleep(POLL);
    }
    Ok(())
}
