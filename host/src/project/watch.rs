//! Waiting until somebody saves something.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::sources::is_source;

/// An editor writes a file in several steps, and a formatter after it.
const QUIET: Duration = Duration::from_millis(50);
/// Something else may write all the time.
const PATIENCE: Duration = Duration::from_millis(500);

/// When a file was written last, and how long it is.
type Stamp = (SystemTime, u64);

/// The sources of projects, and files.
pub struct Watch {
    watcher: RecommendedWatcher,
    /// Word that something has changed, whatever it is.
    changes: Receiver<()>,
    /// What is watched.
    of: Vec<PathBuf>,
    /// What was there when it was looked at last.
    seen: BTreeMap<PathBuf, Stamp>,
}

impl Watch {
    /// Begins to watch folders, or files.
    pub fn begin(of: &[&Path]) -> io::Result<Self> {
        let (told, changes) = channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // One that reads is none.
            if event.is_ok_and(|event| !event.kind.is_access()) {
                let _ = told.send(());
            }
        });
        let watcher = watcher.map_err(io::Error::other)?;
        let mut watch =
            Self { watcher, changes, of: of.iter().map(|path| path.to_path_buf()).collect(), seen: BTreeMap::new() };
        watch.seen = watch.look()?;
        Ok(watch)
    }

    /// Waits until something has changed, and returns what, by its path.
    pub fn change(&mut self) -> io::Result<Vec<PathBuf>> {
        loop {
            let gone = || io::Error::other("nobody watches any more");
            self.changes.recv().map_err(|_| gone())?;
            let begun = Instant::now();
            while begun.elapsed() < PATIENCE {
                match self.changes.recv_timeout(QUIET) {
                    Ok(()) => {}
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return Err(gone()),
                }
            }
            let now = self.look()?;
            let before = std::mem::replace(&mut self.seen, now);
            let is_same = |path: &&PathBuf| before.get(*path) == self.seen.get(*path);
            let all = before.keys().chain(self.seen.keys().filter(|path| !before.contains_key(*path)));
            let changed: Vec<PathBuf> = all.filter(|path| !is_same(path)).cloned().collect();
            if !changed.is_empty() {
                return Ok(changed);
            }
        }
    }

    /// Looks what is there, and watches the folders that are new.
    fn look(&mut self) -> io::Result<BTreeMap<PathBuf, Stamp>> {
        let mut found = BTreeMap::new();
        for of in self.of.clone() {
            if of.is_dir() {
                self.look_into(&of, &mut found)?;
            } else {
                // By its folder, as an editor may put another file in its place.
                let folder = of.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
                self.add(folder)?;
                self.add_target(&of)?;
                found.extend(stamp(&of).map(|stamp| (of, stamp)));
            }
        }
        Ok(found)
    }

    /// The same for a folder.
    fn look_into(&mut self, of: &Path, found: &mut BTreeMap<PathBuf, Stamp>) -> io::Result<()> {
        let mut folders = vec![of.to_owned()];
        while let Some(folder) = folders.pop() {
            match self.add(&folder) {
                // Somebody else's, among those of the project.
                Err(_) if folder != of => continue,
                added => added?,
            }
            // It may be gone again.
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if !is_source(&path) {
                    continue;
                }
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(path),
                    Ok(kind) if kind.is_symlink() => {
                        self.add_target(&path)?;
                        found.extend(stamp(&path).map(|stamp| (path, stamp)));
                    }
                    _ => found.extend(stamp(&path).map(|stamp| (path, stamp))),
                }
            }
        }
        Ok(())
    }

    /// Watches the folder of what a link leads to.
    fn add_target(&mut self, link: &Path) -> io::Result<()> {
        let target = link.canonicalize().ok();
        target.as_deref().and_then(Path::parent).map_or(Ok(()), |folder| self.add(folder))
    }

    /// Watches a folder, again if it is: another may have its name now.
    fn add(&mut self, folder: &Path) -> io::Result<()> {
        match self.watcher.watch(folder, RecursiveMode::NonRecursive) {
            Err(error) if folder.is_dir() => Err(io::Error::other(error)),
            _ => Ok(()),
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = path.metadata().ok()?;
    Some((found.modified().ok()?, found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_told_and_what_is_built_is_not() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::create_dir_all(at("src")).unwrap();
        fs::create_dir_all(at("target")).unwrap();
        fs::write(at("src/a"), "1").unwrap();
        let mut watch = Watch::begin(&[place.path()]).unwrap();
        fs::write(at("target/a"), "1").unwrap();
        fs::write(at("lab.wasm"), "1").unwrap();
        fs::write(at("src/a"), "22").unwrap();
        assert_eq!(watch.change().unwrap(), [at("src/a")]);
        // An editor puts a new file in the place of the old one, and a folder may be new too.
        fs::write(at("src/.a.new"), "333").unwrap();
        fs::rename(at("src/.a.new"), at("src/a")).unwrap();
        fs::create_dir(at("more")).unwrap();
        fs::write(at("more/b"), "1").unwrap();
        let mut changed = watch.change().unwrap();
        while changed.len() < 2 {
            changed.extend(watch.change().unwrap());
        }
        changed.sort();
        assert_eq!(changed, [at("more/b"), at("src/a")]);
        fs::remove_file(at("more/b")).unwrap();
        assert_eq!(watch.change().unwrap(), [at("more/b")]);
        std::os::unix::fs::symlink("../src/a", at("more/link")).unwrap();
        let mut file = Watch::begin(&[&at("src/a")]).unwrap();
        let mut link = Watch::begin(&[&at("more/link")]).unwrap();
        let mut both = Watch::begin(&[&at("more"), &at("src/a")]).unwrap();
        fs::write(at("src/b"), "1").unwrap();
        fs::write(at("src/a"), "4444").unwrap();
        assert_eq!(file.change().unwrap(), [at("src/a")]);
        assert_eq!(link.change().unwrap(), [at("more/link")]);
        assert_eq!(both.change().unwrap(), [at("more/link"), at("src/a")]);
    }
}
