//! Asking a lab's agent.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{OFlag, open};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect as connect_to, getsockopt, socket, sockopt,
};
use nix::sys::stat::Mode;
use nix::unistd::geteuid;

use super::{Error, unable};
use crate::plan::Step;
use crate::protocol::{Answer, Channel, ChannelError, Join, Request, Status, greet};
use crate::topology::{NetnsName, Ping, PingAnswer, observed};

/// The largest answer that is taken: a lab of 16,384 namespaces, read whole.
const ANSWER_LIMIT: usize = 256 << 20;
/// Steps that go in one message, some 40 kB.
const STEPS: usize = 400;
/// An agent that does not answer for this long is stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// A channel to a lab's agent.
#[derive(Debug)]
pub struct Client {
    channel: Channel,
    lab: String,
    rootless: bool,
}

impl Client {
    pub(super) fn new(socket: OwnedFd, lab: String, rootless: bool) -> Self {
        Self { channel: Channel::new(socket, ANSWER_LIMIT), lab, rootless }
    }

    /// Waits until an agent that was just started is ready.
    pub fn ready(&self) -> Result<(), Error> {
        greet(&self.channel).map_err(|source| Error::Hello { lab: self.lab.clone(), source })?;
        match self.channel.receive()? {
            Answer::Done => Ok(()),
            Answer::Failed { errno: Some(errno), message } => {
                Err(Error::Unable { hint: unable::hint(&errno, self.rootless), act: act_of(&message), errno })
            }
            other => Err(unexpected(other)),
        }
    }

    fn ask(&self, request: &Request) -> Result<Answer, Error> {
        self.channel.send(request)?;
        match self.channel.receive()? {
            Answer::Failed { errno, message } => Err(Error::Agent { errno, message }),
            Answer::Refused(failure) => Err(failure.into()),
            answer => Ok(answer),
        }
    }

    fn do_it(&self, request: &Request) -> Result<(), Error> {
        match self.ask(request)? {
            Answer::Done => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    /// Has steps done, and waits until they are.
    pub fn apply(&self, steps: Vec<Step>) -> Result<(), Error> {
        let mut steps = steps.into_iter().peekable();
        while steps.peek().is_some() {
            // The agent begins with the first while the next are on the way.
            self.channel.send(&Request::Steps(steps.by_ref().take(STEPS).collect()))?;
        }
        self.do_it(&Request::Commit)
    }

    /// Lets the lab stand by itself.
    pub fn complete(&self) -> Result<(), Error> {
        self.do_it(&Request::Complete)
    }

    /// Pings, all at once.
    pub fn ping(&self, pings: Vec<Ping>) -> Result<Vec<PingAnswer>, Error> {
        match self.ask(&Request::Ping(pings))? {
            Answer::Pinged(answers) => Ok(answers),
            other => Err(unexpected(other)),
        }
    }

    /// Reads a netns, or all, from the kernel.
    pub fn observe(&self, netns: Option<NetnsName>) -> Result<Vec<observed::Netns>, Error> {
        match self.ask(&Request::Observe(netns))? {
            Answer::Observed(netns) => Ok(netns),
            other => Err(unexpected(other)),
        }
    }

    /// Waits until the links carry; returns those that did not in time.
    pub fn settle(&self, timeout: Duration) -> Result<Vec<String>, Error> {
        match self.ask(&Request::Settle(timeout))? {
            Answer::Settled(waiting) => Ok(waiting),
            other => Err(unexpected(other)),
        }
    }

    /// Asks what the lab is.
    pub fn status(&self) -> Result<Status, Error> {
        match self.ask(&Request::Status)? {
            Answer::Status(status) => Ok(status),
            other => Err(unexpected(other)),
        }
    }

    /// Asks for what it takes to enter a netns.
    pub fn join(&self, netns: NetnsName) -> Result<(Join, Vec<OwnedFd>), Error> {
        self.channel.send(&Request::Join(netns))?;
        match self.channel.receive_with()? {
            (Answer::Join(join), descriptors) => Ok((join, descriptors)),
            (Answer::Failed { errno, message }, _) => Err(Error::Agent { errno, message }),
            (other, _) => Err(unexpected(other)),
        }
    }

    /// Ends the lab and waits until its agent has let go of it.
    pub fn down(self) -> Result<(), Error> {
        self.channel.set_timeout(PATIENCE).map_err(Error::io("wait for the agent"))?;
        match self.channel.send(&Request::Down).and_then(|()| self.channel.receive::<Answer>()) {
            Err(ChannelError::Closed) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(other) => Err(unexpected(other)),
        }
    }
}

fn unexpected(answer: Answer) -> Error {
    Error::Agent { errno: None, message: format!("the lab's agent gave an answer that does not fit: {answer:?}") }
}

/// Takes the act out of `could not ACT: ERRNO`, as `Error::Unable` puts it together again.
fn act_of(message: &str) -> String {
    let act = message.strip_prefix("could not ").unwrap_or(message);
    act.rsplit_once(": ").map_or(act, |(act, _)| act).to_owned()
}

/// Connects to the socket in a lab's directory, whoever serves it.
pub(super) fn connect_socket(directory: &Path, lab: &str) -> Result<OwnedFd, Error> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let directory = open(directory, flags, Mode::empty()).map_err(|_| Error::NoSuchLab(lab.to_owned()))?;
    let socket = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)
        .map_err(|error| Error::io("open a socket")(error.into()))?;
    // A short path, as that of a Unix socket ends at 107 bytes.
    let path = format!("/proc/self/fd/{}/socket", directory.as_raw_fd());
    match UnixAddr::new(path.as_str()).and_then(|address| connect_to(socket.as_raw_fd(), &address)) {
        Ok(()) => {}
        // Not bound yet, or ending.
        Err(nix::Error::ENOENT | nix::Error::ECONNREFUSED) => return Err(Error::Busy(lab.to_owned())),
        Err(error) => return Err(Error::io(format!("connect to lab `{lab}`"))(error.into())),
    }
    // Only the owner's agent, or root's, is talked to: whoever else could bind a socket here would have to be them.
    let owner = File::from(directory).metadata().map_err(Error::io("read the lab's directory"))?.uid();
    let peer =
        getsockopt(&socket, sockopt::PeerCredentials).map_err(|error| Error::io("check the agent")(error.into()))?;
    if peer.uid() == owner || peer.uid() == geteuid().as_raw() {
        return Ok(socket);
    }
    let act = format!("trust the agent of lab `{lab}`, which runs as uid {}", peer.uid());
    Err(Error::Io { act, source: io::ErrorKind::PermissionDenied.into() })
}

/// Connects to the agent that serves from a directory.
pub fn connect(directory: &Path, lab: &str) -> Result<Client, Error> {
    let client = Client::new(connect_socket(directory, lab)?, lab.to_owned(), false);
    client.channel.set_timeout(PATIENCE).map_err(Error::io("wait for the agent"))?;
    greet(&client.channel).map_err(|source| Error::Hello { lab: lab.to_owned(), source })?;
    Ok(client)
}
