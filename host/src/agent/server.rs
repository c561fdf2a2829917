//! Signals, connections, and the end.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, accept4, connect as connect_socket, getsockopt, socket, sockopt,
};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, geteuid};

use super::boot::{Booted, REQUEST_LIMIT};
use super::builder::{self, Work};
use super::netns::{Made, Maker};
use super::outside::Outside;
use super::requests::Shared;
use super::standing::Standing;
use super::{Config, session};
use crate::kernel::{self, Socket};
use crate::protocol::{Answer, Channel, ChannelError, Request, State, greet};

/// Connections that are served at a time.
const CONNECTIONS: usize = 64;
/// A connection that says nothing for this long is closed.
const SILENCE: Duration = Duration::from_secs(60);
/// What the kernel shows of a uid that this user namespace does not know.
const OVERFLOW_UID: u32 = 65_534;

/// Serves the lab until something ends it.
pub(super) fn run(config: Arc<Config>, booted: Booted) -> ExitCode {
    let Booted { held, listener, signals, watch, outer_pid, host_is_quiet, lock } = booted;
    let ipv6 = kernel::has_ipv6();
    let host = File::open("/proc/thread-self/ns/net")
        .and_then(|netns| Ok(Made { netns: netns.into(), socket: Socket::open()?, quiet: host_is_quiet }));
    let started = host.and_then(|host| {
        let standing = Arc::new(Mutex::new(Standing::new(config.limits, host)));
        let (order, made) = Maker::start()?.split();
        let work = builder::start(standing.clone(), made, ipv6)?;
        Ok((standing, order, work))
    });
    let (standing, order, work) = match started {
        Ok(started) => started,
        Err(error) => {
            eprintln!("error: could not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let shared = Arc::new(Shared {
        outside: Outside::new(config.directory.clone(), config.replaces.clone(), outer_pid),
        config,
        standing,
        state: Mutex::new(State::Building),
        started: SystemTime::now(),
        outer_pid,
    });
    end_on_panic(&shared);
    let for_run = shared.clone();
    let session = move || {
        let (order, work): (_, std::sync::mpsc::Sender<Work>) = (order, work);
        session::serve(&for_run, &held, &order, &work);
    };
    if let Err(error) = thread::Builder::new().name("session".into()).spawn(session) {
        eprintln!("error: could not start a thread: {error}");
        shared.outside.end(1);
    }
    let connections = Arc::new(AtomicUsize::new(0));
    loop {
        let mut waiting =
            [signals.as_fd(), listener.as_fd(), watch.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        if poll(&mut waiting, PollTimeout::NONE).is_err() {
            continue;
        }
        while let Ok(Some(signal)) = signals.read_signal() {
            if signal.ssi_signo != Signal::SIGCHLD as u32 {
                shared.outside.end(128 + signal.ssi_signo as i32);
            }
            reap();
        }
        // Read for their own sake: what matters is whether the lock file is still there.
        let _ = watch.read_events();
        if !holds_lock(&shared.outside.directory(), lock.as_fd()) {
            shared.outside.end(0);
        }
        if waiting[1].any().unwrap_or(false) {
            accept(&listener, &shared, &connections);
        }
    }
}

/// A thread that panics would leave the lab half alive.
fn end_on_panic(shared: &Arc<Shared>) {
    let shared = shared.clone();
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        shared.outside.end(101);
    }));
}

/// Collects the commands of `exec` that have outlived their parent, as init must.
fn reap() {
    use nix::sys::wait::WaitStatus;
    while let Ok(status) = waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
        if status == WaitStatus::StillAlive {
            return;
        }
    }
}

/// Tells whether the lab's directory is still the lab's: its lock file is the one that the agent holds.
fn holds_lock(directory: &Path, lock: BorrowedFd<'_>) -> bool {
    use nix::sys::stat::{fstat, stat};
    let (Ok(there), Ok(held)) = (stat(&directory.join("lock")), fstat(lock)) else { return false };
    (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)
}

fn accept(listener: &OwnedFd, shared: &Arc<Shared>, connections: &Arc<AtomicUsize>) {
    let Ok(fd) = accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) else { return };
    // SAFETY: `accept4` has just made this descriptor, and nothing else knows it.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    if !may_speak(&socket, shared.config.rootless) || connections.load(Ordering::Relaxed) >= CONNECTIONS {
        return;
    }
    let (shared, counter) = (shared.clone(), connections.clone());
    connections.fetch_add(1, Ordering::Relaxed);
    let spawned = thread::Builder::new().name("connection".into()).spawn(move || {
        converse(&shared, &Channel::new(socket, REQUEST_LIMIT));
        counter.fetch_sub(1, Ordering::Relaxed);
    });
    if spawned.is_err() {
        connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The owner may, and root. In a user namespace real root shows as the overflow uid, as does everybody else; but nobody else
/// gets through the directory, which is the owner's alone.
fn may_speak(socket: &OwnedFd, rootless: bool) -> bool {
    getsockopt(socket, sockopt::PeerCredentials)
        .is_ok_and(|peer| peer.uid() == geteuid().as_raw() || peer.uid() == 0 || rootless && peer.uid() == OVERFLOW_UID)
}

fn converse(shared: &Arc<Shared>, channel: &Channel) {
    if channel.set_timeout(SILENCE).is_err() || greet(channel).is_err() {
        return;
    }
    // Whatever goes wrong ends this conversation and never the lab.
    while let Ok(request) = channel.receive() {
        if answer(shared, request, channel).is_err() {
            return;
        }
    }
}

/// Answers a request that needs no session.
pub(super) fn answer(shared: &Arc<Shared>, request: Request, channel: &Channel) -> Result<(), ChannelError> {
    match request {
        Request::Ping(pings) => channel.send(&shared.ping(pings)),
        Request::Observe(netns) => channel.send(&shared.observe(netns)),
        Request::Settle(timeout) => channel.send(&shared.settle(timeout)),
        Request::Status => channel.send(&shared.status()),
        Request::Join(netns) => match shared.join(&netns) {
            Ok((answer, netns)) => join(&answer, &netns, shared, channel),
            Err(answer) => channel.send(&answer),
        },
        Request::Down => shared.outside.end(0),
        Request::Steps(_) | Request::Commit | Request::Complete => {
            let message = "only the `run` that builds a lab may do this".into();
            channel.send(&Answer::Failed { errno: None, message })
        }
    }
}

fn join(answer: &Answer, netns: &OwnedFd, shared: &Shared, channel: &Channel) -> Result<(), ChannelError> {
    let pid = File::open("/proc/self/ns/pid")?;
    let user = if shared.config.rootless { Some(File::open("/proc/self/ns/user")?) } else { None };
    let mut descriptors = vec![netns.as_raw_fd(), pid.as_raw_fd()];
    descriptors.extend(user.as_ref().map(AsRawFd::as_raw_fd));
    channel.send_with(answer, &descriptors)
}

/// Connects to the socket of an agent.
pub(super) fn connect(path: &Path) -> nix::Result<OwnedFd> {
    let socket = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    connect_socket(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(socket)
}
