//! The place where all is measured: namespaces that play a machine, so that the real one is never touched.
//!
//! Whatever ends this program, Ctrl-C and `kill -9` too, ends the first process of the PID namespace, and the kernel
//! removes all that was built.

use std::fs::{self, File, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, wait, waitpid};
use nix::unistd::{ForkResult, Pid, Uid, fork};

/// The other contender.
const IP_BATCH_STAR: &str = include_str!("../ip-batch-star");
const NO_FLAGS: MsFlags = MsFlags::empty();

/// What may be run by every account.
pub(crate) fn directory() -> &'static Path {
    Path::new("/run/bench")
}

/// The program that is measured.
pub(crate) fn orchestrator() -> PathBuf {
    directory().join("orchestrator")
}

/// This program.
pub(crate) fn itself() -> PathBuf {
    directory().join("itself")
}

/// The script that builds the star by `ip -batch`.
pub(crate) fn ip_batch_star() -> PathBuf {
    directory().join("ip-batch-star")
}

/// Puts a copy of a file where every account can reach it.
pub(crate) fn put(file: &Path) -> Result<PathBuf> {
    let name = file.file_name().with_context(|| format!("`{}` is no file", file.display()))?;
    let place = directory().join(name);
    fs::copy(file, &place).with_context(|| format!("could not copy `{}`", file.display()))?;
    fs::set_permissions(&place, Permissions::from_mode(0o755))?;
    Ok(place)
}

/// Goes on in namespaces of our own. Returns a status where all is done already: in the processes that have waited for
/// the one that did it.
///
/// Must be called while there is one thread.
pub(crate) fn enter() -> Result<Option<ExitCode>> {
    ensure!(Uid::effective().is_root(), "must run as root; `--user UID` measures an ordinary user too");
    let itself = std::env::current_exe()?;
    let orchestrator = itself.with_file_name("orchestrator");
    ensure!(orchestrator.exists(), "there is no `{}`: build it by `cargo build --release`", orchestrator.display());
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID)
        .context("could not make namespaces")?;
    if let Some(child) = fork_off()? {
        return Ok(Some(status_of(waitpid(child, None)?)));
    }
    set_pdeathsig(Signal::SIGKILL)?;
    if let Some(worker) = fork_off()? {
        return Ok(Some(reap_until(worker)?));
    }
    furnish(&itself, &orchestrator)?;
    Ok(None)
}

/// Returns the child to the parent, and nothing to the child.
fn fork_off() -> Result<Option<Pid>> {
    // SAFETY: there is one thread, so the child may do what the parent may.
    match unsafe { fork() }.context("could not fork")? {
        ForkResult::Parent { child } => Ok(Some(child)),
        ForkResult::Child => Ok(None),
    }
}

/// Plays init: agents that have lost their parent come to the first process when they end.
fn reap_until(worker: Pid) -> Result<ExitCode> {
    loop {
        match wait() {
            Ok(ended) if ended.pid() == Some(worker) => return Ok(status_of(ended)),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("could not wait for the worker"),
        }
    }
}

fn status_of(ended: WaitStatus) -> ExitCode {
    match ended {
        WaitStatus::Exited(_, status) => u8::try_from(status).map_or(ExitCode::FAILURE, ExitCode::from),
        _ => ExitCode::FAILURE,
    }
}

/// Mounts what a machine has, and puts there what is run, where every account can reach it.
fn furnish(itself: &Path, program: &Path) -> Result<()> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    // Both are opened before /run is covered, as they may be below it.
    let (itself, program) = (open(itself)?, open(program)?);
    for (kind, place, data) in [("proc", "/proc", None), ("sysfs", "/sys", None), ("tmpfs", "/run", Some("mode=755"))] {
        mount(Some(kind), place, Some(kind), NO_FLAGS, data).with_context(|| format!("could not mount {place}"))?;
    }
    fs::create_dir("/run/netns")?;
    fs::create_dir(directory())?;
    bind(&itself, &self::itself())?;
    bind(&program, &orchestrator())?;
    fs::write(ip_batch_star(), IP_BATCH_STAR)?;
    fs::set_permissions(ip_batch_star(), Permissions::from_mode(0o755))?;
    Ok(())
}

fn open(path: &Path) -> Result<File> {
    File::open(path).with_context(|| format!("could not open `{}`", path.display()))
}

fn bind(file: &File, place: &Path) -> Result<()> {
    File::create(place)?;
    let source = format!("/proc/self/fd/{}", file.as_raw_fd());
    mount(Some(source.as_str()), place, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .with_context(|| format!("could not bind `{}`", place.display()))
}
