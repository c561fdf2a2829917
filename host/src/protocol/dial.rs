//! Reaching the agent that serves from a directory.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{OFlag, open, openat};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, setsockopt, socket, sockopt};
use nix::sys::stat::Mode;
use nix::sys::time::{TimeVal, TimeValLike};

/// How long a connection may take: the agent need not even run for it, but its queue may be full.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to an agent.
#[derive(Debug)]
pub struct Dialled {
    /// The connected socket.
    pub socket: OwnedFd,
    /// The agent's PID, as this process sees it; 0 from another PID namespace.
    pub pid: i32,
    /// The owner of the lab, and of the agent.
    pub owner: u32,
}

/// Connects to the socket in a lab's directory.
///
/// Neither the directory nor the socket may be a symlink, and whoever listens has to be the directory's owner: nobody can be
/// led to another's agent. The path is a short one, as that of a Unix socket ends at 107 bytes.
pub fn dial(directory: &Path) -> io::Result<Dialled> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let directory: OwnedFd = open(directory, flags | OFlag::O_DIRECTORY, Mode::empty())?;
    let inode = File::from(openat(&directory, "socket", flags, Mode::empty())?);
    let (found, owner) = (inode.metadata()?, File::from(directory).metadata()?.uid());
    if !found.file_type().is_socket() || found.uid() != owner {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let socket = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, sockopt::SendTimeout, &TimeVal::seconds(PATIENCE.as_secs().cast_signed()))?;
    let path = format!("/proc/self/fd/{}", inode.as_raw_fd());
    connect(socket.as_raw_fd(), &UnixAddr::new(path.as_str())?)?;
    let peer = getsockopt(&socket, sockopt::PeerCredentials)?;
    if peer.uid() != owner {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(Dialled { socket, pid: peer.pid(), owner })
}
