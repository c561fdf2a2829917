//! Ending a lab.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::socket::{getsockopt, sockopt};

use super::client::connect_socket;
use super::processes::netns_inodes;
use super::sweep::is_dead;
use super::{Error, Lab, connect, sweep};
use crate::topology::NetnsName;

/// An agent that has not ended after this is stuck.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(1);

/// Ends a lab and waits until its name is free. Returns the namespaces that it had, by inode.
pub fn end(lab: &Lab) -> Result<HashMap<u64, NetnsName>, Error> {
    match connect(&lab.directory, lab.name.as_str()) {
        Ok(client) => {
            let inodes = netns_inodes(&client)?;
            client.down()?;
            Ok(inodes)
        }
        Err(Error::Hello { .. }) => {
            terminate(lab)?;
            Ok(HashMap::new())
        }
        // It has ended since it was found.
        Err(Error::NoSuchLab(_)) => Ok(HashMap::new()),
        Err(error) => Err(error),
    }
}

/// Ends an agent of another version, which understands no message of ours: by a signal to the process behind the socket.
fn terminate(lab: &Lab) -> Result<(), Error> {
    let lock =
        File::options().write(true).open(lab.directory.join("lock")).map_err(Error::io("open the lab's lock"))?;
    let socket = connect_socket(&lab.directory, lab.name.as_str())?;
    let peer =
        getsockopt(&socket, sockopt::PeerCredentials).map_err(|error| Error::io("find the agent")(error.into()))?;
    // SAFETY: two system calls on a number and a descriptor of ours. A PID that was reused by now can't have the lab's lock,
    // which is looked at in between.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, peer.pid(), 0);
        if fd < 0 {
            return Err(Error::io("find the agent's process")(io::Error::last_os_error()));
        }
        let process = OwnedFd::from_raw_fd(i32::try_from(fd).expect("a descriptor is small"));
        if lock.try_lock().is_ok() {
            return sweep();
        }
        let info: *const libc::c_void = std::ptr::null();
        if libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), libc::SIGTERM, info, 0) < 0 {
            return Err(Error::io("end the agent")(io::Error::last_os_error()));
        }
    }
    let deadline = Instant::now() + PATIENCE;
    while lock.try_lock().is_err() {
        if Instant::now() >= deadline {
            return Err(Error::Left { directory: lab.directory.clone() });
        }
        sleep(POLL);
    }
    if is_dead(&lab.directory) { sweep() } else { Ok(()) }
}
