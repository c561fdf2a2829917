//! The flags that grant a scenario more than a network.

use std::fs::File;

use clap::Args;

use super::{Exit, Failure};
use crate::sandbox;
use crate::script::{GrantError, Granted, Grants};

/// What the scenario may use besides; without, it has no files, and the same random numbers for the same module and arguments.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Grants")]
pub(super) struct GrantFlags {
    /// Grant the scenario `random` (random numbers that differ from run to run), or `dir=PATH` (to read a directory, under that
    /// path; as root only what every user may read). Can be given several times
    #[arg(long = "allow", value_name = "GRANT", value_parser = parse)]
    allow: Vec<Allow>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Allow {
    Random,
    Directory(String),
}

pub(super) fn parse(text: &str) -> Result<Allow, String> {
    match text.split_once('=') {
        None if text == "random" => Ok(Allow::Random),
        Some(("dir", path)) if !path.is_empty() => Ok(Allow::Directory(path.to_owned())),
        Some(("dir", _)) => Err("the directory is missing: `dir=PATH`".into()),
        None if text == "dir" => Err("the directory is missing: `dir=PATH`".into()),
        _ => Err("a grant is `random` or `dir=PATH`".into()),
    }
}

impl GrantFlags {
    /// Opens what is granted, while this process may, and the directories among it once more, for the sandbox.
    pub(super) fn open(self) -> Result<(Granted, Vec<File>), Failure> {
        let mut grants = Grants::default();
        for allow in self.allow {
            match allow {
                Allow::Random => grants.random = true,
                Allow::Directory(path) => grants.directories.push(path),
            }
        }
        let granted = grants.open(sandbox::other_identity().is_ok())?;
        let directories = grants.directories.iter().map(|directory| {
            File::open(directory).map_err(|source| GrantError::Open { directory: directory.into(), source })
        });
        Ok((granted, directories.collect::<Result<_, _>>()?))
    }
}

impl From<GrantError> for Failure {
    fn from(error: GrantError) -> Self {
        let hint = match &error {
            GrantError::Open { .. } => None,
            GrantError::Closed { directory } => Some(format!(
                "as root a scenario runs as another user and reads only what every user may: `chmod o+rx {}`",
                directory.display()
            )),
        };
        Self { exit: Exit::Usage, error: error.into(), hint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_random_and_directories() {
        assert_eq!(parse("random"), Ok(Allow::Random));
        assert_eq!(parse("dir=./a=b"), Ok(Allow::Directory("./a=b".into())));
        for wrong in ["", "dir", "dir=", "Random", "exec=ping", "random=1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
