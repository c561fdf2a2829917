//! Signals, connections, and the end.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, SystemTime};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::socket::{SockFlag, accept4, getsockopt, sockopt};
use nix::unistd::geteuid;

use super::boot::{Booted, Prepared, REQUEST_LIMIT, remove_own_directory};
use super::builder;
use super::log::log;
use super::machine::first_index;
use super::netns::{self, Made, Maker};
use super::outside::Outside;
use super::requests::Shared;
use super::standing::Standing;
use super::workshop::Workshop;
use super::{Config, session};
use crate::fault;
use crate::kernel::Socket;
use crate::protocol::journal::OnMachine;
use crate::protocol::{Channel, Request, State, greet};

/// Connections that are served at a time.
const CONNECTIONS: usize = 64;
/// How long the server rests when it can accept nothing.
const BREATH: Duration = Duration::from_millis(100);
/// A connection that says nothing for this long is closed.
const SILENCE: Duration = Duration::from_secs(60);
/// One that does not say what it is takes the place of another for no longer than this.
const STRANGER: Duration = Duration::from_secs(5);
/// What the kernel shows of a uid that this user namespace does not know.
const OVERFLOW_UID: u32 = 65_534;

/// Serves the lab until something ends it.
pub(super) fn run(config: Arc<Config>, booted: Booted) -> ExitCode {
    let Booted { held, lock, prepared } = booted;
    let Prepared { listener, signals, watch, outer_pid, host_is_quiet, replaced, on_machine } = prepared;
    let could_not_start = |error: io::Error| log(format_args!("error: could not start: {error}"));
    let (host, machine) = match open_host(host_is_quiet, on_machine.is_some()) {
        Ok(found) => found,
        Err(error) => {
            could_not_start(error);
            remove_own_directory(&config, &lock);
            return ExitCode::FAILURE;
        }
    };
    let mark = on_machine.as_ref().map(|on_machine| on_machine.mark.clone()).unwrap_or_default();
    let (name, directory) = (config.name.clone(), config.directory.clone());
    let outside = Arc::new(Outside::new(name, directory, replaced, lock, outer_pid, machine, mark));
    let started = start_threads(&config, host, &outside, on_machine)
        .and_then(|threads| Ok((threads, held.as_fd().try_clone_to_owned()?)));
    let (Threads { standing, workshop }, run) = match started {
        Ok(started) => started,
        Err(error) => {
            could_not_start(error);
            outside.end(1);
        }
    };
    let shared = Arc::new(Shared {
        outside,
        workshop: RwLock::new(workshop),
        origin: Mutex::new(config.origin.clone()),
        config,
        standing,
        state: Mutex::new(State::Building),
        started: SystemTime::now(),
        outer_pid,
    });
    end_on_panic(&shared);
    fault::point("threads started");
    let for_run = shared.clone();
    let session = move || session::serve(&for_run, &held);
    if let Err(error) = thread::Builder::new().name("session".into()).spawn(session) {
        log(format_args!("error: could not start a thread: {error}"));
        shared.outside.end(1);
    }
    let connections = Arc::new(AtomicUsize::new(0));
    // Watched for its end alone: the session may be busy when `run` goes.
    let mut run = Some(run);
    loop {
        let mut waiting =
            vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        waiting.extend(watch.as_ref().map(|watch| PollFd::new(watch.as_fd(), PollFlags::POLLIN)));
        waiting.extend(run.as_ref().map(|run| PollFd::new(run.as_fd(), PollFlags::empty())));
        if poll(&mut waiting, PollTimeout::NONE).is_err() {
            continue;
        }
        let connecting = waiting[1].any().unwrap_or(false);
        let run_has_gone = run.is_some() && waiting.last().and_then(PollFd::any).unwrap_or(false);
        while let Ok(Some(signal)) = signals.read_signal() {
            if signal.ssi_signo != Signal::SIGCHLD as u32 {
                shared.outside.end(128 + signal.ssi_signo as i32);
            }
            reap();
        }
        if run_has_gone {
            shared.end_unless_complete();
            run = None;
        }
        if let Some(watch) = &watch {
            // Read for its own sake: what matters is whether the lab can still be reached.
            let _ = watch.read_events();
        }
        if !shared.outside.is_reachable() {
            shared.outside.end(0);
        }
        if connecting {
            accept(&listener, &shared, &connections);
        }
    }
}

/// The maker and the builder, and what they work on.
struct Threads {
    standing: Arc<Mutex<Standing>>,
    workshop: Workshop,
}

/// Opens the netns that this process is in: the lab's host, and once more if that is the machine's own.
fn open_host(quiet: bool, on_machine: bool) -> io::Result<(Made, Option<OwnedFd>)> {
    let host = Made { netns: netns::here()?, socket: Some(Socket::open()?), quiet };
    let machine = on_machine.then(|| host.netns.try_clone()).transpose()?;
    Ok((host, machine))
}

fn start_threads(
    config: &Config,
    host: Made,
    outside: &Arc<Outside>,
    on_machine: Option<OnMachine>,
) -> io::Result<Threads> {
    let standing = match on_machine {
        Some(OnMachine { mark, .. }) => Standing::on_machine(config.limits, host, mark, first_index()),
        None => Standing::new(config.limits, host),
    };
    let standing = Arc::new(Mutex::new(standing));
    let (order, made) = Maker::start()?.split();
    let builder = builder::start(standing.clone(), outside.clone(), made)?;
    Ok(Threads { standing, workshop: Workshop::new(order, builder) })
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

/// Collects the commands of `exec` that have outlived their parent, as init must, whatever they died of.
fn reap() {
    // SAFETY: asks for no status, so nothing is written.
    while unsafe { nix::libc::waitpid(-1, std::ptr::null_mut(), nix::libc::WNOHANG) } > 0 {}
}

fn accept(listener: &OwnedFd, shared: &Arc<Shared>, connections: &Arc<AtomicUsize>) {
    let fd = match accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
        Ok(fd) => fd,
        Err(error) => {
            // Without a descriptor to spare, the connection stays in the queue and would be reported again at once.
            log(format_args!("warning: could not accept a connection: {error}"));
            return thread::sleep(BREATH);
        }
    };
    // SAFETY: `accept4` has just made this descriptor, and nothing else knows it.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    if !may_speak(&socket, shared.config.rootless) || connections.load(Ordering::Relaxed) >= CONNECTIONS {
        return;
    }
    let (shared, counter) = (shared.clone(), connections.clone());
    connections.fetch_add(1, Ordering::Relaxed);
    let spawned = thread::Builder::new().name("connection".into()).spawn(move || {
        converse(&shared, Channel::new(socket, REQUEST_LIMIT));
        counter.fetch_sub(1, Ordering::Relaxed);
    });
    if spawned.is_err() {
        connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The owner may, and root. In a user namespace real root shows as the overflow uid, as does everybody else; but nobody else
/// gets through the directory, which is the owner's alone. The lab may have a user of that number itself, whose processes are
/// in its PID namespace, where others have the number 0.
fn may_speak(socket: &OwnedFd, rootless: bool) -> bool {
    getsockopt(socket, sockopt::PeerCredentials).is_ok_and(|peer| {
        let is_from_outside = rootless && peer.uid() == OVERFLOW_UID && peer.pid() == 0;
        peer.uid() == geteuid().as_raw() || peer.uid() == 0 || is_from_outside
    })
}

fn converse(shared: &Arc<Shared>, mut channel: Channel) {
    let is_known = channel.set_timeout(STRANGER).is_ok() && greet(&channel).is_ok();
    if !is_known || channel.set_timeout(SILENCE).is_err() {
        return;
    }
    // Whatever goes wrong ends this conversation and never the lab.
    while let Ok(request) = channel.receive() {
        let answered = match request {
            Request::Edit(order) => shared.edit(order, &mut channel),
            request => shared.answer(request, &channel),
        };
        if answered.is_err() {
            return;
        }
    }
}
