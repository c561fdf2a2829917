//! The child of `exec` on its way to the command: mounts and names of its own, then the program.

use std::convert::Infallible;
use std::ffi::{CString, OsStr};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::errno::Errno as Number;
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, pthread_sigmask, signal};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, execvp, getppid, sethostname};

use crate::protocol::Host;
use crate::topology::{NetnsName, harmless};

/// The statuses of `docker exec`: it could not be tried, it can't be executed, it was not found.
const NOT_TRIED: i32 = 125;
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;

/// Where `ip netns` looks for names.
const NAMES: &str = "/run/netns";

/// What is shown of the lab inside.
pub(super) struct Room {
    /// The netns that the command is in.
    pub(super) netns: NetnsName,
    /// The descriptor by which it is entered.
    pub(super) net: OwnedFd,
    /// All of the lab's.
    pub(super) hosts: Vec<Host>,
}

/// Becomes the command, or says why not and ends.
pub(super) fn become_command(room: &Room, command: &[CString], mask: &SigSet) -> ! {
    // Should the parent be killed, nobody would attend to the command any more. It is outside of this PID namespace, so its
    // number is 0 here; once it has gone, init is the parent.
    let _ = set_pdeathsig(Signal::SIGKILL);
    if getppid() == Pid::from_raw(1) {
        exit(NOT_TRIED, "the parent has gone");
    }
    if let Err((act, error)) = furnish(room) {
        exit(NOT_TRIED, &format!("could not {act}: {error}"));
    }
    // Rust ignores SIGPIPE; commands expect to die of it.
    // SAFETY: sets a disposition and installs no handler.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
    let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(mask), None);
    let program = OsStr::from_bytes(command[0].as_bytes()).display().to_string();
    let program = harmless(&program);
    let Err::<Infallible, _>(error) = execvp(&command[0], command);
    match error {
        Number::ENOENT => exit(NOT_FOUND, &format!("`{program}` was not found")),
        error => exit(NOT_EXECUTABLE, &format!("could not execute `{program}`: {error}")),
    }
}

fn exit(status: i32, message: &str) -> ! {
    eprintln!("error: {message}");
    // SAFETY: ends the child without running what its parent has registered.
    unsafe { nix::libc::_exit(status) }
}

type Failed = (&'static str, Number);

/// Makes the mounts. Those that some containers refuse are done without, and that is said.
fn furnish(room: &Room) -> Result<(), Failed> {
    setns(&room.net, CloneFlags::CLONE_NEWNET).map_err(|error| ("enter the netns", error))?;
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS).map_err(|error| ("make a mount namespace", error))?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)
        .map_err(|error| ("make mounts private", error))?;
    sethostname(room.netns.as_str()).map_err(|error| ("set the hostname", error))?;
    let cgroups = open("/sys/fs/cgroup", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).ok();
    warn("give it an `/etc/hosts`, so names of namespaces do not resolve", hosts_file(&room.hosts));
    warn("mount `/sys`, so `/sys/class/net` is not the lab's", system_files(cgroups.as_ref()));
    warn("mount `/proc`, so the processes it shows are the machine's", process_files());
    warn("give it a `/run/netns`, so `ip netns` does not list the lab", netns_names(&room.hosts));
    Ok(())
}

fn warn(act: &str, outcome: io::Result<()>) {
    if let Err(error) = outcome {
        eprintln!("warning: could not {act}: {error}");
    }
}

/// Writes the names of the lab's namespaces to a file that covers `/etc/hosts`. It lives on a tmpfs that the fresh `/sys`
/// will cover in turn.
fn hosts_file(hosts: &[Host]) -> io::Result<()> {
    let none = None::<&str>;
    mount(Some("tmpfs"), "/sys", Some("tmpfs"), MsFlags::empty(), Some("mode=0755"))?;
    let mut text = String::from("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    for host in hosts {
        for address in &host.addresses {
            let _ = writeln!(text, "{address}\t{}", host.netns);
        }
    }
    fs::write("/sys/hosts", text)?;
    fs::set_permissions("/sys/hosts", std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    Ok(mount(Some("/sys/hosts"), "/etc/hosts", none, MsFlags::MS_BIND, none)?)
}

fn system_files(cgroups: Option<&OwnedFd>) -> io::Result<()> {
    let none = None::<&str>;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("sysfs"), "/sys", Some("sysfs"), flags, none)?;
    if let Some(cgroups) = cgroups {
        let old = format!("/proc/self/fd/{}", cgroups.as_raw_fd());
        mount(Some(old.as_str()), "/sys/fs/cgroup", none, MsFlags::MS_BIND | MsFlags::MS_REC, none)?;
    }
    Ok(())
}

fn process_files() -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    Ok(mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>)?)
}

/// Gives `ip netns` the lab's own names. The agent is PID 1 of the `/proc` that was just mounted.
fn netns_names(hosts: &[Host]) -> io::Result<()> {
    if !Path::new(NAMES).is_dir() {
        cover_run()?;
        fs::create_dir(NAMES)?;
    }
    mount(Some("tmpfs"), NAMES, Some("tmpfs"), MsFlags::empty(), Some("mode=0755"))?;
    for host in hosts {
        symlink(format!("/proc/1/fd/{}", host.descriptor), Path::new(NAMES).join(host.netns.as_str()))?;
    }
    Ok(())
}

/// Puts a `/run` of its own in the place of the machine's, with all that is in that: where `ip netns` was never used there is no
/// directory for names, and only root could make one.
fn cover_run() -> io::Result<()> {
    let none = None::<&str>;
    let old = open("/run", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
    let old = format!("/proc/self/fd/{}", old.as_raw_fd());
    let entries: Vec<_> = fs::read_dir(&old)?.collect::<io::Result<_>>()?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=0755"))?;
    for entry in entries {
        let (from, to) = (entry.path(), Path::new("/run").join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            symlink(fs::read_link(&from)?, &to)?;
            continue;
        }
        if kind.is_dir() {
            fs::create_dir(&to)?;
        } else {
            fs::File::create(&to)?;
        }
        mount(Some(&from), &to, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)?;
    }
    Ok(())
}
