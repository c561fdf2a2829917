//! Letting go of a lab that is not complete.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::socket::{Shutdown as How, shutdown};

use super::Error;

/// An agent that has not ended after this has not undone its lab.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(1);

/// What keeps an agent alive, and tells when it has gone. Both descriptors are from before the privileges were given up.
pub struct Hold {
    channel: OwnedFd,
    /// The lab's lock, opened anew: it can be taken once the agent has gone.
    lock: File,
    directory: PathBuf,
}

impl Hold {
    pub(super) fn new(channel: &OwnedFd, directory: &Path) -> Result<Self, Error> {
        let channel = channel.try_clone().map_err(Error::io("duplicate a channel"))?;
        let lock =
            File::options().write(true).open(directory.join("lock")).map_err(Error::io("open the lab's lock"))?;
        Ok(Self { channel, lock, directory: directory.to_owned() })
    }

    /// Lets go, and waits until the agent has undone the lab and ended.
    pub fn let_go(self) -> Result<(), Error> {
        // The client may be waiting on the same channel in another thread; this ends its waiting too.
        let _ = shutdown(self.channel.as_raw_fd(), How::Both);
        let deadline = Instant::now() + PATIENCE;
        while self.lock.try_lock().is_err() {
            if Instant::now() >= deadline {
                return Err(Error::Left { directory: self.directory });
            }
            sleep(POLL);
        }
        Ok(())
    }
}
