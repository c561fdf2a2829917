//! What of a project somebody has written, and what its toolchain has.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Language, Project};
use crate::module::{Digest, is_stamped};

/// What toolchains write, besides all that begins with a point.
const WRITTEN: [&str; 8] =
    ["target", "node_modules", "__pycache__", "zig-out", "zig-cache", "Cargo.lock", "package-lock.json", "go.sum"];
const MODULE: &str = "wasm";
/// More bytes of sources are not compared.
const MOST: u64 = 64 << 20;

/// Tells whether a file or folder of a project is a source, by its name.
pub(super) fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_module = path.extension().is_some_and(|ending| ending == MODULE);
    !(name.starts_with(['.', '#']) || name.ends_with('~') || WRITTEN.contains(&&*name) || is_module)
}

impl Project {
    /// Tells whether its module was built of the sources that are there now. Of a toolchain that sees by itself what has changed that is
    /// not known.
    pub fn is_built(&self) -> bool {
        let is_same = || {
            let (sources, module) = (self.sources_digest()?, fs::File::open(self.module()).ok()?);
            is_stamped(module, sources).ok()
        };
        is_same().unwrap_or(false)
    }

    /// Returns the digest of all sources, with their paths, where the toolchain builds anew whatever has changed.
    pub(super) fn sources_digest(&self) -> Option<Digest> {
        match self.language {
            Language::Python | Language::JavaScript => digest(&self.directory),
            Language::Rust | Language::C | Language::Go | Language::Zig => None,
        }
    }
}

/// Returns the digest of the sources in a folder, unless they can't be read or are very large.
fn digest(folder: &Path) -> Option<Digest> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).ok()? {
            let path = entry.ok()?.path();
            match path.metadata() {
                _ if !is_source(&path) => {}
                // A link to a folder may lead back.
                Ok(meant) if meant.is_dir() && path.is_symlink() => return None,
                Ok(meant) if meant.is_dir() => folders.push(path),
                Ok(meant) if meant.is_file() => found.push(path),
                _ => return None,
            }
        }
    }
    found.sort();
    let mut all = Vec::new();
    for path in &found {
        add(&mut all, folder, path)?;
    }
    Some(Digest::of(&all))
}

/// Adds a file, so that nothing else reads the same.
fn add(all: &mut Vec<u8>, folder: &Path, path: &PathBuf) -> Option<()> {
    let name = path.strip_prefix(folder).ok()?.as_os_str().as_encoded_bytes();
    let left = MOST.checked_sub(all.len() as u64)?;
    let mut text = Vec::new();
    fs::File::open(path).ok()?.take(left + 1).read_to_end(&mut text).ok()?;
    if text.len() as u64 > left {
        return None;
    }
    for part in [name, &text] {
        all.extend((part.len() as u64).to_le_bytes());
        all.extend(part);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_that_of_what_somebody_has_written() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let digest = || digest(place.path());
        fs::create_dir_all(at("more")).unwrap();
        fs::write(at("a"), "1").unwrap();
        fs::write(at("more/b"), "2").unwrap();
        let first = digest().unwrap();
        fs::create_dir_all(at("node_modules/c")).unwrap();
        fs::write(at("node_modules/c/d"), "3").unwrap();
        fs::write(at("lab.wasm"), "4").unwrap();
        fs::write(at(".hidden"), "5").unwrap();
        assert_eq!(digest(), Some(first));
        fs::write(at("more/b"), "3").unwrap();
        let second = digest().unwrap();
        fs::rename(at("more/b"), at("more/c")).unwrap();
        let third = digest().unwrap();
        fs::remove_file(at("more/c")).unwrap();
        let fourth = digest().unwrap();
        let all = [first, second, third, fourth];
        assert!((0..4).all(|at| !all[..at].contains(&all[at])), "{all:?}");
        std::os::unix::fs::symlink(".", at("more/round")).unwrap();
        assert_eq!(digest(), None);
    }
}
