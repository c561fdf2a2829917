//! What an agent has in the file system, known alike to itself and to who sweeps after it.
//!
//! A lab's directory is locked (flock(2)) by its agent for as long as that lives, whatever ends it. So the lock tells whether
//! the lab lives, and the directory's identity whose it is.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::journal::{self, Entry, Journal, Opening};
use crate::fault;
use nix::libc::{O_DIRECTORY, O_NOFOLLOW};
use nix::sys::stat::{fstat, lstat};

/// Where `ip netns` looks for names.
const NAMES: &str = "/run/netns";

/// Opens a lab's directory in order to lock it, or to try.
pub fn open_directory(directory: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(O_DIRECTORY | O_NOFOLLOW).open(directory)
}

/// Tells whether no agent holds the lock of a lab's directory.
pub fn is_dead(directory: &Path) -> bool {
    open_directory(directory).is_ok_and(|file| file.try_lock().is_ok())
}

/// Tells whether a path still leads to the directory that is open.
pub fn is_same(directory: &Path, open: impl AsFd) -> bool {
    let (Ok(there), Ok(held)) = (lstat(directory), fstat(open)) else { return false };
    (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)
}

/// Returns the name in `/run/netns` of a netns of a lab. On the machine's own host it is the bare name, as everything is there.
pub fn published_name(lab: &str, netns: &str, on_machine: bool) -> PathBuf {
    if on_machine { Path::new(NAMES).join(netns) } else { Path::new(NAMES).join(format!("{lab}.{netns}")) }
}

/// Lists the names in `/run/netns`, whoever's they are.
pub fn names() -> Vec<String> {
    let entries = fs::read_dir(NAMES).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Makes the directory for names, for all users whatever the umask, and notes that before.
pub fn make_names_directory(directory: &Path) -> io::Result<()> {
    if Path::new(NAMES).is_dir() {
        return Ok(());
    }
    journal::note(directory, &[Entry::NamesDirectory])?;
    match fs::create_dir(NAMES) {
        Ok(()) => {
            fault::point("directory for names made");
            fs::set_permissions(NAMES, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes the directory for names if this lab has made it and nobody has a name there. `ip netns` mounts over it, and then it
/// stays too.
pub fn remove_names_directory(directory: &Path) {
    let has_made_it =
        matches!(journal::read(directory), Ok(Some(journal)) if journal.entries.contains(&Entry::NamesDirectory));
    if has_made_it {
        let _ = fs::remove_dir(NAMES);
        fault::point("directory for names removed");
    }
}

/// Removes the names that the dead agent of the lab in this directory has left: symlinks into its own `/proc`, whatever they are
/// called. Where the journal was damaged and does not tell the agent, they are those that no agent has any more.
pub fn remove_names(directory: &Path) {
    let opening = match journal::read(directory) {
        Ok(Some(Journal { opening, .. })) => opening,
        // There is no name yet, or none any more: the socket is made after the journal is begun, and removed before all.
        Ok(None) if fs::symlink_metadata(directory.join("socket")).is_err() => return,
        // Somebody has taken the journal.
        Ok(None) => None,
        Err(_) => return,
    };
    for entry in fs::read_dir(NAMES).into_iter().flatten().flatten() {
        if fs::read_link(entry.path()).is_ok_and(|to| leads_to_nothing_of(&to, opening.as_ref())) {
            let _ = fs::remove_file(entry.path());
            fault::point("dead name removed");
        }
    }
    remove_names_directory(directory);
}

/// Tells whether a name leads to a descriptor, `/proc/PID/fd/N`, which its agent has no more: the PID may be somebody else's by now,
/// whose descriptor of that number is hardly a netns. Other programs have names of another form there, such as `/proc/PID/ns/net`, and
/// dead ones among them.
fn leads_to_nothing_of(target: &Path, opening: Option<&Opening>) -> bool {
    let Some(("proc", pid, "fd", number)) = target.to_str().and_then(|target| {
        let mut parts = target.strip_prefix('/')?.split('/');
        let path = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        parts.next().is_none().then_some(path)
    }) else {
        return false;
    };
    let agents = |pid: i32| opening.is_none_or(|opening| opening.agent == pid);
    let is_netns = || fs::read_link(target).is_ok_and(|to| to.to_string_lossy().starts_with("net:["));
    pid.parse().is_ok_and(agents) && number.parse::<u32>().is_ok() && !is_netns()
}

/// Removes a lab's directory. Its files are known, so this works without a descriptor to spare.
pub fn remove_directory(directory: &Path) -> io::Result<()> {
    for file in ["socket", "log", "journal"] {
        let _ = fs::remove_file(directory.join(file));
        fault::point("file removed");
    }
    match fs::remove_dir(directory) {
        // Somebody has put something else there.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => fs::remove_dir_all(directory),
        outcome => outcome,
    }
}
