//! Starting a lab's agent.

use std::ffi::CString;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::ptr;

use nix::libc::{self, c_char, c_int, c_void};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{getegid, geteuid};

use super::{Client, Error, Hold, LabName, Root, is_privileged, unable};
use crate::protocol::{HELD_FD, LOCK_FD, State, Undo, traces};
use crate::topology::{Errno, Limits};

/// What lab is to be started.
#[derive(Debug)]
pub struct Order {
    /// Its name.
    pub name: LabName,
    /// The module, as the user gave it.
    pub module: String,
    /// How large it may become.
    pub limits: Limits,
    /// A lab that stands is to be removed just before the first step.
    pub replace: bool,
    /// Its host is to be the machine itself.
    pub on_host: bool,
}

/// A lab whose agent was started and may not be ready yet.
pub struct Started {
    /// The channel that keeps the agent alive until the lab is complete.
    pub client: Client,
    /// The way to let go of the lab, whatever the client is waiting for.
    pub hold: Hold,
    /// Its namespaces get names for `ip netns`.
    pub published: bool,
}

/// Starts the agent of a new lab. To be called while this process has one thread.
pub fn start(order: &Order, undo: Undo) -> Result<Started, Error> {
    let rootless = !is_privileged();
    if order.on_host && rootless {
        return Err(Error::Unable {
            act: "build in the machine's own network (`--on-host`)".into(),
            errno: Errno::EPERM,
            hint: Some(unable::not_privileged()),
        });
    }
    let root = Root::own();
    root.create()?;
    let published = !rootless && geteuid().is_root();
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
        .map_err(|error| Error::io("make a channel")(error.into()))?;
    let (directory, replaces, lock) = make_directory(&root, order, undo)?;
    let mut arguments: Vec<CString> = vec![c"orchestrator".into(), c"agent".into()];
    let mut argument = |text: &[u8]| {
        // Neither paths nor checked names have a NUL; what the user typed as MODULE can't have one either.
        arguments.push(CString::new(text).unwrap_or_default());
    };
    argument(b"--directory");
    argument(directory.as_os_str().as_bytes());
    if let Some(replaces) = &replaces {
        argument(b"--replaces");
        argument(replaces.as_os_str().as_bytes());
    }
    let Limits { netns, links, addresses_and_routes } = order.limits;
    for text in [
        format!("--name={}", order.name),
        format!("--module={}", order.module),
        format!("--max-netns={netns}"),
        format!("--max-links={links}"),
        format!("--max-addresses-and-routes={addresses_and_routes}"),
    ] {
        argument(text.as_bytes());
    }
    if rootless {
        argument(b"--rootless");
    }
    if published {
        argument(b"--publish");
    }
    if order.on_host {
        argument(b"--on-host");
    }
    let started = || {
        let watched = traces::open_directory(&directory).map_err(Error::io("open the lab's directory"))?;
        let channel = ours.try_clone().map_err(Error::io("duplicate a channel"))?;
        spawn(&arguments, &theirs, &lock, rootless)?;
        Ok(Hold::new(channel, watched, &directory, order.name.as_str()))
    };
    let hold = started().inspect_err(|_: &Error| {
        // Nobody else has it: the lock is still this process's.
        let _ = traces::remove_directory(&directory);
    })?;
    Ok(Started { client: Client::new(ours, order.name.to_string(), rootless), hold, published })
}

/// Makes the lab's directory and locks it. Returns the directory to be replaced too, if one is.
fn make_directory(root: &Root, order: &Order, undo: Undo) -> Result<(PathBuf, Option<PathBuf>, File), Error> {
    let wanted = root.labs.join(order.name.as_str());
    let lock = root.lock()?;
    if wanted.exists() && !traces::is_dead(&wanted) {
        // The agent is asked without the lock: it may take its time, and others want the lock.
        drop(lock);
        let status = super::connect(&wanted, order.name.as_str()).and_then(|client| client.status());
        match status {
            Err(Error::NoSuchLab(_)) => return make_directory(root, order, undo),
            // A lab of another version understands nothing: it can't be asked to make room.
            Err(error @ Error::Hello { .. }) if order.replace => return Err(error),
            _ if order.replace => {}
            Ok(status) if status.state == State::Up => return Err(Error::Stands(order.name.to_string())),
            Err(Error::Hello { .. } | Error::Silent(_)) => return Err(Error::Stands(order.name.to_string())),
            _ => return Err(Error::Busy(order.name.to_string())),
        }
        // Hidden until it takes the place of the old one; `list` passes it over.
        let directory = root.labs.join(format!(".{}.{}", order.name, std::process::id()));
        let _lock = root.lock()?;
        let made = make_and_lock(&directory)?;
        return Ok((directory, Some(wanted), made));
    }
    // One that died since the sweep.
    if wanted.exists() {
        let undone = undo(&wanted, order.name.as_str());
        traces::remove_names(&wanted, order.name.as_str());
        if !undone.left.is_empty() {
            return Err(Error::Remains { lab: order.name.to_string(), left: undone.left });
        }
        traces::remove_directory(&wanted).map_err(Error::io(format!("remove `{}`", wanted.display())))?;
    }
    let made = make_and_lock(&wanted)?;
    Ok((wanted, None, made))
}

fn make_and_lock(directory: &Path) -> Result<File, Error> {
    DirBuilder::new().mode(0o700).create(directory).map_err(Error::io(format!("make `{}`", directory.display())))?;
    let locked = traces::open_directory(directory).and_then(|file| file.lock().map(|()| file));
    locked
        .inspect_err(|_| drop(std::fs::remove_dir(directory)))
        .map_err(Error::io(format!("lock `{}`", directory.display())))
}

/// What the child needs, and what it tells; it shares this process's memory until it executes.
struct Child {
    argv: Vec<*const c_char>,
    held: RawFd,
    lock: RawFd,
    maps: Option<Maps>,
    failed: Option<(&'static str, c_int)>,
}

/// The user namespace's maps: this user becomes its root (user_namespaces(7)).
struct Maps {
    uid: CString,
    gid: CString,
}

const STACK: usize = 64 * 1024;

/// Makes the agent's process: init of a PID namespace, with mounts and (without root) a user namespace of its own.
fn spawn(arguments: &[CString], held: &OwnedFd, lock: &File, rootless: bool) -> Result<(), Error> {
    let maps = rootless.then(|| Maps {
        uid: CString::new(format!("0 {} 1", geteuid())).expect("a number has no NUL"),
        gid: CString::new(format!("0 {} 1", getegid())).expect("a number has no NUL"),
    });
    // Above the places that they are to have, so that neither is overwritten on the way.
    let (held, lock) = (above(held.as_raw_fd())?, above(lock.as_raw_fd())?);
    let mut argv: Vec<*const c_char> = arguments.iter().map(|text| text.as_ptr()).collect();
    argv.push(ptr::null());
    let mut child = Child { argv, held: held.as_raw_fd(), lock: lock.as_raw_fd(), maps, failed: None };
    let mut flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_NEWPID | libc::CLONE_NEWNS | libc::SIGCHLD;
    if rootless {
        flags |= libc::CLONE_NEWUSER;
    }
    let mut stack = vec![0u8; STACK];
    // SAFETY: the stack outlives the child's use of it, as CLONE_VFORK holds this thread until the child has executed or
    // ended; `child` likewise. This is the only thread, so no lock is held that the child could want.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(STACK);
        let top = top.sub(top as usize % 16);
        libc::clone(become_agent, top.cast::<c_void>(), flags, ptr::from_mut(&mut child).cast::<c_void>())
    };
    let unable = |act: &str, number: c_int| {
        let errno = Errno::named(format!("{:?}", nix::Error::from_raw(number)));
        Error::Unable { act: act.into(), hint: unable::hint(&errno, rootless), errno }
    };
    if pid < 0 {
        let kinds = if rootless { "user, PID and mount namespaces" } else { "PID and mount namespaces" };
        return Err(unable(&format!("make {kinds}"), nix::Error::last_raw()));
    }
    match child.failed {
        Some((act, number)) => Err(unable(act, number)),
        None => Ok(()),
    }
}

fn above(fd: RawFd) -> Result<OwnedFd, Error> {
    // SAFETY: duplicates a descriptor that the caller owns; the result is a new one that nothing else knows.
    unsafe {
        let copy = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, LOCK_FD + 1);
        if copy < 0 {
            return Err(Error::io("duplicate a descriptor")(io::Error::last_os_error()));
        }
        Ok(OwnedFd::from_raw_fd(copy))
    }
}

/// The child's way to `execv`, in bare system calls: it runs in its parent's memory.
extern "C" fn become_agent(child: *mut c_void) -> c_int {
    // SAFETY: the parent passes its `Child` and waits.
    let child = unsafe { &mut *child.cast::<Child>() };
    // SAFETY: system calls on strings and descriptors that `Child` keeps alive.
    unsafe {
        if let Some(maps) = &child.maps {
            // `setgroups` must be given up before a user may map a group (CVE-2014-8989).
            for (file, text) in [
                (c"/proc/self/setgroups", c"deny"),
                (c"/proc/self/uid_map", maps.uid.as_c_str()),
                (c"/proc/self/gid_map", maps.gid.as_c_str()),
            ] {
                let fd = libc::open(file.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
                let bytes = text.to_bytes();
                if fd < 0 || libc::write(fd, bytes.as_ptr().cast(), bytes.len()) < 0 {
                    child.failed = Some(("map this user into a user namespace", *libc::__errno_location()));
                    return 1;
                }
                libc::close(fd);
            }
        }
        if libc::dup2(child.held, HELD_FD) < 0 || libc::dup2(child.lock, LOCK_FD) < 0 {
            child.failed = Some(("hand descriptors to the agent", *libc::__errno_location()));
            return 1;
        }
        // Whatever else this process has inherited is not to be held for as long as the lab stands.
        libc::syscall(libc::SYS_close_range, LOCK_FD + 1, libc::c_int::MAX, 0);
        libc::execv(c"/proc/self/exe".as_ptr(), child.argv.as_ptr());
        child.failed = Some(("start the agent", *libc::__errno_location()));
    }
    1
}
