//! What a scenario is given beyond the network: nothing, unless the user says so.

use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use rand::SeedableRng;
use rand::rngs::StdRng;
use thiserror::Error;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// What the user grants.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Random numbers that are random, instead of the same for the same module and arguments.
    pub random: bool,
    /// Directories that may be read, each under the path by which it was given.
    pub directories: Vec<String>,
}

/// The bit of a mode by which all others may enter a directory.
const OTHERS_ENTER: u32 = 0o001;

/// A grant that can't be given.
#[derive(Debug, Error)]
pub enum GrantError {
    /// It can't be opened.
    #[error("could not open directory `{}`", directory.display())]
    Open {
        /// The directory.
        directory: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It can be opened, but not by the process that will run the scenario.
    #[error("could not grant directory `{}`, as only some users may enter it", directory.display())]
    Closed {
        /// The directory.
        directory: PathBuf,
    },
}

/// What was granted, opened.
pub struct Granted {
    pub(super) random: bool,
    pub(super) directories: usize,
    pub(super) wasi: WasiCtxBuilder,
}

impl Grants {
    /// Opens what is granted. To be called before this process gives up what it has, and with it the right to. `as_stranger` says
    /// that the process will be somebody else's when the scenario runs.
    pub fn open(&self, as_stranger: bool) -> Result<Granted, GrantError> {
        let mut wasi = WasiCtxBuilder::new();
        for directory in &self.directories {
            let failed = |source| GrantError::Open { directory: directory.into(), source };
            wasi.preopened_dir(directory, guest_path(directory), FsPerms::ReadOnly).map_err(|error| {
                failed(error.downcast().unwrap_or_else(|error| io::Error::other(error.to_string())))
            })?;
            // So far it is a place, which can be had without the right to enter it.
            let inside = fs::metadata(Path::new(directory).join(".")).map_err(failed)?;
            if as_stranger && inside.mode() & OTHERS_ENTER == 0 {
                return Err(GrantError::Closed { directory: directory.into() });
            }
        }
        Ok(Granted { random: self.random, directories: self.directories.len(), wasi })
    }
}

/// Returns the path by which a scenario finds a directory: as it was given, without what means nothing. Libraries compare paths by
/// their text, and would find nothing in `./data/`.
fn guest_path(given: &str) -> String {
    let parts = Path::new(given).components().filter(|part| *part != Component::CurDir);
    match parts.collect::<PathBuf>() {
        here if here.as_os_str().is_empty() => ".".into(),
        path => path.to_string_lossy().into_owned(),
    }
}

impl Granted {
    /// What is granted to a scenario that only says what it is.
    pub(super) fn nothing() -> Self {
        Self { random: false, directories: 0, wasi: WasiCtxBuilder::new() }
    }

    /// Makes random numbers the same for the same seed, unless they may be random.
    pub(super) fn seed(&mut self, seed: [u8; 32]) {
        if self.random {
            return;
        }
        self.wasi.secure_random(StdRng::from_seed(seed)).insecure_random(StdRng::from_seed(seed));
        self.wasi.insecure_random_seed(u128::from_le_bytes(seed[..16].try_into().expect("16 of 32 bytes")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_has_the_path_by_which_it_was_given_without_what_means_nothing() {
        for (given, path) in [
            ("data", "data"),
            ("./data/", "data"),
            (".//a/./b", "a/b"),
            ("../data", "../data"),
            ("a/../b", "a/../b"),
            ("/", "/"),
            ("/a//b/.", "/a/b"),
            (".", "."),
            ("././", "."),
        ] {
            assert_eq!(guest_path(given), path, "{given}");
        }
    }
}
