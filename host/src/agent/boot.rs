//! From a bare process to the lab's init: session, log, namespaces, socket.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::prctl::set_name;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, getsockopt, listen, socket, sockopt,
};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, setsid};

use super::Config;
use super::files::raise_soft_limit;
use super::log::{go_on, log};
use super::machine;
use super::netns::enter;
use super::outside::Replaced;
use crate::fault;
use crate::kernel;
use crate::plan::Mark;
use crate::protocol::journal::{self, OnMachine, Opening};
use crate::protocol::{Answer, Channel, HELD_FD, LOCK_FD, greet, traces};

/// The largest request, which is of as many pings as there may be from namespaces with the longest names.
pub(super) const REQUEST_LIMIT: usize = 8 << 20;

/// What the agent starts with.
pub(super) struct Booted {
    pub(super) held: Channel,
    /// The lab's directory, locked.
    pub(super) lock: OwnedFd,
    pub(super) prepared: Prepared,
}

/// What was prepared within the process.
pub(super) struct Prepared {
    pub(super) listener: OwnedFd,
    pub(super) signals: SignalFd,
    /// Tells when the directory changes; it may vanish, as `$XDG_RUNTIME_DIR` does at logout.
    pub(super) watch: Option<Inotify>,
    /// Its PID as `run` sees it.
    pub(super) outer_pid: i32,
    /// No link of the host gets a link-local address by itself.
    pub(super) host_is_quiet: bool,
    /// The lab to be replaced.
    pub(super) replaced: Option<Replaced>,
    /// How the lab is found in the machine's own namespace, if that is its host.
    pub(super) on_machine: Option<OnMachine>,
}

/// Prepares the process; what can't be done is told to `run`.
pub(super) fn boot(config: &Config) -> Result<Booted, ExitCode> {
    fault::point("executed");
    // SAFETY: only looks at a descriptor that may not be there, and keeps nothing.
    let held = unsafe { BorrowedFd::borrow_raw(HELD_FD) };
    if getsockopt(&held, sockopt::SockType) != Ok(SockType::SeqPacket) {
        log("error: `orchestrator agent` is started by `orchestrator run` alone");
        return Err(ExitCode::from(2));
    }
    // SAFETY: `lab` has put these two descriptors here for the agent, and nothing else in this process uses them.
    let (held, lock) = unsafe { (OwnedFd::from_raw_fd(HELD_FD), OwnedFd::from_raw_fd(LOCK_FD)) };
    let held = Channel::new(held, REQUEST_LIMIT);
    // A `run` of another version can't be told anything; it sees the end of the channel.
    if greet(&held).is_err() {
        remove_own_directory(config, &lock);
        return Err(ExitCode::FAILURE);
    }
    fault::point("greeted");
    match prepare(config, &held, &lock) {
        Ok(prepared) => {
            fault::point("prepared");
            if held.send(&Answer::Done).is_err() {
                remove_own_directory(config, &lock);
                return Err(ExitCode::FAILURE);
            }
            fault::point("readiness told");
            Ok(Booted { held, lock, prepared })
        }
        Err(Unable { act, errno, about_namespaces }) => {
            let errno = kernel::errno_of(errno as i32);
            // If `run` has gone as well there is nobody left to tell.
            let _ = held.send(&Answer::Unable { act, errno, about_namespaces });
            remove_own_directory(config, &lock);
            Err(ExitCode::FAILURE)
        }
    }
}

pub(super) fn remove_own_directory(config: &Config, lock: &OwnedFd) {
    if traces::is_same(&config.directory, lock) {
        let _ = traces::remove_directory(&config.directory);
    }
}

struct Unable {
    act: String,
    errno: nix::Error,
    about_namespaces: bool,
}

fn unable(act: impl Into<String>) -> impl FnOnce(nix::Error) -> Unable {
    move |errno| Unable { act: act.into(), errno, about_namespaces: false }
}

fn unable_io(act: impl Into<String>) -> impl FnOnce(io::Error) -> Unable {
    move |error| unable(act)(nix::Error::from_raw(error.raw_os_error().unwrap_or(nix::libc::EIO)))
}

fn prepare(config: &Config, held: &Channel, lock: &OwnedFd) -> Result<Prepared, Unable> {
    for fd in [held.as_fd(), lock.as_fd()] {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map_err(unable("prepare the channel"))?;
    }
    umask(Mode::from_bits_truncate(0o077));
    // It was executed by way of `/proc/self/exe`, and would be called `exe`.
    go_on("take a name", set_name(c"orchestrator"));
    raise_soft_limit();
    let outer_pid = fs::read_link("/proc/self").map_err(unable_io("read `/proc/self`"))?;
    let outer_pid = outer_pid.to_str().and_then(|pid| pid.parse::<i32>().ok());
    let outer_pid = outer_pid.ok_or(nix::Error::ENOENT).map_err(unable("read `/proc/self`"))?;
    setsid().map_err(unable("start a session"))?;
    fault::point("session begun");
    redirect_stdio(&config.directory)?;
    fault::point("log opened");
    go_on("mount `/proc`", mount_proc());
    fault::point("`/proc` mounted");
    let replaced = replaced(config)?;
    let on_machine = if config.on_host { Some(on_machine(config, outer_pid)?) } else { None };
    let host_is_quiet = on_machine.is_none() && private_host()?;
    fault::point("host made");
    let signals = signals()?;
    let opening = Opening { agent: outer_pid, boot: journal::this_boot(), on_machine: on_machine.clone() };
    journal::begin(&config.directory, &opening).map_err(unable_io("write the lab's journal"))?;
    let listener = listen_in(&config.directory)?;
    let watch = go_on("watch the lab's directory", watch(&config.directory));
    Ok(Prepared { listener, signals, watch, outer_pid, host_is_quiet, replaced, on_machine })
}

/// Makes the netns that plays the host. Returns whether its links get no link-local address by themselves.
fn private_host() -> Result<bool, Unable> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| Unable {
        act: "add the netns that plays the host".into(),
        errno,
        about_namespaces: true,
    })?;
    go_on("set the defaults of the netns that plays the host", kernel::set_defaults());
    Ok(kernel::has_ipv6() && go_on("turn address generation off", kernel::turn_address_generation_off()).is_some())
}

/// Takes hold of the machine's own namespace for as long as a lab is to be replaced that may have something there.
fn replaced(config: &Config) -> Result<Option<Replaced>, Unable> {
    let Some(directory) = config.replaces.clone() else { return Ok(None) };
    let machine = File::open("/proc/self/ns/net").map_err(unable_io("find the machine's network namespace"))?.into();
    Ok(Some(Replaced { directory, machine }))
}

/// Chooses the mark of a lab on the machine's own host. The time tells it from others that had its name and PID.
fn on_machine(config: &Config, outer_pid: i32) -> Result<OnMachine, Unable> {
    let netns = machine::this_netns().map_err(unable_io("find the machine's network namespace"))?;
    // Root of a user namespace may have the capabilities, but not over this.
    File::open("/proc/self/ns/net")
        .and_then(|machine| enter(&machine))
        .map_err(unable_io("build in the machine's own network (`--on-host`), which takes CAP_SYS_ADMIN over it"))?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mark = Mark::new(&config.name, &format!("{outer_pid}-{:x}", now.as_nanos()));
    Ok(OnMachine { netns, mark: mark.as_str().to_owned() })
}

/// Users have a limited number of these (fs.inotify.max_user_instances); without, only the next connection will show that the
/// directory has gone.
fn watch(directory: &Path) -> nix::Result<Inotify> {
    let watch = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
    let events = AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_DELETE_SELF
        | AddWatchFlags::IN_MOVED_FROM
        | AddWatchFlags::IN_MOVE_SELF;
    watch.add_watch(directory, events)?;
    Ok(watch)
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

/// Shows the agent its own `/proc`, for the settings of its namespaces; where that is refused it goes without. In a chroot the
/// mounts can't be made private, and then a mount would be everybody's.
pub(super) fn mount_proc() -> nix::Result<()> {
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, none)
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
    std::env::set_current_dir(directory).map_err(unable_io("enter the lab's directory"))?;
    UnixAddr::new("socket")
        .and_then(|address| bind(listener.as_raw_fd(), &address))
        .inspect(|()| fault::point("socket bound"))
        .and_then(|()| listen(&listener, Backlog::new(64).expect("64 is allowed")))
        .map_err(unable("bind the lab's socket"))?;
    std::env::set_current_dir("/").map_err(unable_io("enter `/`"))?;
    Ok(listener)
}
