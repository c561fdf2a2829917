//! What an agent makes of those who mean no good: whoever has the socket of `run` in hand, whoever may open the lab's own, and a
//! program of another version. Each loses its connection; labs and the connections of others go on.

mod support;

#[path = "agent/connections.rs"]
mod connections;
#[path = "agent/edit.rs"]
mod edit;
#[path = "agent/session.rs"]
mod session;
#[path = "agent/versions.rs"]
mod versions;

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use orchestrator::protocol::{Answer, Channel, ChannelError, Request, greet};
use support::Machine;

/// The largest answer that a test takes.
const LIMIT: usize = 1 << 20;
/// How long something may take that takes a moment.
const SOON: Duration = Duration::from_secs(20);

/// Connects to a lab's socket, as its owner or root, and says nothing.
#[track_caller]
fn dialled(m: &Machine, lab: &str) -> OwnedFd {
    let socket = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None).unwrap();
    let path = m.outside(&format!("{}/{lab}/socket", m.labs_directory()));
    connect(socket.as_raw_fd(), &UnixAddr::new(&path).unwrap()).expect("could not connect to the agent");
    socket
}

/// Connects and greets.
#[track_caller]
fn connected(m: &Machine, lab: &str) -> Channel {
    let mut channel = Channel::new(dialled(m, lab), LIMIT);
    channel.set_timeout(SOON).unwrap();
    greet(&channel).expect("could not greet the agent");
    channel
}

#[track_caller]
fn ask(channel: &Channel, request: &Request) -> Answer {
    channel.send(request).and_then(|()| channel.receive()).expect("the agent has not answered")
}

/// Finds that an agent still answers.
#[track_caller]
fn answers(channel: &Channel) {
    let answer = ask(channel, &Request::Status);
    assert!(matches!(answer, Answer::Status(_)), "{answer:?}");
}

/// Finds that the agent has hung up.
#[track_caller]
fn is_closed(channel: &Channel) {
    let outcome = channel.receive::<Answer>();
    assert!(matches!(outcome, Err(ChannelError::Closed)), "{outcome:?}");
}

/// Returns what an answer says that is no success.
#[track_caller]
fn failure(answer: Answer) -> String {
    match answer {
        Answer::Failed { message, .. } => message,
        other => panic!("it was done: {other:?}"),
    }
}
