//! Removing what agents that were killed have left: their directories and names. All else went with them.

use std::fs;
use std::io;

use super::{Error, Root};
use crate::protocol::traces;

/// Sweeps this user's labs. Every command begins with it.
pub fn sweep() -> Result<(), Error> {
    Root::own().sweep()
}

impl Root {
    /// Sweeps the labs here. A directory that can't be removed is told of, and is in the way of its own name alone.
    pub(super) fn sweep(&self) -> Result<(), Error> {
        if !self.labs.is_dir() {
            return Ok(());
        }
        self.check_all()?;
        let _lock = self.lock()?;
        let entries = fs::read_dir(&self.labs).map_err(Error::io("read the labs' directory"))?;
        for entry in entries.flatten() {
            let directory = entry.path();
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) || !traces::is_dead(&directory) {
                continue;
            }
            // Hidden directories are those of labs that were about to replace another, `.NAME.PID`.
            let name = entry.file_name().to_string_lossy().trim_start_matches('.').to_owned();
            traces::remove_names(&directory, name.split('.').next().unwrap_or_default());
            match traces::remove_directory(&directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    eprintln!("warning: could not remove `{}`: {error}", directory.display());
                }
                _ => {}
            }
        }
        Ok(())
    }
}
