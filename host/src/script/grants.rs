//! What a scenario is given beyond the network: nothing, unless the user says so.

use std::io;
use std::path::PathBuf;

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

/// A grant that can't be given.
#[derive(Debug, Error)]
#[error("could not open directory `{}`", directory.display())]
pub struct GrantError {
    /// The directory.
    pub directory: PathBuf,
    source: io::Error,
}

/// What was granted, opened.
pub struct Granted {
    pub(super) random: bool,
    pub(super) directories: usize,
    pub(super) wasi: WasiCtxBuilder,
}

impl Grants {
    /// Opens what is granted. To be called before this process gives up what it has, and with it the right to.
    pub fn open(&self) -> Result<Granted, GrantError> {
        let mut wasi = WasiCtxBuilder::new();
        for directory in &self.directories {
            wasi.preopened_dir(directory, directory, FsPerms::ReadOnly).map_err(|error| GrantError {
                directory: directory.into(),
                source: error.downcast().unwrap_or_else(|error| io::Error::other(error.to_string())),
            })?;
        }
        Ok(Granted { random: self.random, directories: self.directories.len(), wasi })
    }
}

impl Granted {
    /// Makes random numbers the same for the same seed, unless they may be random.
    pub(super) fn seed(&mut self, seed: [u8; 32]) {
        if self.random {
            return;
        }
        self.wasi.secure_random(StdRng::from_seed(seed)).insecure_random(StdRng::from_seed(seed));
        self.wasi.insecure_random_seed(u128::from_le_bytes(seed[..16].try_into().expect("16 of 32 bytes")));
    }
}
