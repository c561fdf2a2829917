//! Removing what agents that were killed have left: their directories and names, and of labs on the machine's own host what they
//! have there. All else went with them.

use std::fs;
use std::io;

use super::{Error, Root};
use crate::fault;
use crate::protocol::{Undo, Undone, traces};

/// A lab whose agent has ended, and of which something is left.
pub(super) struct Remains {
    pub(super) lab: String,
    pub(super) left: Vec<String>,
}

/// Sweeps this user's labs. Every command begins with it.
pub fn sweep(undo: Undo) -> Result<(), Error> {
    for Remains { lab, left } in Root::own().sweep(undo)? {
        for line in left {
            eprintln!("warning: lab `{lab}` has ended, but not all of it: {line}");
        }
    }
    Ok(())
}

impl Root {
    /// Sweeps the labs here. A directory that can't be removed is told of, and is in the way of its own name alone.
    pub(super) fn sweep(&self, undo: Undo) -> Result<Vec<Remains>, Error> {
        let mut remains = Vec::new();
        if !self.labs.is_dir() {
            return Ok(remains);
        }
        self.check_all()?;
        let _lock = self.lock()?;
        let entries = fs::read_dir(&self.labs).map_err(Error::io("read the labs' directory"))?;
        for entry in entries.flatten() {
            let directory = entry.path();
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) || !traces::is_dead(&directory) {
                continue;
            }
            fault::point("dead lab found");
            // Hidden directories are those of labs that were about to replace another, `.NAME.PID`.
            let name = entry.file_name().to_string_lossy().trim_start_matches('.').to_owned();
            let lab = name.split('.').next().unwrap_or_default();
            // Root does nothing to the machine because another user's journal says so. Labs of users are not on it.
            let undone = if self.is_own() { undo(&directory, lab) } else { Undone::default() };
            fault::point("dead lab undone");
            for note in undone.notes {
                eprintln!("warning: lab `{lab}` has ended: {note}");
            }
            if self.is_own() {
                traces::remove_names(&directory);
            }
            if !undone.left.is_empty() {
                remains.push(Remains { lab: lab.to_owned(), left: undone.left });
                continue;
            }
            match traces::remove_directory(&directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    eprintln!("warning: could not remove `{}`: {error}", directory.display());
                }
                _ => {}
            }
        }
        Ok(remains)
    }
}
