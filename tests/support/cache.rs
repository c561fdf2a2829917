//! The cache of compiled modules, which all machines of one account share: compiling takes longer than a test.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::Kind;
use super::tester::Tester;

/// Returns the directory that is `~/.cache`, or root's `/var/cache`, in every machine of `kind`, and makes it where it is missing.
///
/// It is in cargo's target folder, or in the temporary folder where another user than the one who compiled runs the
/// tests.
pub(crate) fn directory(tester: Tester, kind: Kind) -> PathBuf {
    let owner = match tester {
        Tester::Root => kind.uid(),
        Tester::Ordinary => geteuid().as_raw(),
    };
    let name = format!("orchestrator-test-cache-{owner}-{kind}");
    let places = [Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name), std::env::temp_dir().join(&name)];
    let mut failures = Vec::new();
    for place in places {
        match furnish(&place, tester, owner) {
            Ok(()) => return place,
            Err(error) => failures.push(format!("{}: {error}", place.display())),
        }
    }
    panic!("could not make a cache for compiled modules: {}", failures.join("; "));
}

/// Makes `place` a directory of `owner` alone.
fn furnish(place: &Path, tester: Tester, owner: u32) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(place) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // The temporary folder is everyone's: somebody else's directory or symlink of that name is not for us.
    let found = fs::symlink_metadata(place)?;
    if !found.is_dir() || ![owner, geteuid().as_raw()].contains(&found.uid()) {
        return Err(io::Error::other("is there already and belongs to someone else"));
    }
    match tester {
        Tester::Root => chown(place, Some(owner), Some(owner)),
        Tester::Ordinary => Ok(()),
    }
}
