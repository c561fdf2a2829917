//! Where labs are: `/run/orchestrator/labs/NAME` for root, `$XDG_RUNTIME_DIR/orchestrator/labs/NAME` for a user, or
//! `/tmp/orchestrator-UID/labs/NAME` where there is none.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use nix::unistd::{AccessFlags, Uid, User, faccessat, geteuid};

use super::{Error, LabName};
use crate::topology::harmless;

/// A directory of labs and whose they are.
#[derive(Clone, Debug)]
pub(super) struct Root {
    /// `.../labs`
    pub(super) labs: PathBuf,
    /// Their owner.
    pub(super) uid: u32,
}

/// A lab's directory. Whether an agent serves from it is not known yet.
#[derive(Clone, Debug)]
pub struct Lab {
    /// Its name.
    pub name: LabName,
    /// Its owner's name, or uid.
    pub user: String,
    /// Where it is.
    pub directory: PathBuf,
    pub(super) root: Root,
}

impl Root {
    /// Returns where this user's labs are, whether or not the directory is there.
    pub(super) fn own() -> Self {
        let uid = geteuid();
        let labs = if uid.is_root() {
            PathBuf::from("/run/orchestrator/labs")
        } else {
            // It is gone where a session has ended and its environment lives on, in a terminal multiplexer say.
            let usable = |path: &PathBuf| path.is_absolute() && path.is_dir();
            match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(usable) {
                Some(runtime) => runtime.join("orchestrator/labs"),
                None => PathBuf::from(format!("/tmp/orchestrator-{uid}/labs")),
            }
        };
        Self { labs, uid: uid.as_raw() }
    }

    /// Tells whether it is this user's.
    pub(super) fn is_own(&self) -> bool {
        self.uid == geteuid().as_raw()
    }

    /// Makes the directory if need be, and checks that it is this user's alone.
    pub(super) fn create(&self) -> Result<(), Error> {
        let parent = self.labs.parent().expect("`labs` has a parent");
        for directory in [parent, &self.labs] {
            match DirBuilder::new().mode(0o700).create(directory) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(Error::NoDirectory { path: directory.to_owned(), source: error });
                }
                _ => {}
            }
            self.check(directory)?;
        }
        Ok(())
    }

    /// Checks this directory and the one that it is in.
    pub(super) fn check_all(&self) -> Result<(), Error> {
        self.check(self.labs.parent().expect("`labs` has a parent"))?;
        self.check(&self.labs)
    }

    /// Refuses a directory that somebody else could have put there or can look into.
    fn check(&self, directory: &Path) -> Result<(), Error> {
        let found = fs::symlink_metadata(directory).map_err(Error::io(format!("read `{}`", directory.display())))?;
        let wrong = |why: &str| Error::Directory { path: directory.to_owned(), why: why.to_owned() };
        match found {
            found if !found.is_dir() => Err(wrong("it is no directory")),
            found if found.uid() != self.uid => Err(wrong(&format!("it belongs to uid {}", found.uid()))),
            found if mode(&found) & 0o077 != 0 => Err(wrong("others may enter it; its mode has to be 0700")),
            _ => Ok(()),
        }
    }

    /// Takes the lock under which labs are created and swept, so that neither sees the other half-way.
    pub(super) fn lock(&self) -> Result<File, Error> {
        let path = self.labs.join(".lock");
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            // It may be another user's directory, which has whatever that user put there.
            .custom_flags(O_NOFOLLOW | O_NONBLOCK)
            .open(&path)
            .map_err(Error::io(format!("open `{}`", path.display())))?;
        file.lock().map_err(Error::io(format!("lock `{}`", path.display())))?;
        Ok(file)
    }

    /// Lists the labs here; what is no lab's directory is passed over.
    pub(super) fn labs(&self) -> Vec<Lab> {
        if self.check_all().is_err() {
            return Vec::new();
        }
        let user = user_name(self.uid);
        let Ok(entries) = fs::read_dir(&self.labs) else { return Vec::new() };
        let mut labs: Vec<Lab> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let name: LabName = entry.file_name().to_str()?.parse().ok()?;
                let is_lab = entry.file_type().ok()?.is_dir();
                is_lab.then(|| Lab { name, user: user.clone(), directory: entry.path(), root: self.clone() })
            })
            .collect();
        labs.sort_by(|a, b| a.name.cmp(&b.name));
        labs
    }

    /// Returns where the labs of all other users are. Only root can look there.
    fn others() -> Vec<Self> {
        if !geteuid().is_root() {
            return Vec::new();
        }
        let in_run = fs::read_dir("/run/user").into_iter().flatten().flatten().map(|entry| entry.path());
        let in_tmp = fs::read_dir("/tmp").into_iter().flatten().flatten().map(|entry| entry.path());
        let in_tmp = in_tmp
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("orchestrator-")));
        in_run
            .map(|path| path.join("orchestrator/labs"))
            .chain(in_tmp.map(|path| path.join("labs")))
            .filter_map(|labs| {
                let uid = fs::symlink_metadata(&labs).ok()?.uid();
                (uid != 0).then_some(Self { labs, uid })
            })
            .collect()
    }
}

fn mode(found: &Metadata) -> u32 {
    found.permissions().mode()
}

fn user_name(uid: u32) -> String {
    match User::from_uid(Uid::from_raw(uid)) {
        Ok(Some(user)) => user.name,
        _ => uid.to_string(),
    }
}

/// Finds where this user's labs are, or would be: the directory is not made.
pub fn place() -> Result<PathBuf, Error> {
    let labs = Root::own();
    let root = labs.labs.parent().expect("`labs` has a parent");
    // The deepest that is there has to let something be made in it.
    let mut deepest = root.parent().expect("it is no root directory");
    for directory in [root, &labs.labs] {
        if fs::symlink_metadata(directory).is_ok() {
            labs.check(directory)?;
            deepest = directory;
        }
    }
    faccessat(AT_FDCWD, deepest, AccessFlags::W_OK | AccessFlags::X_OK, AtFlags::AT_EACCESS)
        .map_err(|error| Error::NoDirectory { path: labs.labs.clone(), source: error.into() })?;
    Ok(labs.labs)
}

/// Lists this user's labs.
pub fn list_own() -> Result<Vec<Lab>, Error> {
    Ok(Root::own().labs())
}

/// Lists this user's labs, and as root those of all users behind them.
pub fn list() -> Result<Vec<Lab>, Error> {
    let mut labs = Root::own().labs();
    for root in Root::others() {
        labs.extend(root.labs());
    }
    Ok(labs)
}

/// Finds a lab of this user by its name.
pub fn find_own(name: &str) -> Result<Lab, Error> {
    let mut labs = Root::own().labs().into_iter();
    labs.find(|lab| lab.name.as_str() == name).ok_or_else(|| Error::NoSuchLab(harmless(name)))
}

/// Finds a lab by `NAME`, or as root by `USER/NAME`.
pub fn find(name: &str) -> Result<Lab, Error> {
    let missing = || Error::NoSuchLab(harmless(name));
    match name.split_once('/') {
        None => find_own(name),
        Some((user, name)) => {
            list()?.into_iter().find(|lab| lab.user == user && lab.name.as_str() == name).ok_or_else(missing)
        }
    }
}
