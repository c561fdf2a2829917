//! Which system calls a process may make: what is not listed here is answered with EPERM. See seccomp(2).
//!
//! An error, and not the end of the process: libraries try newer calls and go on with older ones, and what is not asked of a
//! library is not worse for having been answered.

use std::collections::BTreeMap;
use std::{process, ptr};

use nix::errno::Errno;
use nix::libc::{self, c_long};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};
use thiserror::Error;

use super::{GiveUpError, failed};

/// Who is confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    /// It runs a guest, to which directories were granted or not.
    Guest { reads_files: bool },
    /// It compiles a module.
    Compiler,
}

#[derive(Debug, Error)]
enum FilterError {
    #[error(transparent)]
    Made(#[from] BackendError),
    #[error(transparent)]
    Installed(#[from] seccompiler::Error),
}

/// Finds out whether the kernel has seccomp, and lets this process use it.
pub fn find_seccomp() -> nix::Result<()> {
    let action = libc::SECCOMP_RET_ERRNO;
    // SAFETY: only asks whether the kernel has the action that it points to.
    let answer = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, ptr::from_ref(&action)) };
    Errno::result(answer).map(drop)
}

/// Takes all system calls from this process but those that it needs. A kernel without seccomp takes none; `doctor` says so.
pub(super) fn take_calls(from: Process) -> Result<(), GiveUpError> {
    if find_seccomp().is_err() {
        return Ok(());
    }
    let taken = filters(from).and_then(|filters| filters.iter().try_for_each(|filter| Ok(apply_filter(filter)?)));
    taken.map_err(failed("restrict system calls (seccomp)"))
}

/// Calls whose arguments are in memory, where they can't be seen. Where there is no such call (ENOSYS), libraries go on with an older
/// one: clone(2), and openat(2).
const ABSENT: [c_long; 2] = [libc::SYS_clone3, libc::SYS_openat2];

/// Makes the filters: of two that refuse a call the later one is heard, so that one allows what the first refuses.
fn filters(from: Process) -> Result<[BpfProgram; 2], FilterError> {
    let filter = |rules, otherwise, action| -> Result<BpfProgram, FilterError> {
        let architecture = std::env::consts::ARCH.try_into()?;
        Ok(SeccompFilter::new(rules, otherwise, action, architecture)?.try_into()?)
    };
    let absent: Rules = ABSENT.map(|call| (call, Vec::new())).into();
    let errno = |number: i32| SeccompAction::Errno(number.unsigned_abs());
    Ok([
        filter(absent, SeccompAction::Allow, errno(libc::ENOSYS))?,
        // Last, as it takes the calls by which filters are installed.
        filter(rules(from)?, errno(libc::EPERM), SeccompAction::Allow)?,
    ])
}

/// The rules of each call: one of them has to hold, or none if there is none.
type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// What is needed for memory, threads, time, signals, and to read and write what is open.
const ALWAYS: &[c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    libc::SYS_write,
    libc::SYS_writev,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];

/// What a runtime needs, and to talk over the sockets that are there.
const OF_A_GUEST: &[c_long] = &[
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_memfd_create,
    libc::SYS_pipe2,
    libc::SYS_ftruncate,
    libc::SYS_getsockopt,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_shutdown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
];

/// What it takes to read files, as far as Landlock lets it.
const OF_FILES: &[c_long] = &[
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_getdents64,
    libc::SYS_newfstatat,
    libc::SYS_preadv,
    libc::SYS_readlinkat,
    libc::SYS_statx,
];

fn rules(of: Process) -> Result<Rules, BackendError> {
    let mut rules = Rules::new();
    let mut allow = |calls: &[c_long]| rules.extend(calls.iter().map(|call| (*call, Vec::new())));
    allow(ALWAYS);
    allow(&ABSENT);
    if let Process::Guest { reads_files } = of {
        allow(OF_A_GUEST);
        if reads_files {
            allow(OF_FILES);
            rules.insert(libc::SYS_openat, vec![rule([without(2, u64::from(WRITING.unsigned_abs()))?])?]);
        }
        // To nobody but who is at the other end.
        let no_address = SeccompCondition::new(4, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?;
        rules.insert(libc::SYS_sendto, vec![rule([no_address])?]);
        // One of datagrams could be sent from to any socket that has a name.
        let kind = is_within(1, SOCKET_KINDS, libc::SOCK_STREAM.unsigned_abs().into())?;
        rules.insert(libc::SYS_socketpair, vec![rule([is(0, libc::AF_UNIX.unsigned_abs().into())?, kind])?]);
    }
    rules.insert(libc::SYS_clone, vec![rule([is_within(0, THREAD | NAMESPACES, THREAD)?])?]);
    let executes = u64::from(libc::PROT_EXEC.unsigned_abs());
    let writes = u64::from(libc::PROT_WRITE.unsigned_abs());
    // Compiled code comes into memory that is made executable, and can't be written to any more.
    rules.insert(libc::SYS_mmap, vec![rule([without(2, executes)?])?]);
    rules.insert(libc::SYS_mprotect, vec![rule([without(2, executes)?])?, rule([without(2, writes)?])?]);
    let one_of = |argument: u8, values: &[u64]| {
        values.iter().map(|value| rule([is(argument, *value)?])).collect::<Result<Vec<_>, _>>()
    };
    let commands =
        [libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL, libc::F_ADD_SEALS];
    rules.insert(libc::SYS_fcntl, one_of(1, &commands.map(|command| command.unsigned_abs().into()))?);
    rules.insert(libc::SYS_ioctl, one_of(1, &[libc::TCGETS, libc::TCGETS2, libc::TIOCGWINSZ, libc::FIONBIO])?);
    let names = [libc::PR_SET_NAME, libc::PR_GET_NAME, libc::PR_SET_VMA];
    rules.insert(libc::SYS_prctl, one_of(0, &names.map(|name| name.unsigned_abs().into()))?);
    // It may end itself by a signal, as abort(3) does.
    rules.insert(libc::SYS_tgkill, vec![rule([is(0, process::id().into())?])?]);
    Ok(rules)
}

/// Flags of openat(2) by which more is done than to read.
const WRITING: i32 = libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND;
/// The bits of a socket's type that are no flags.
const SOCKET_KINDS: u64 = 0xf;
const THREAD: u64 = libc::CLONE_THREAD as u64;
const NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;

fn rule(conditions: impl IntoIterator<Item = SeccompCondition>) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions.into_iter().collect())
}

/// The argument is this value. Those of the kernel's own type `int` are looked at alone, as the rest of a register may hold anything.
fn is(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

/// Of these bits of the argument, just those are set.
fn is_within(argument: u8, bits: u64, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(bits), value)
}

/// None of these bits of the argument is set.
fn without(argument: u8, bits: u64) -> Result<SeccompCondition, BackendError> {
    is_within(argument, bits, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_fit_into_the_kernel() {
        let processes =
            [Process::Compiler, Process::Guest { reads_files: false }, Process::Guest { reads_files: true }];
        for process in processes {
            for filter in filters(process).unwrap() {
                // BPF_MAXINSNS
                assert!(filter.len() <= 4096, "{process:?}: {}", filter.len());
            }
        }
    }

    #[test]
    fn files_are_opened_by_who_was_granted_directories_alone() {
        let opens = |process| {
            let rules = rules(process).unwrap();
            rules.contains_key(&libc::SYS_openat)
        };
        assert!(opens(Process::Guest { reads_files: true }));
        assert!(!opens(Process::Guest { reads_files: false }) && !opens(Process::Compiler));
    }
}
