//! Which module a file holds, told without reading it: by where it is and when it was changed last, as git knows its files.

use std::fs::Metadata;
use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, F2FS_SUPER_MAGIC, FsType, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC,
    fstatfs,
};

use super::store::Cache;
use crate::module::{hex, parse_hex};

/// What a note of this kind is called, before the numbers of the file's device and inode.
pub(super) const SEEN: &str = ".seen-";
/// A file that was changed so shortly ago may be changed again without a sign of it: its times are as fine as the kernel's clock.
const SETTLED: Duration = Duration::from_secs(2);
/// Bytes of a note.
const LONGEST: u64 = 256;

impl Cache {
    /// Returns the SHA-256 of the module in an open file, if it is known and the file has not changed since.
    pub fn seen(&self, open: BorrowedFd<'_>, file: &Metadata) -> Option<[u8; 32]> {
        if !tells_of_changes(open) {
            return None;
        }
        let (note, _) = self.directory.file(&name(file))?;
        let mut text = String::new();
        note.take(LONGEST).read_to_string(&mut text).ok()?;
        parse_hex(text.strip_prefix(&stamp(file))?)
    }

    /// Notes the SHA-256 of the module in a file, with what was known of the file before it was read.
    pub fn has_seen(&self, file: &Metadata, digest: [u8; 32]) -> io::Result<()> {
        // On which file system it is, is looked at when it is asked for.
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(file.ctime().unsigned_abs());
        if !file.is_file() || !changed.elapsed().is_ok_and(|elapsed| elapsed > SETTLED) {
            return Ok(());
        }
        let mut note = tempfile::Builder::new().prefix(".new-").tempfile_in(self.directory.by_descriptor())?;
        note.write_all(format!("{}{}", stamp(file), hex(&digest)).as_bytes())?;
        note.persist(self.directory.by_descriptor().join(name(file))).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Tells whether a file is where nobody but the kernel sets the time of its last change. That of a file on another machine, on an image
/// that is only read, or of a program that plays a file system, is whatever is said there.
fn tells_of_changes(file: BorrowedFd<'_>) -> bool {
    const KNOWN: [FsType; 6] =
        [EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC];
    fstatfs(file).is_ok_and(|found| KNOWN.contains(&found.filesystem_type()))
}

fn name(file: &Metadata) -> String {
    format!("{SEEN}{:x}-{:x}", file.dev(), file.ino())
}

/// Returns what changes with the file: the time of its last change, too, which no call sets (ctime, inode(7)).
fn stamp(file: &Metadata) -> String {
    let (modified, changed) = ((file.mtime(), file.mtime_nsec()), (file.ctime(), file.ctime_nsec()));
    format!("{} {}.{:09} {}.{:09} ", file.len(), modified.0, modified.1, changed.0, changed.1)
}
