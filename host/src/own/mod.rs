//! Directories, and the files in them, that are this user's alone: what is found there nobody else can have put there.

use std::env;
use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, openat};
use nix::libc::{O_DIRECTORY, O_NOFOLLOW};
use nix::sys::stat::Mode;
use nix::unistd::geteuid;
use thiserror::Error;

/// Why a directory is not used.
#[derive(Debug, Error)]
pub enum Unfit {
    /// No variable says where it is.
    #[error("neither {0} nor HOME is an absolute path")]
    Nowhere(&'static str),
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

/// Where a user's directories of one kind are: the XDG Base Directory Specification.
#[derive(Clone, Copy, Debug)]
pub struct Base {
    /// Root's, for the machine.
    pub root: &'static str,
    /// The variable that says where a user's are.
    pub variable: &'static str,
    /// Where they are without it, in the user's home.
    pub home: &'static str,
}

impl Base {
    /// Returns the directory of a name there, whether or not it exists.
    pub fn place(self, name: &str) -> Result<PathBuf, Unfit> {
        if geteuid().is_root() {
            return Ok(Path::new(self.root).join(name));
        }
        // Relative paths are to be ignored, says the specification.
        let variable = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = variable(self.variable).or_else(|| variable("HOME").map(|home| home.join(self.home)));
        base.map(|base| base.join(name)).ok_or(Unfit::Nowhere(self.variable))
    }
}

/// An open directory that is this user's alone.
#[derive(Debug)]
pub struct Directory {
    directory: File,
    path: PathBuf,
}

impl Directory {
    /// Opens it, and makes it if need be.
    pub fn open_or_make(path: PathBuf) -> Result<Self, Unfit> {
        if let Some(found) = Self::find(path.clone())? {
            return Ok(found);
        }
        let closed = |source| Unfit::Closed { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            // Root's is everybody's.
            let mode = if geteuid().is_root() { 0o755 } else { 0o700 };
            DirBuilder::new().recursive(true).mode(mode).create(parent).map_err(closed)?;
        }
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(closed(error)),
            _ => {}
        }
        open(&path).map(|directory| Self { directory, path })
    }

    /// Opens it if it is there.
    pub fn find(path: PathBuf) -> Result<Option<Self>, Unfit> {
        match open(&path) {
            Ok(directory) => Ok(Some(Self { directory, path })),
            Err(Unfit::Closed { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(unfit) => Err(unfit),
        }
    }

    /// Returns the path by which it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the directory itself, whatever is at its path by now.
    pub fn by_descriptor(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.directory.as_raw_fd()))
    }

    /// Opens a file in it, if it is one and this user's alone.
    pub fn file(&self, name: &str) -> Option<(File, Metadata)> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = File::from(openat(self.directory.as_fd(), name, flags, Mode::empty()).ok()?);
        let found = file.metadata().ok()?;
        (found.is_file() && reason_against(&found).is_none()).then_some((file, found))
    }
}

/// Opens a directory if it is there and this user's alone.
fn open(path: &Path) -> Result<File, Unfit> {
    let closed = |source| Unfit::Closed { path: path.to_owned(), source };
    let unsafe_because = |why: &str| Unfit::Unsafe { path: path.to_owned(), why: why.to_owned() };
    let directory = File::options().read(true).custom_flags(O_NOFOLLOW | O_DIRECTORY).open(path).map_err(|error| {
        // A link has been put in its place, which ENOTDIR does not say.
        let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        if is_link { unsafe_because("it is a symbolic link") } else { closed(error) }
    })?;
    let found = directory.metadata().map_err(closed)?;
    match reason_against(&found) {
        Some(why) => Err(unsafe_because(&why)),
        None => Ok(directory),
    }
}

/// Says why what is found is not this user's alone, if so.
fn reason_against(found: &Metadata) -> Option<String> {
    if found.uid() != geteuid().as_raw() {
        return Some(format!("it belongs to uid {}", found.uid()));
    }
    let mode = found.permissions().mode() & 0o777;
    (mode & 0o022 != 0).then(|| format!("others may write to it; its mode is {mode:04o}"))
}
