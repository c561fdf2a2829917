//! What an agent has in the file system, known alike to itself and to who sweeps after it.
//!
//! A lab's directory is locked (flock(2)) by its agent for as long as that lives, whatever ends it. So the lock tells whether
//! the lab lives, and the directory's identity whose it is.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

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

/// Returns the name in `/run/netns` of a netns of a lab.
pub fn published_name(lab: &str, netns: &str) -> PathBuf {
    Path::new(NAMES).join(format!("{lab}.{netns}"))
}

/// Returns the file in which an agent notes its PID before it makes any name.
pub fn journal(directory: &Path) -> PathBuf {
    directory.join("journal")
}

/// Makes the directory for names, for all users whatever the umask.
pub fn make_names_directory() -> io::Result<()> {
    match fs::create_dir(NAMES) {
        Ok(()) => fs::set_permissions(NAMES, std::os::unix::fs::PermissionsExt::from_mode(0o755)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes the directory for names if nobody has a name there. `ip netns` mounts over it, and then it stays too.
pub fn remove_names_directory() {
    let _ = fs::remove_dir(NAMES);
}

/// Removes the names that a dead agent of this lab has left: symlinks into its own `/proc`, as its journal tells.
pub fn remove_names(directory: &Path, lab: &str) {
    let Some(pid) = fs::read_to_string(journal(directory)).ok().and_then(|text| text.parse::<u32>().ok()) else {
        return;
    };
    let (prefix, target) = (format!("{lab}."), format!("/proc/{pid}/fd/"));
    for entry in fs::read_dir(NAMES).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(&prefix)
            && fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with(&target));
        if is_ours {
            let _ = fs::remove_file(entry.path());
        }
    }
    remove_names_directory();
}

/// Removes a lab's directory. Its files are known, so this works without a descriptor to spare.
pub fn remove_directory(directory: &Path) -> io::Result<()> {
    for file in ["socket", "log", "journal"] {
        let _ = fs::remove_file(directory.join(file));
    }
    match fs::remove_dir(directory) {
        // Somebody has put something else there.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => fs::remove_dir_all(directory),
        outcome => outcome,
    }
}
