//! A SEQPACKET socket that carries messages of any length, and descriptors.
//!
//! The socket keeps the boundaries of what is written at once, which ends at some 212,000 bytes (net.core.wmem_default); so a
//! message goes in fragments, each with a first byte that tells whether it is the last. The end of the peer is an empty read.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::cmsg_space;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg, setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

const FRAGMENT: usize = 64 * 1024;
const MORE: u8 = 1;
const LAST: u8 = 0;
/// The most descriptors that come with one message.
const DESCRIPTORS: usize = 4;

/// Why a message did not come or go.
#[derive(Debug, Error)]
pub enum ChannelError {
    /// The peer has gone.
    #[error("the other side has gone")]
    Closed,
    /// The peer was silent for too long.
    #[error("the other side did not answer in time")]
    TimedOut,
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The message is larger than this side takes.
    #[error("a message has more than {0} bytes")]
    TooLarge(usize),
    /// The message can't be read.
    #[error("a message can't be read: {0}")]
    Garbled(#[from] postcard::Error),
}

impl From<nix::Error> for ChannelError {
    fn from(error: nix::Error) -> Self {
        match error {
            nix::Error::EPIPE | nix::Error::ECONNRESET => Self::Closed,
            nix::Error::EAGAIN => Self::TimedOut,
            other => Self::Io(other.into()),
        }
    }
}

/// One end of a channel.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
    /// The largest message that this end takes.
    limit: usize,
    /// How long a whole message may take to come.
    timeout: Option<Duration>,
}

impl Channel {
    /// Takes a connected SEQPACKET socket; messages to this end may have up to `limit` bytes.
    pub fn new(socket: OwnedFd, limit: usize) -> Self {
        Self { socket, limit, timeout: None }
    }

    /// Limits how long a whole message may take, each way; then it fails with `TimedOut`.
    pub fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.timeout = Some(timeout);
        // Longer than a year is as good as never, and the kernel's clock has its own end.
        let time = TimeVal::seconds(timeout.as_secs().clamp(1, 365 * 24 * 60 * 60).cast_signed());
        Ok(setsockopt(&self.socket, sockopt::SendTimeout, &time)?)
    }

    /// Sends a message.
    pub fn send<T: Serialize>(&self, message: &T) -> Result<(), ChannelError> {
        self.send_with(message, &[])
    }

    /// Sends a message together with descriptors.
    pub fn send_with<T: Serialize>(&self, message: &T, descriptors: &[RawFd]) -> Result<(), ChannelError> {
        let bytes = postcard::to_stdvec(message)?;
        let mut fragments = bytes.chunks(FRAGMENT).peekable();
        let mut rights = vec![ControlMessage::ScmRights(descriptors)];
        if descriptors.is_empty() {
            rights.clear();
        }
        while let Some(fragment) = fragments.next() {
            let mark = [if fragments.peek().is_some() { MORE } else { LAST }];
            self.write(&[IoSlice::new(&mark), IoSlice::new(fragment)], &rights)?;
            rights.clear();
        }
        Ok(())
    }

    /// Sends bytes that are no message: the greeting.
    pub(super) fn send_raw(&self, bytes: &[u8]) -> Result<(), ChannelError> {
        self.write(&[IoSlice::new(bytes)], &[])
    }

    fn write(&self, parts: &[IoSlice<'_>], rights: &[ControlMessage<'_>]) -> Result<(), ChannelError> {
        loop {
            match sendmsg::<()>(self.socket.as_raw_fd(), parts, rights, MsgFlags::MSG_NOSIGNAL, None) {
                Ok(_) => return Ok(()),
                Err(nix::Error::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits for a message.
    pub fn receive<T: DeserializeOwned>(&self) -> Result<T, ChannelError> {
        self.receive_with().map(|(message, _)| message)
    }

    /// Waits for a message and the descriptors that come with it.
    pub fn receive_with<T: DeserializeOwned>(&self) -> Result<(T, Vec<OwnedFd>), ChannelError> {
        let mut bytes = Vec::new();
        let mut descriptors = Vec::new();
        let mut fragment = vec![0; FRAGMENT + 1];
        let deadline = self.deadline();
        loop {
            self.wait(deadline)?;
            let length = self.read(&mut fragment, &mut descriptors)?;
            bytes.extend_from_slice(&fragment[1..length]);
            if bytes.len() > self.limit {
                return Err(ChannelError::TooLarge(self.limit));
            }
            if fragment[0] == LAST {
                return Ok((postcard::from_bytes(&bytes)?, descriptors));
            }
        }
    }

    /// Waits for bytes that are no message: the greeting.
    pub(super) fn receive_raw(&self, most: usize) -> Result<Vec<u8>, ChannelError> {
        let mut bytes = vec![0; most];
        self.wait(self.deadline())?;
        let length = self.read(&mut bytes, &mut Vec::new())?;
        bytes.truncate(length);
        Ok(bytes)
    }

    fn deadline(&self) -> Option<Instant> {
        // Later than the clock reaches is never.
        Instant::now().checked_add(self.timeout?)
    }

    /// Waits until there is something to read, or the deadline has come.
    fn wait(&self, deadline: Option<Instant>) -> Result<(), ChannelError> {
        let Some(deadline) = deadline else { return Ok(()) };
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left.as_millis()).unwrap_or(PollTimeout::MAX);
            match poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)], timeout) {
                Ok(0) if Instant::now() >= deadline => return Err(ChannelError::TimedOut),
                Ok(0) | Err(nix::Error::EINTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read(&self, buffer: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> Result<usize, ChannelError> {
        let mut space = cmsg_space!([RawFd; DESCRIPTORS]);
        let mut parts = [IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = loop {
            match recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, Some(&mut space), flags) {
                Err(nix::Error::EINTR) => {}
                outcome => break outcome?,
            }
        };
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(rights) = control {
                // SAFETY: the kernel has just made these descriptors for this process, and nothing else knows them.
                descriptors.extend(rights.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
            }
        }
        if message.bytes == 0 { Err(ChannelError::Closed) } else { Ok(message.bytes) }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

    use super::*;

    fn pair(limit: usize) -> (Channel, Channel) {
        let (a, b) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap();
        (Channel::new(a, limit), Channel::new(b, limit))
    }

    #[test]
    fn message_larger_than_a_packet_arrives_whole() {
        let (a, b) = pair(1 << 20);
        let text = "x".repeat(500_000);
        let copy = text.clone();
        let sender = std::thread::spawn(move || a.send(&copy));
        assert_eq!(b.receive::<String>().unwrap(), text);
        sender.join().unwrap().unwrap();
    }

    #[test]
    fn message_over_the_limit_is_refused() {
        let (a, b) = pair(1000);
        a.send(&vec![0u8; 2000]).unwrap();
        assert!(matches!(b.receive::<Vec<u8>>(), Err(ChannelError::TooLarge(1000))));
    }

    #[test]
    fn end_of_the_peer_is_told_from_an_error() {
        let (a, b) = pair(1000);
        drop(a);
        assert!(matches!(b.receive::<String>(), Err(ChannelError::Closed)));
        assert!(matches!(b.send(&"x"), Err(ChannelError::Closed)));
    }

    #[test]
    fn silence_ends_at_its_time_however_much_of_the_message_has_come() {
        let (mut a, b) = pair(1000);
        a.set_timeout(Duration::from_millis(20)).unwrap();
        assert!(matches!(a.receive::<String>(), Err(ChannelError::TimedOut)));
        b.send_raw(&[MORE, 1]).unwrap();
        assert!(matches!(a.receive::<String>(), Err(ChannelError::TimedOut)));
    }

    #[test]
    fn what_is_no_message_is_an_error_and_no_panic() {
        let (a, b) = pair(1000);
        a.send_raw(&[LAST, 0xff, 0xff, 0xff]).unwrap();
        assert!(matches!(b.receive::<super::super::Request>(), Err(ChannelError::Garbled(_))));
    }
}
