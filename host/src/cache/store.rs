//! The entries of a directory: finding, keeping, listing, removing.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use memmap2::MmapOptions;
use nix::sys::stat::futimens;
use nix::sys::time::TimeSpec;

use super::entry::{Key, seal, unseal};
use super::seen::SEEN;
use crate::own::{Base, Directory, Unfit};

/// Entries take no more than this together: those that were not used for longest go.
const CAPACITY: u64 = 512 << 20;
/// A file that is no entry was left by a process that was killed while it wrote, if it is older than this.
const STALE: Duration = Duration::from_secs(60 * 60);

/// Nanoseconds of the time at which an entry was found whole: whatever changes it leaves others.
const WHOLE: i64 = 704_968_301;
/// For so many seconds it is taken to be whole then.
const BELIEVED: i64 = 60 * 60;
/// Which module a file holds is noted anew after so long.
const FORGOTTEN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Where a user's caches are.
const CACHES: Base = Base { root: "/var/cache", variable: "XDG_CACHE_HOME", home: ".cache" };

/// Returns where this user's compiled modules are, whether or not the directory is there.
pub fn place() -> Result<PathBuf, Unfit> {
    CACHES.place("orchestrator")
}

/// Code that was found whole.
#[derive(Debug)]
pub struct Kept(File);

impl Kept {
    /// Returns a path by which this process can open it.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }

    /// Reads it, for where it can't be mapped to be executed.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut entry = Vec::new();
        (&self.0).read_to_end(&mut entry)?;
        let code = unseal(&entry).ok_or(io::ErrorKind::InvalidData)?.len();
        entry.truncate(code);
        Ok(entry)
    }
}

/// A directory of compiled modules that is this user's alone.
#[derive(Debug)]
pub struct Cache {
    pub(super) directory: Directory,
}

/// An entry as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which module, compiled by which engine.
    pub key: Key,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last taken or kept.
    pub used: SystemTime,
}

impl Cache {
    /// Opens this user's cache, and makes its directory if need be.
    pub fn open() -> Result<Self, Unfit> {
        Ok(Self { directory: Directory::open_or_make(place()?)? })
    }

    /// Opens this user's cache if it is there.
    pub fn find() -> Result<Option<Self>, Unfit> {
        Ok(Directory::find(place()?)?.map(|directory| Self { directory }))
    }

    /// Finds the code that is kept under a key. Whatever is wrong with it, it is not there.
    pub fn take(&self, key: &Key) -> Option<Kept> {
        let (file, found) = self.directory.file(&key.to_string())?;
        if found.len() > CAPACITY {
            return None;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs().cast_signed();
        let mut found_whole = TimeSpec::UTIME_OMIT;
        if found.mtime_nsec() != WHOLE || !(now - BELIEVED..=now).contains(&found.mtime()) {
            // SAFETY: an entry is not changed once it has its name, and nobody but this user could.
            let entry = unsafe { MmapOptions::new().populate().map(&file) }.ok()?;
            unseal(&entry)?;
            found_whole = TimeSpec::new(now, WHOLE);
        }
        // When it was last used; one that can't be marked may go sooner.
        let _ = futimens(&file, &TimeSpec::UTIME_NOW, &found_whole);
        Some(Kept(file))
    }

    /// Keeps code under a key. Two that keep the same at once both succeed, and one of the two stays.
    pub fn keep(&self, key: &Key, code: &[u8]) -> io::Result<()> {
        if code.len() as u64 >= CAPACITY {
            return Ok(());
        }
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(self.directory.by_descriptor())?;
        file.write_all(code)?;
        file.write_all(&seal(code))?;
        // A file that is named before its bytes are on the disk may be empty after a power failure.
        file.as_file().sync_data()?;
        match file.persist(self.directory.by_descriptor().join(key.to_string())) {
            // Somebody has emptied the cache meanwhile.
            Err(error) if error.error.kind() == io::ErrorKind::NotFound => return Ok(()),
            kept => kept.map_err(|error| error.error)?,
        };
        self.make_room();
        Ok(())
    }

    /// Lists the entries, the one used last first.
    pub fn list(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for found in fs::read_dir(self.directory.by_descriptor())? {
            let found = found?;
            let Some(key) = found.file_name().to_str().and_then(Key::parse) else { continue };
            // One that has gone meanwhile is none.
            let Ok(metadata) = found.metadata() else { continue };
            if metadata.is_file() {
                let used = metadata.atime().max(metadata.mtime());
                let used = SystemTime::UNIX_EPOCH + Duration::from_secs(used.unsigned_abs());
                entries.push(Entry { key, bytes: metadata.len(), used });
            }
        }
        entries.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.key.cmp(&b.key)));
        Ok(entries)
    }

    /// Removes all that is kept. Returns what went.
    pub fn empty(&self) -> io::Result<Vec<Entry>> {
        let entries = self.list()?;
        // By name, as what is in the place of an entry goes too.
        for found in fs::read_dir(self.directory.by_descriptor())? {
            let name = found?.file_name();
            if let Some(name) = name.to_str().filter(|name| Key::parse(name).is_some() || name.starts_with(SEEN)) {
                self.remove(name)?;
            }
        }
        self.remove_stale(Duration::ZERO);
        Ok(entries)
    }

    /// Returns the path by which the directory was opened.
    pub fn path(&self) -> &std::path::Path {
        self.directory.path()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.directory.by_descriptor().join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => fs::remove_dir(path),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what was not used for longest, past the capacity. What can't be removed stays.
    fn make_room(&self) {
        self.remove_stale(STALE);
        let mut sum = 0;
        for entry in self.list().unwrap_or_default() {
            sum += entry.bytes;
            if sum > CAPACITY {
                let _ = self.remove(&entry.key.to_string());
            }
        }
    }

    fn remove_stale(&self, age: Duration) {
        for found in fs::read_dir(self.directory.by_descriptor()).into_iter().flatten().flatten() {
            let name = found.file_name();
            let begins = |with| name.to_str().is_some_and(|name| name.starts_with(with));
            let written = found.metadata().and_then(|metadata| metadata.modified());
            let age_of = |written: SystemTime| written.elapsed().unwrap_or_default();
            let is_older = |than| written.as_ref().is_ok_and(|written| age_of(*written) >= than);
            if begins(".new-") && is_older(age) || begins(SEEN) && is_older(FORGOTTEN) {
                let _ = fs::remove_file(found.path());
            }
        }
    }
}
