//! Removing what agents that were killed have left: their directories and names. All else went with them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::{Error, Root};

const NAMES: &str = "/run/netns";

/// Sweeps this user's labs. Every command begins with it.
pub fn sweep() -> Result<(), Error> {
    let root = Root::own()?;
    if !root.labs.is_dir() {
        return Ok(());
    }
    root.create()?;
    let _lock = root.lock()?;
    let entries = fs::read_dir(&root.labs).map_err(Error::io("read the labs' directory"))?;
    for entry in entries.flatten() {
        let directory = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_dead(&directory) {
            remove_names(&directory);
            fs::remove_dir_all(&directory).map_err(Error::io(format!("remove `{}`", directory.display())))?;
        }
    }
    Ok(())
}

/// Tells whether no agent holds the lab's lock. It is inherited by the agent alone, so it ends with it, however it ends.
pub(super) fn is_dead(directory: &Path) -> bool {
    match File::options().write(true).open(directory.join("lock")) {
        Ok(file) => file.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Removes the names that the agent of this lab made: symlinks below its own `/proc`, as its journal tells.
fn remove_names(directory: &Path) {
    let Some(pid) = fs::read_to_string(directory.join("journal")).ok().and_then(|text| text.parse::<u32>().ok()) else {
        return;
    };
    let target = format!("/proc/{pid}/fd/");
    for entry in fs::read_dir(NAMES).into_iter().flatten().flatten() {
        let is_ours = fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with(&target));
        if is_ours {
            let _ = fs::remove_file(entry.path());
        }
    }
    // Empty, it was made for a lab; with a mount point or with names it stays.
    let _ = fs::remove_dir(NAMES);
}
