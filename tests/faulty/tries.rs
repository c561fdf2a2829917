//! What a guest would try that has taken over its process. Each try is told on stderr, as `NAME: ok` or `NAME: ERRNO`.
//!
//! Where a try is not refused it does no harm: signals are of number 0, and what would be made is there already, or can't be.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::ptr::from_ref;
use std::sync::{LazyLock, OnceLock};
use std::{env, fs, process};

use nix::errno::Errno;
use nix::libc::*;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// What is to be tried at some place, if anything is. It is made ready at the first place of all.
static TRIES: LazyLock<Option<Tries>> = LazyLock::new(|| {
    let place = env::var("FAULT_TRIES").ok()?;
    let path = env::var("FAULT_TRIES_SOCKET").expect("the test that set FAULT_TRIES listens somewhere");
    let is_agent = env::args().nth(1).is_some_and(|command| command == "agent");
    (!is_agent).then(|| Tries { place, targets: Targets::make(&path), agent: OnceLock::new() })
});

struct Tries {
    place: String,
    targets: Targets,
    agent: OnceLock<c_long>,
}

/// Tries all and ends, if this is the place.
pub(super) fn at(place: &str) {
    let Some(tries) = &*TRIES else { return };
    if place == "agent made" {
        let children = fs::read_to_string("/proc/thread-self/children").expect("it may open files yet");
        let agent = children.split_whitespace().next_back().and_then(|pid| pid.parse().ok());
        let _ = tries.agent.set(agent.expect("the agent is a child of this"));
    }
    if place == tries.place {
        // There is none for a plan.
        tries.targets.try_all(tries.agent.get().copied().unwrap_or(tries.targets.parent));
        process::exit(0);
    }
}

/// What is to be reached.
struct Targets {
    /// A Unix socket of somebody else's that listens.
    path: sockaddr_un,
    /// One that has no path.
    name: sockaddr_un,
    _listener: Option<UnixListener>,
    unix: OwnedFd,
    datagram: OwnedFd,
    tcp: OwnedFd,
    program: OwnedFd,
    namespace: OwnedFd,
    page: usize,
    parent: c_long,
}

impl Targets {
    fn make(path: &str) -> Targets {
        let socket =
            |family, kind| socket(family, kind, SockFlag::SOCK_CLOEXEC, None).expect("it may have sockets yet");
        let parent = std::os::unix::process::parent_id();
        assert_ne!(parent, 0, "its parent is in no namespace of its own");
        let name = "orchestrator-tries";
        let address = SocketAddr::from_abstract_name(name).expect("a short name");
        let anywhere = std::ptr::null_mut();
        // SAFETY: a new page, of which nobody else knows.
        let page = unsafe { mmap(anywhere, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) };
        assert_ne!(page, MAP_FAILED);
        Targets {
            path: unix_address(path.as_bytes()),
            name: unix_address(format!("\0{name}").as_bytes()),
            // The agent gets here too, and the name is taken.
            _listener: UnixListener::bind_addr(&address).ok(),
            unix: socket(AddressFamily::Unix, SockType::Stream),
            datagram: socket(AddressFamily::Unix, SockType::Datagram),
            tcp: socket(AddressFamily::Inet, SockType::Stream),
            program: fs::File::open("/proc/self/exe").expect("it may open files yet").into(),
            namespace: fs::File::open("/proc/self/ns/net").expect("it may open files yet").into(),
            page: page.addr(),
            parent: parent.into(),
        }
    }

    /// Tries all, with the process that `agent` is.
    fn try_all(&self, agent: c_long) {
        for (name, call, arguments) in self.tries(agent) {
            let [a, b, c, d, e, f] = arguments;
            // SAFETY: what is pointed to lives until the end of this, and what is written goes to `page`, which is nobody's.
            let answer = unsafe { syscall(call, a, b, c, d, e, f) };
            match Errno::result(answer) {
                Ok(_) => eprintln!("{name}: ok"),
                Err(errno) => eprintln!("{name}: {errno:?}"),
            }
        }
    }

    fn tries(&self, agent: c_long) -> Vec<(&'static str, c_long, [c_long; 6])> {
        let parent = self.parent;
        let this: c_long = process::id().into();
        let page = self.page as c_long;
        let fd = |socket: &OwnedFd| c_long::from(socket.as_raw_fd());
        let (unix, datagram, tcp) = (fd(&self.unix), fd(&self.datagram), fd(&self.tcp));
        let address = |address: &sockaddr_un| from_ref(address) as c_long;
        let un = size_of::<sockaddr_un>() as c_long;
        let named = (size_of::<sa_family_t>() + "\0orchestrator-tries".len()) as c_long;
        static LOCALHOST: sockaddr_in = sockaddr_in {
            sin_family: AF_INET as u16,
            sin_port: 9,
            sin_addr: in_addr { s_addr: 0x0100_007f },
            sin_zero: [0; 8],
        };
        let localhost = from_ref(&LOCALHOST) as c_long;
        let inet = size_of::<sockaddr_in>() as c_long;
        let stream = (SOCK_STREAM | SOCK_CLOEXEC).into();
        let cwd = c_long::from(AT_FDCWD);
        static READ: [u64; 3] = [O_RDONLY as u64, 0, 0];
        static THREE: [u64; 11] = [0, 0, 0, 0, SIGCHLD as u64, 0, 0, 0, 0, 0, 0];
        let passwd = text(c"/etc/passwd");
        let none = text(c"/none/none");
        let n = |number: c_int| c_long::from(number);
        vec![
            ("read /etc/passwd", SYS_openat, [cwd, passwd, n(O_RDONLY), 0, 0, 0]),
            ("read /etc/passwd by openat2", SYS_openat2, [cwd, passwd, from_ref(&READ) as c_long, 24, 0, 0]),
            ("write its memory file", SYS_openat, [cwd, text(c"/proc/self/mem"), n(O_RDWR), 0, 0, 0]),
            ("make a file", SYS_openat, [cwd, text(c"tried"), n(O_WRONLY | O_CREAT), 0o600, 0, 0]),
            ("read a granted file", SYS_openat, [cwd, text(c"data/open"), n(O_RDONLY), 0, 0, 0]),
            ("write a granted file", SYS_openat, [cwd, text(c"data/open"), n(O_WRONLY), 0, 0, 0]),
            ("look at /etc/passwd", SYS_newfstatat, [cwd, passwd, page, 0, 0, 0]),
            ("look at /etc/passwd by statx", SYS_statx, [cwd, passwd, 0, 0, page, 0]),
            ("read a link", SYS_readlinkat, [cwd, text(c"/proc/self/exe"), page, 4096, 0, 0]),
            ("remove a file", SYS_unlinkat, [cwd, none, 0, 0, 0, 0]),
            ("rename a file", SYS_renameat2, [cwd, none, cwd, none, 0, 0]),
            ("make a directory", SYS_mkdirat, [cwd, text(c"/proc"), 0o700, 0, 0, 0]),
            ("change a mode", SYS_fchmodat, [cwd, none, 0o777, 0, 0, 0]),
            ("truncate a file", SYS_truncate, [none, 0, 0, 0, 0, 0]),
            ("change directory", SYS_chdir, [text(c"/"), 0, 0, 0, 0, 0]),
            ("watch files", SYS_inotify_init1, [0; 6]),
            ("socket unix", SYS_socket, [n(AF_UNIX), stream, 0, 0, 0, 0]),
            ("socket inet", SYS_socket, [n(AF_INET), stream, 0, 0, 0, 0]),
            ("socket inet6", SYS_socket, [n(AF_INET6), stream, 0, 0, 0, 0]),
            ("socket udp", SYS_socket, [n(AF_INET), n(SOCK_DGRAM | SOCK_CLOEXEC), 0, 0, 0, 0]),
            ("socket netlink", SYS_socket, [n(AF_NETLINK), n(SOCK_RAW | SOCK_CLOEXEC), 0, 0, 0, 0]),
            ("socketpair of datagrams", SYS_socketpair, [n(AF_UNIX), n(SOCK_DGRAM), 0, page, 0, 0]),
            ("socketpair of a stream", SYS_socketpair, [n(AF_UNIX), stream, 0, page, 0, 0]),
            ("send to a path", SYS_sendto, [datagram, page, 1, 0, address(&self.path), un]),
            ("connect to a name", SYS_connect, [unix, address(&self.name), named, 0, 0, 0]),
            ("connect to a path", SYS_connect, [unix, address(&self.path), un, 0, 0, 0]),
            ("bind to a port", SYS_bind, [tcp, localhost, inet, 0, 0, 0]),
            ("connect to a port", SYS_connect, [tcp, localhost, inet, 0, 0, 0]),
            ("listen", SYS_listen, [tcp, 1, 0, 0, 0, 0]),
            ("execve", SYS_execve, [none, 0, 0, 0, 0, 0]),
            // There is no room for such arguments.
            ("execveat a descriptor", SYS_execveat, [fd(&self.program), text(c""), 1, 1, n(AT_EMPTY_PATH), 0]),
            ("map code", SYS_mmap, [0, 4096, n(PROT_READ | PROT_EXEC), n(MAP_PRIVATE | MAP_ANONYMOUS), -1, 0]),
            ("write to code", SYS_mprotect, [page, 4096, n(PROT_READ | PROT_WRITE | PROT_EXEC), 0, 0, 0]),
            // The kernel refuses these flags as well, with another number.
            ("clone a process", SYS_clone, [n(CLONE_SIGHAND | SIGCHLD), 0, 0, 0, 0, 0]),
            ("clone a namespace", SYS_clone, [n(CLONE_NEWNS | CLONE_FS | SIGCHLD), 0, 0, 0, 0, 0]),
            ("clone3", SYS_clone3, [from_ref(&THREE) as c_long, 1, 0, 0, 0, 0]),
            ("unshare a netns", SYS_unshare, [n(CLONE_NEWUSER | CLONE_NEWNET | CLONE_PARENT), 0, 0, 0, 0, 0]),
            ("setns", SYS_setns, [fd(&self.namespace), n(CLONE_NEWUTS), 0, 0, 0, 0]),
            ("ptrace the parent", SYS_ptrace, [n(PTRACE_SEIZE as c_int), parent, 1, 0, 0, 0]),
            ("ptrace the agent", SYS_ptrace, [n(PTRACE_SEIZE as c_int), agent, 1, 0, 0, 0]),
            ("read the parent's memory", SYS_process_vm_readv, [parent, 0, 0, 0, 0, 0]),
            ("write the agent's memory", SYS_process_vm_writev, [agent, 0, 0, 0, 0, 0]),
            ("kill the parent", SYS_kill, [parent, 0, 0, 0, 0, 0]),
            ("kill the agent", SYS_kill, [agent, 0, 0, 0, 0, 0]),
            ("kill itself", SYS_kill, [this, 0, 0, 0, 0, 0]),
            ("tgkill the parent", SYS_tgkill, [parent, parent, 0, 0, 0, 0]),
            ("tgkill the agent", SYS_tgkill, [agent, agent, 0, 0, 0, 0]),
            ("tgkill itself", SYS_tgkill, [this, this, 0, 0, 0, 0]),
            ("open a process", SYS_pidfd_open, [agent, 0, 0, 0, 0, 0]),
            ("be signalled for a socket", SYS_fcntl, [unix, n(F_SETOWN), parent, 0, 0, 0]),
            ("limit the agent", SYS_prlimit64, [agent, n(RLIMIT_CPU as c_int), 0, page, 0, 0]),
            ("mount", SYS_mount, [none, none, none, 0, 0, 0]),
            ("umount", SYS_umount2, [none, 0, 0, 0, 0, 0]),
            ("chroot", SYS_chroot, [none, 0, 0, 0, 0, 0]),
            ("fsopen", SYS_fsopen, [none, 0, 0, 0, 0, 0]),
            ("bpf", SYS_bpf, [-1, 0, 0, 0, 0, 0]),
            ("perf_event_open", SYS_perf_event_open, [0; 6]),
            ("io_uring_setup", SYS_io_uring_setup, [0; 6]),
            ("keyctl", SYS_keyctl, [-1, 0, 0, 0, 0, 0]),
            ("userfaultfd", SYS_userfaultfd, [-1, 0, 0, 0, 0, 0]),
            ("shared memory", SYS_shmget, [0, 0, 0, 0, 0, 0]),
            ("seccomp", SYS_seccomp, [n(SECCOMP_GET_ACTION_AVAIL as c_int), 1, 0, 0, 0, 0]),
            ("personality", SYS_personality, [0xffff_ffff, 0, 0, 0, 0, 0]),
            ("type into the terminal", SYS_ioctl, [2, TIOCSTI as c_long, 0, 0, 0, 0]),
            ("be dumpable", SYS_prctl, [n(PR_SET_DUMPABLE), 0, 0, 0, 0, 0]),
            ("ask for a capability", SYS_prctl, [n(PR_CAPBSET_READ), 0, 0, 0, 0, 0]),
            ("have a tracer", SYS_prctl, [n(PR_SET_PTRACER), 0, 0, 0, 0, 0]),
            ("setuid", SYS_setuid, [-1, 0, 0, 0, 0, 0]),
            ("setgroups", SYS_setgroups, [-1, 0, 0, 0, 0, 0]),
        ]
    }
}

fn text(text: &'static CStr) -> c_long {
    text.as_ptr() as c_long
}

fn unix_address(path: &[u8]) -> sockaddr_un {
    let mut address = sockaddr_un { sun_family: AF_UNIX as u16, sun_path: [0; 108] };
    for (to, from) in address.sun_path.iter_mut().zip(path) {
        *to = from.cast_signed();
    }
    address
}
