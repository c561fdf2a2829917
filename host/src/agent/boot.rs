//! From a bare process to the lab's init: session, log, namespaces, socket.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, setsid};

use super::Config;
use crate::kernel;
use crate::protocol::{Answer, Channel, HELD_FD, LOCK_FD, greet};

/// The largest request; steps come in smaller pieces.
pub(super) const REQUEST_LIMIT: usize = 4 << 20;

/// What the agent starts with.
pub(super) struct Booted {
    pub(super) held: Channel,
    pub(super) listener: OwnedFd,
    pub(super) signals: SignalFd,
    /// Tells when the directory changes; it may vanish, as `$XDG_RUNTIME_DIR` does at logout.
    pub(super) watch: Inotify,
    /// Its PID as `run` sees it.
    pub(super) outer_pid: i32,
    /// No link of the host gets a link-local address by itself.
    pub(super) host_is_quiet: bool,
    pub(super) lock: OwnedFd,
}

/// Prepares the process; what can't be done is told to `run`.
pub(super) fn boot(config: &Config) -> Result<Booted, ExitCode> {
    // SAFETY: `lab` has put these two descriptors here for the agent, and nothing else in this process uses them.
    let (held, lock) = unsafe { (OwnedFd::from_raw_fd(HELD_FD), OwnedFd::from_raw_fd(LOCK_FD)) };
    let held = Channel::new(held, REQUEST_LIMIT);
    // A `run` of another version can't be told anything; it sees the end of the channel.
    greet(&held).map_err(|_| ExitCode::FAILURE)?;
    match prepare(config, &held, &lock) {
        Ok(Prepared { listener, signals, watch, outer_pid, host_is_quiet }) => {
            held.send(&Answer::Done).map_err(|_| ExitCode::FAILURE)?;
            Ok(Booted { held, listener, signals, watch, outer_pid, host_is_quiet, lock })
        }
        Err(Unable { act, errno }) => {
            let errno = kernel::errno_of(errno as i32);
            let message = format!("could not {act}: {errno}");
            // If `run` has gone as well there is nobody left to tell.
            let _ = held.send(&Answer::Failed { errno: Some(errno), message });
            let _ = fs::remove_dir_all(&config.directory);
            Err(ExitCode::FAILURE)
        }
    }
}

struct Prepared {
    listener: OwnedFd,
    signals: SignalFd,
    watch: Inotify,
    outer_pid: i32,
    host_is_quiet: bool,
}

struct Unable {
    act: String,
    errno: nix::Error,
}

fn unable(act: impl Into<String>) -> impl FnOnce(nix::Error) -> Unable {
    move |errno| Unable { act: act.into(), errno }
}

fn prepare(config: &Config, held: &Channel, lock: &OwnedFd) -> Result<Prepared, Unable> {
    for fd in [held.as_fd(), lock.as_fd()] {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map_err(unable("prepare the channel"))?;
    }
    umask(Mode::from_bits_truncate(0o077));
    raise_file_limit();
    let outer_pid = outer_pid().ok_or(Unable { act: "read `/proc/self`".into(), errno: nix::Error::ENOENT })?;
    setsid().map_err(unable("start a session"))?;
    redirect_stdio(&config.directory)?;
    private_mounts();
    unshare(CloneFlags::CLONE_NEWNET).map_err(unable("add the netns that plays the host"))?;
    let host_is_quiet = kernel::has_ipv6() && log("turn address generation off", kernel::turn_address_generation_off());
    let signals = signals()?;
    let listener = listen_in(&config.directory)?;
    write_journal(&config.directory, outer_pid)?;
    let watch = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).map_err(unable("watch the directory"))?;
    let events = AddWatchFlags::IN_DELETE | AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVED_FROM;
    watch.add_watch(&config.directory, events).map_err(unable("watch the lab's directory"))?;
    Ok(Prepared { listener, signals, watch, outer_pid, host_is_quiet })
}

/// Writes an act that went wrong to the lab's log and goes on without.
fn log<T, E: std::fmt::Display>(act: &str, outcome: Result<T, E>) -> bool {
    if let Err(error) = &outcome {
        eprintln!("warning: could not {act}: {error}");
    }
    outcome.is_ok()
}

/// A descriptor a netns is needed; the soft limit is often 1024.
fn raise_file_limit() {
    let raised =
        getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    log("raise the limit of open files", raised);
}

/// Reads the PID that this process has where `/proc` was mounted.
fn outer_pid() -> Option<i32> {
    fs::read_link("/proc/self").ok()?.to_str()?.parse().ok()
}

/// `run`'s output must end with `run`, so the agent has none of its descriptors.
fn redirect_stdio(directory: &Path) -> Result<(), Unable> {
    let null =
        open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).map_err(unable("open `/dev/null`"))?;
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_APPEND | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let log =
        open(&directory.join("log"), flags, Mode::from_bits_truncate(0o600)).map_err(unable("open the lab's log"))?;
    dup2_stdin(&null)
        .and_then(|()| dup2_stdout(&null))
        .and_then(|()| dup2_stderr(&log))
        .map_err(unable("redirect the agent's output"))
}

/// Shows the agent its own `/proc`, for the settings of its namespaces; some containers refuse it, and it goes without.
fn private_mounts() {
    let none = None::<&str>;
    log("make mounts private", mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none));
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    log("mount `/proc`", mount(Some("proc"), "/proc", Some("proc"), flags, none));
}

/// As PID 1 of its namespace the agent gets no signal that it does not ask for.
fn signals() -> Result<SignalFd, Unable> {
    let set = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGCHLD]);
    set.thread_block().map_err(unable("block signals"))?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(unable("wait for signals"))
}

/// Binds the socket by a short relative name, as the path of a Unix socket ends at 107 bytes.
fn listen_in(directory: &Path) -> Result<OwnedFd, Unable> {
    let listener = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)
        .map_err(unable("open the lab's socket"))?;
    std::env::set_current_dir(directory)
        .map_err(|error| Unable { act: "enter the lab's directory".into(), errno: errno(&error) })?;
    UnixAddr::new("socket")
        .and_then(|address| bind(listener.as_raw_fd(), &address))
        .and_then(|()| listen(&listener, Backlog::new(64).expect("64 is allowed")))
        .map_err(unable("bind the lab's socket"))?;
    std::env::set_current_dir("/").map_err(|error| Unable { act: "enter `/`".into(), errno: errno(&error) })?;
    Ok(listener)
}

/// Notes who the agent is, so that a later command can tell which names in `/run/netns` were its own.
fn write_journal(directory: &Path, outer_pid: i32) -> Result<(), Unable> {
    fs::write(directory.join("journal"), outer_pid.to_string())
        .map_err(|error| Unable { act: "write the lab's journal".into(), errno: errno(&error) })
}

fn errno(error: &std::io::Error) -> nix::Error {
    nix::Error::from_raw(error.raw_os_error().unwrap_or(nix::libc::EIO))
}
