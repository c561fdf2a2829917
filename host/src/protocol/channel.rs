//! A SEQPACKET socket that carries messages of any length, and descriptors.
//!
//! The socket keeps the boundaries of what is written at once, which ends at some 212,000 bytes (net.core.wmem_default); so a
//! message goes in pieces, each with a first byte that tells whether it is the last. The end of the peer is an empty read.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::cmsg_space;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, Shutdown, recvmsg, sendmsg, setsockopt, shutdown, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use super::assembly::{Assembly, LAST, MORE, PIECE};

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
    /// What came is no piece of a message.
    #[error("what came is no piece of a message")]
    Piece,
    /// The message can't be read.
    #[error("a message can't be read: {0}")]
    Garbled(#[from] postcard::Error),
    /// The message is a shorter one with something behind it.
    #[error("a message has {0} bytes behind its end")]
    Trailing(usize),
    /// The message is none that may come at this point.
    #[error("a request came that has no place here: {0}")]
    OutOfPlace(&'static str),
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

    /// Ends the conversation, whoever else has this end open too.
    pub fn hang_up(&self) {
        // It fails where the other side has gone already.
        let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Both);
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
        let mut pieces = bytes.chunks(PIECE).peekable();
        let mut rights = vec![ControlMessage::ScmRights(descriptors)];
        if descriptors.is_empty() {
            rights.clear();
        }
        while let Some(piece) = pieces.next() {
            let mark = [if pieces.peek().is_some() { MORE } else { LAST }];
            self.write(&[IoSlice::new(&mark), IoSlice::new(piece)], &rights, MsgFlags::empty())?;
            rights.clear();
        }
        Ok(())
    }

    /// Sends bytes that are no message: the greeting.
    pub(super) fn send_raw(&self, bytes: &[u8]) -> Result<(), ChannelError> {
        self.write(&[IoSlice::new(bytes)], &[], MsgFlags::empty())
    }

    /// Sends a short message, or drops it if the other side does not take what it is sent.
    pub fn offer<T: Serialize>(&self, message: &T) -> Result<(), ChannelError> {
        let bytes = postcard::to_stdvec(message)?;
        debug_assert!(bytes.len() <= PIECE, "it has to go as a whole or not at all");
        match self.write(&[IoSlice::new(&[LAST]), IoSlice::new(&bytes)], &[], MsgFlags::MSG_DONTWAIT) {
            Err(ChannelError::TimedOut) => Ok(()),
            outcome => outcome,
        }
    }

    fn write(&self, parts: &[IoSlice<'_>], rights: &[ControlMessage<'_>], flags: MsgFlags) -> Result<(), ChannelError> {
        loop {
            match sendmsg::<()>(self.socket.as_raw_fd(), parts, rights, MsgFlags::MSG_NOSIGNAL | flags, None) {
                Ok(_) => return Ok(()),
                Err(nix::Error::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits for a message. Descriptors that come with it are closed by the kernel.
    pub fn receive<T: DeserializeOwned>(&self) -> Result<T, ChannelError> {
        self.assemble(None)?.read()
    }

    /// Waits for a message and the descriptors that come with it.
    pub fn receive_with<T: DeserializeOwned>(&self) -> Result<(T, Vec<OwnedFd>), ChannelError> {
        let mut descriptors = Vec::new();
        let message = self.assemble(Some(&mut descriptors))?.read()?;
        Ok((message, descriptors))
    }

    fn assemble(&self, mut descriptors: Option<&mut Vec<OwnedFd>>) -> Result<Assembly, ChannelError> {
        let mut assembly = Assembly::new(self.limit);
        // A byte more than a piece can have, so that one which was cut off is seen.
        let mut piece = vec![0; PIECE + 2];
        let deadline = self.deadline();
        loop {
            self.wait(deadline)?;
            let length = self.read(&mut piece, descriptors.take())?;
            if assembly.take(&piece[..length])? {
                return Ok(assembly);
            }
        }
    }

    /// Waits for bytes that are no message: the greeting.
    pub(super) fn receive_raw(&self, most: usize) -> Result<Vec<u8>, ChannelError> {
        let mut bytes = vec![0; most];
        self.wait(self.deadline())?;
        let length = self.read(&mut bytes, None)?;
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

    /// Reads a packet. Without a place for descriptors the kernel closes those that were sent along.
    fn read(&self, buffer: &mut [u8], descriptors: Option<&mut Vec<OwnedFd>>) -> Result<usize, ChannelError> {
        let mut space = descriptors.is_some().then(|| cmsg_space!([RawFd; DESCRIPTORS]));
        let mut parts = [IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = loop {
            match recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, space.as_deref_mut(), flags) {
                Err(nix::Error::EINTR) => {}
                outcome => break outcome?,
            }
        };
        if let Some(descriptors) = descriptors {
            for control in message.cmsgs()? {
                if let ControlMessageOwned::ScmRights(rights) = control {
                    // SAFETY: the kernel has just made these descriptors for this process, and nothing else knows them.
                    descriptors.extend(rights.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
                }
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

    #[test]
    fn packet_that_is_longer_than_a_piece_is_not_taken_for_its_beginning() {
        let (a, b) = pair(1 << 20);
        a.send_raw(&vec![LAST; PIECE + 100]).unwrap();
        assert!(matches!(b.receive::<u8>(), Err(ChannelError::Piece)));
    }

    /// The other end of a pipe tells whether anybody still holds the descriptor that was sent.
    #[test]
    fn descriptors_that_nobody_waits_for_are_closed() {
        let (a, b) = pair(1000);
        let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_NONBLOCK).unwrap();
        a.send_with(&1u8, &[writer.as_raw_fd()]).unwrap();
        drop(writer);
        assert_eq!(nix::unistd::read(&reader, &mut [0]), Err(nix::Error::EAGAIN));
        assert_eq!(b.receive::<u8>().unwrap(), 1);
        assert_eq!(nix::unistd::read(&reader, &mut [0]), Ok(0));
    }

    #[test]
    fn descriptors_come_with_the_first_piece_alone() {
        let (a, b) = pair(1000);
        let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_NONBLOCK).unwrap();
        let rights = [writer.as_raw_fd()];
        for piece in [[MORE, 1], [LAST, b'x']] {
            a.write(&[IoSlice::new(&piece)], &[ControlMessage::ScmRights(&rights)], MsgFlags::empty()).unwrap();
        }
        drop(writer);
        let (text, descriptors) = b.receive_with::<String>().unwrap();
        assert_eq!((text.as_str(), descriptors.len()), ("x", 1));
        drop(descriptors);
        assert_eq!(nix::unistd::read(&reader, &mut [0]), Ok(0));
    }

    #[test]
    fn what_is_only_offered_does_not_wait_for_a_reader() {
        let (a, b) = pair(1000);
        for n in 0..100_000u32 {
            a.offer(&n).unwrap();
        }
        assert_eq!(b.receive::<u32>().unwrap(), 0);
        drop(b);
        assert!(matches!(a.offer(&1u8), Err(ChannelError::Closed)));
    }
}
