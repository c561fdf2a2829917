//! Making the agent's process: init of a PID namespace, with mounts and (without root) a user namespace of its own.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::ptr;

use nix::libc::{self, c_char, c_int, c_void};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getegid, geteuid};

use super::ids::{Lack, SubordinateIds};
use super::{Error, unable};
use crate::fault;
use crate::protocol::{HELD_FD, LOCK_FD};
use crate::topology::Errno;

const STACK: usize = 64 * 1024;
const NAMESPACES: c_int = libc::CLONE_NEWPID | libc::CLONE_NEWNS | libc::SIGCHLD;
/// The quick way: the child runs in this process's memory, and this thread waits until it has executed or ended.
const IN_OUR_MEMORY: c_int = libc::CLONE_VM | libc::CLONE_VFORK;

/// What the agent is started with.
pub(super) struct Agent<'a> {
    pub(super) arguments: Vec<CString>,
    pub(super) held: &'a OwnedFd,
    pub(super) lock: &'a File,
}

/// Who writes the maps of the user namespace (user_namespaces(7)).
enum Maps {
    /// There is none.
    Nobody,
    /// The child: this user becomes its root.
    Child { uid: CString, gid: CString },
    /// This process has them written, and the child waits.
    Parent,
}

/// What the child needs.
struct Child {
    argv: Vec<*const c_char>,
    held: RawFd,
    lock: RawFd,
    maps: Maps,
    ours: RawFd,
    theirs: RawFd,
}

/// What the child can fail at; it tells the place in this list.
const ACTS: [&str; 3] = ["map this user into a user namespace", "hand descriptors to the agent", "start the agent"];
const MAP: c_int = 0;
const HAND_OVER: c_int = 1;
const EXECUTE: c_int = 2;

/// Makes the process without a user namespace.
pub(super) fn with_root(agent: &Agent<'_>) -> Result<(), Error> {
    Begun::begin(agent, IN_OUR_MEMORY, Maps::Nobody)?.started()
}

/// Makes it in a user namespace that knows this user, as its root, and nobody else.
pub(super) fn with_own_id(agent: &Agent<'_>) -> Result<(), Error> {
    let map = |id: u32| CString::new(format!("0 {id} 1")).expect("a number has no NUL");
    let maps = Maps::Child { uid: map(geteuid().as_raw()), gid: map(getegid().as_raw()) };
    Begun::begin(agent, IN_OUR_MEMORY | libc::CLONE_NEWUSER, maps)?.started()
}

/// Makes it in a user namespace that has this user's subordinate ids too. Where they can't be mapped it is not made.
pub(super) fn with_ids(agent: &Agent<'_>, ids: &SubordinateIds) -> Result<Result<(), Lack>, Error> {
    let mut begun = Begun::begin(agent, libc::CLONE_NEWUSER, Maps::Parent)?;
    fault::point("ids to be mapped");
    if let Err(lack) = ids.map(begun.pid) {
        begun.give_up();
        return Ok(Err(lack));
    }
    fault::point("ids mapped");
    begun.channel.write_all(&[0]).map_err(Error::io("let the agent go"))?;
    begun.started().map(Ok)
}

/// A child on its way to the agent's program.
struct Begun {
    pid: Pid,
    /// One byte lets go a child that waits, and the end of the channel ends it. The child tells what it failed at; it closes
    /// the channel by executing.
    channel: UnixStream,
    rootless: bool,
}

impl Begun {
    fn begin(agent: &Agent<'_>, flags: c_int, maps: Maps) -> Result<Self, Error> {
        let (ours, theirs) = UnixStream::pair().map_err(Error::io("make a channel"))?;
        // Above the places that two of them are to have, so that nothing is overwritten on the way.
        let (held, lock, theirs) = (above(agent.held.as_fd())?, above(agent.lock.as_fd())?, above(theirs.as_fd())?);
        let mut argv: Vec<*const c_char> = agent.arguments.iter().map(|text| text.as_ptr()).collect();
        argv.push(ptr::null());
        let mut child = Child {
            argv,
            held: held.as_raw_fd(),
            lock: lock.as_raw_fd(),
            maps,
            ours: ours.as_raw_fd(),
            theirs: theirs.as_raw_fd(),
        };
        let rootless = flags & libc::CLONE_NEWUSER != 0;
        let mut stack = vec![0u8; STACK];
        // SAFETY: a child in this process's memory holds this thread (CLONE_VFORK) until it has executed or ended, so stack and
        // `child` outlive its use of them; any other has copies. This is the only thread, so no lock is held that the child
        // could want.
        let pid = unsafe {
            let top = stack.as_mut_ptr().add(STACK);
            let top = top.sub(top as usize % 16);
            let child = ptr::from_mut(&mut child).cast::<c_void>();
            libc::clone(become_agent, top.cast::<c_void>(), NAMESPACES | flags, child)
        };
        if pid < 0 {
            let kinds = if rootless { "user, PID and mount namespaces" } else { "PID and mount namespaces" };
            return Err(unable(&format!("make {kinds}"), nix::Error::last_raw(), rootless));
        }
        Ok(Self { pid: Pid::from_raw(pid), channel: ours, rootless })
    }

    /// Waits until the agent's program runs.
    fn started(mut self) -> Result<(), Error> {
        let mut told = Vec::new();
        self.channel.read_to_end(&mut told).map_err(Error::io("wait for the agent"))?;
        let Some((act, number)) = told.split_first_chunk() else { return Ok(()) };
        let act = ACTS[c_int::from_ne_bytes(*act) as usize];
        let number = number.first_chunk().map_or(libc::EIO, |number| c_int::from_ne_bytes(*number));
        let rootless = self.rootless;
        self.give_up();
        Err(unable(act, number, rootless))
    }

    /// Has a child that waits end, and waits for its end.
    fn give_up(self) {
        drop(self.channel);
        let _ = waitpid(self.pid, None);
    }
}

fn unable(act: &str, number: c_int, rootless: bool) -> Error {
    let errno = Errno::named(format!("{:?}", nix::Error::from_raw(number)));
    Error::Unable { act: act.into(), hint: unable::hint(&errno, rootless), errno }
}

fn above(fd: BorrowedFd<'_>) -> Result<OwnedFd, Error> {
    // SAFETY: duplicates a descriptor that the caller owns; the result is a new one that nothing else knows.
    unsafe {
        let copy = libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, LOCK_FD + 1);
        if copy < 0 {
            return Err(Error::io("duplicate a descriptor")(io::Error::last_os_error()));
        }
        Ok(OwnedFd::from_raw_fd(copy))
    }
}

/// The child's way to `execv`, in bare system calls: it may run in its parent's memory.
extern "C" fn become_agent(child: *mut c_void) -> c_int {
    // SAFETY: the parent passes its `Child`, and waits or has made this a copy.
    let child = unsafe { &*child.cast::<Child>() };
    // SAFETY: system calls on strings and descriptors that `Child` keeps alive.
    unsafe {
        // Or it would never see the end of the channel.
        libc::close(child.ours);
        match &child.maps {
            Maps::Nobody => {}
            Maps::Parent => {
                let mut word = 0u8;
                if libc::read(child.theirs, ptr::from_mut(&mut word).cast(), 1) != 1 {
                    return 1;
                }
            }
            Maps::Child { uid, gid } => {
                // `setgroups` must be given up before a user may map a group (CVE-2014-8989).
                for (file, text) in [
                    (c"/proc/self/setgroups", c"deny"),
                    (c"/proc/self/uid_map", uid.as_c_str()),
                    (c"/proc/self/gid_map", gid.as_c_str()),
                ] {
                    let fd = libc::open(file.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
                    let bytes = text.to_bytes();
                    if fd < 0 || libc::write(fd, bytes.as_ptr().cast(), bytes.len()) < 0 {
                        return tell(child, MAP);
                    }
                    libc::close(fd);
                }
            }
        }
        if libc::dup2(child.held, HELD_FD) < 0 || libc::dup2(child.lock, LOCK_FD) < 0 {
            return tell(child, HAND_OVER);
        }
        // Whatever else this process has inherited is not to be held for as long as the lab stands.
        libc::syscall(libc::SYS_close_range, LOCK_FD + 1, c_int::MAX, libc::CLOSE_RANGE_CLOEXEC);
        libc::execv(c"/proc/self/exe".as_ptr(), child.argv.as_ptr());
        tell(child, EXECUTE)
    }
}

/// Tells the parent what the child has just failed at, and why.
fn tell(child: &Child, act: c_int) -> c_int {
    // SAFETY: writes some numbers to a descriptor; a parent that has gone needs no answer.
    unsafe {
        let told = [act, *libc::__errno_location()];
        libc::send(child.theirs, told.as_ptr().cast(), size_of_val(&told), libc::MSG_NOSIGNAL);
    }
    1
}
