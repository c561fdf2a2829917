//! Where compiled modules are: `/var/cache/orchestrator` for root, `$XDG_CACHE_HOME/orchestrator` or
//! `~/.cache/orchestrator` for a user (XDG Base Directory Specification).

use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::libc::{O_DIRECTORY, O_NOFOLLOW};
use nix::unistd::geteuid;
use thiserror::Error;

/// Why a directory is not used.
#[derive(Debug, Error)]
pub enum Unfit {
    /// No variable says where the user's caches are.
    #[error("neither XDG_CACHE_HOME nor HOME is an absolute path")]
    Nowhere,
    /// It can't be made or opened.
    #[error("could not open `{}`", path.display())]
    Closed {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else could have put there what it holds.
    #[error("`{}` is not used, as {why}", path.display())]
    Unsafe {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Returns where this user's compiled modules are, whether or not the directory is there.
pub fn place() -> Result<PathBuf, Unfit> {
    if geteuid().is_root() {
        return Ok(PathBuf::from("/var/cache/orchestrator"));
    }
    // Relative paths are to be ignored, says the specification.
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    caches.map(|caches| caches.join("orchestrator")).ok_or(Unfit::Nowhere)
}

/// Opens the directory, and makes it if need be.
pub(super) fn open_or_make(path: &Path) -> Result<File, Unfit> {
    let closed = |source| Unfit::Closed { path: path.to_owned(), source };
    match open(path) {
        Err(Unfit::Closed { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        outcome => return outcome,
    }
    if let Some(parent) = path.parent() {
        // Root's is everybody's.
        let mode = if geteuid().is_root() { 0o755 } else { 0o700 };
        DirBuilder::new().recursive(true).mode(mode).create(parent).map_err(closed)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(closed(error)),
        _ => {}
    }
    open(path)
}

/// Opens the directory if it is there and this user's alone.
pub(super) fn open(path: &Path) -> Result<File, Unfit> {
    let closed = |source| Unfit::Closed { path: path.to_owned(), source };
    let directory = File::options().read(true).custom_flags(O_NOFOLLOW | O_DIRECTORY).open(path).map_err(|error| {
        // A link has been put in its place, which ENOTDIR does not say.
        let is_link = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        if is_link { unsafe_because(path, "it is a symbolic link") } else { closed(error) }
    })?;
    let found = directory.metadata().map_err(closed)?;
    match reason_against(&found) {
        Some(why) => Err(unsafe_because(path, &why)),
        None => Ok(directory),
    }
}

fn unsafe_because(path: &Path, why: &str) -> Unfit {
    Unfit::Unsafe { path: path.to_owned(), why: why.to_owned() }
}

/// Says why what is found is not this user's alone, if so.
pub(super) fn reason_against(found: &Metadata) -> Option<String> {
    if found.uid() != geteuid().as_raw() {
        return Some(format!("it belongs to uid {}", found.uid()));
    }
    let mode = found.permissions().mode() & 0o777;
    (mode & 0o022 != 0).then(|| format!("others may write to it; its mode is {mode:04o}"))
}
