//! This user's own modules: an OCI image layout (image-spec, image-layout.md), which other tools can read. Every file is named by what is
//! in it, and is looked at each time.
//!
//! A file is written whole or not at all, and the index last; who changes the index holds the lock.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use oci_client::manifest::{ImageIndexEntry, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciImageIndex};
use tempfile::NamedTempFile;
use thiserror::Error;

use super::{Artifact, Reference};
use crate::module::{Digest, parse_hex};
use crate::own::{Base, Directory, Unfit};

/// Where what programs keep for a user is.
const DATA: Base = Base { root: "/var/lib", variable: "XDG_DATA_HOME", home: ".local/share" };
const INDEX: &str = "index.json";
const LAYOUT: (&str, &str) = ("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
const BLOBS: &str = "blobs/sha256";
const LOCK: &str = "lock";
/// The annotation with the name of a module (image-spec, annotations.md).
const NAME: &str = "org.opencontainers.image.ref.name";
/// What a file is called until it is whole.
const DRAFT: &str = ".new-";
/// A draft older than this was left by a process that was killed.
const STALE: Duration = Duration::from_secs(60 * 60);
/// An index or a manifest is no larger.
const LONGEST: u64 = 4 << 20;

/// Why the store can't be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Its directory can't.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A file of it can't be read or written.
    #[error("could not {act} `{}`", .path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// Of which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is there is not what was kept.
    #[error("`{}` is damaged: {why}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// A module in the store.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What it is called.
    pub name: String,
    /// The digest of its manifest, by which it can be called too.
    pub digest: Digest,
    /// What its manifest says.
    pub artifact: Artifact,
    /// When it was pulled.
    pub pulled: SystemTime,
}

/// What a module is called that can't be read, and what is wrong with it.
pub type Lost = (String, StoreError);

/// The store of this user.
#[derive(Debug)]
pub struct Store {
    directory: Directory,
}

/// A file that is not whole yet.
#[derive(Debug)]
pub struct Draft(NamedTempFile);

impl Draft {
    fn begin(directory: &Path) -> io::Result<Self> {
        tempfile::Builder::new().prefix(DRAFT).tempfile_in(directory).map(Self)
    }

    /// Gives it its name. A file that is named before its bytes are on the disk may be empty after a power failure.
    fn persist(self, path: &Path) -> io::Result<()> {
        self.0.as_file().sync_data()?;
        self.0.persist(path).map(drop).map_err(|error| error.error)
    }

    /// Returns what was written.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        fs::read(self.0.path())
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Returns where this user's modules are, whether or not the directory is there.
pub fn place() -> Result<PathBuf, Unfit> {
    DATA.place("orchestrator")
}

impl Store {
    /// Opens it, and makes it if need be.
    pub fn open() -> Result<Self, StoreError> {
        let store = Self { directory: Directory::open_or_make(place()?)? };
        let blobs = store.path(BLOBS);
        DirBuilder::new().recursive(true).mode(0o700).create(&blobs).map_err(store.about("make", BLOBS))?;
        if !store.path(LAYOUT.0).exists() {
            store.write(LAYOUT.0, LAYOUT.1.as_bytes())?;
        }
        Ok(store)
    }

    /// Opens it if it is there.
    pub fn find() -> Result<Option<Self>, StoreError> {
        Ok(Directory::find(place()?)?.map(|directory| Self { directory }))
    }

    /// Finds a module, by its tag or by its digest.
    pub fn get(&self, reference: &Reference) -> Result<Option<Stored>, StoreError> {
        let _lock = self.lock_to_read();
        self.find_stored(reference)
    }

    /// Finds a module likewise and opens its file. What is in it is for its reader to compare with the digest.
    pub fn open_module(&self, reference: &Reference) -> Result<Option<(Stored, File)>, StoreError> {
        let _lock = self.lock_to_read();
        let Some(stored) = self.find_stored(reference)? else { return Ok(None) };
        let name = blob(stored.artifact.layer);
        let (file, _) = self.directory.file(&name).ok_or_else(|| self.damaged(&name, NOT_OWN))?;
        Ok(Some((stored, file)))
    }

    fn find_stored(&self, reference: &Reference) -> Result<Option<Stored>, StoreError> {
        let name = reference.to_string();
        let found = self.index()?.manifests.into_iter().find(|entry| match reference.digest() {
            // Whether another repository has it too, nobody here knows.
            Some(digest) => entry.digest == digest.to_string() && is_of(entry, reference),
            None => name_of(entry) == Some(&name),
        });
        found.map(|entry| self.stored(&entry)).transpose()
    }

    /// Lists the modules, by their names, and what is wrong with those that can't be read.
    pub fn list(&self) -> Result<(Vec<Stored>, Vec<Lost>), StoreError> {
        let _lock = self.lock_to_read();
        let (mut modules, mut damaged) = (Vec::new(), Vec::new());
        for entry in &self.index()?.manifests {
            match self.stored(entry) {
                Ok(stored) => modules.push(stored),
                Err(error) => damaged.push((name_of(entry).unwrap_or(&entry.digest).clone(), error)),
            }
        }
        modules.sort_by(|one, other| one.name.cmp(&other.name));
        Ok((modules, damaged))
    }

    /// Returns a module that is there, and whole.
    pub fn whole(&self, artifact: &Artifact) -> Option<Vec<u8>> {
        let (file, _) = self.directory.file(&blob(artifact.layer))?;
        let mut bytes = Vec::new();
        file.take(artifact.bytes.saturating_add(1)).read_to_end(&mut bytes).ok()?;
        (Digest::of(&bytes) == artifact.layer).then_some(bytes)
    }

    /// Begins a file.
    pub fn draft(&self) -> Result<Draft, StoreError> {
        Draft::begin(&self.path(BLOBS)).map_err(self.about("write to", BLOBS))
    }

    /// Keeps a module under a name. `draft` is its file, without which it has been there before. A module that had the name is called by
    /// its digest from then on.
    pub fn keep(
        &self,
        reference: &Reference,
        manifest: &[u8],
        config: &[u8],
        draft: Option<Draft>,
        layer: (Digest, &[u8]),
    ) -> Result<(), StoreError> {
        let lock = self.lock()?;
        let kept = self.keep_locked(&lock, reference, [manifest, config], draft, layer);
        if kept.is_err()
            && let Ok(index) = self.index()
        {
            // What nothing leads to is in the way, on a disk that is full.
            let _ = self.remove_unnamed(&index);
        }
        kept
    }

    fn keep_locked(
        &self,
        lock: &File,
        reference: &Reference,
        [manifest, config]: [&[u8]; 2],
        draft: Option<Draft>,
        (layer, bytes): (Digest, &[u8]),
    ) -> Result<(), StoreError> {
        let name = blob(layer);
        match draft {
            Some(draft) => {
                draft.persist(&self.path(&name)).map_err(self.about("write", &name))?;
            }
            // Somebody may have removed it since.
            None if self.directory.file(&name).is_none() => self.write(&name, bytes)?,
            None => {}
        }
        let (name, digest) = (reference.to_string(), Digest::of(manifest));
        self.write(&blob(Digest::of(config)), config)?;
        self.write(&blob(digest), manifest)?;
        self.change(lock, |index| {
            for entry in index.manifests.iter_mut().filter(|entry| name_of(entry) == Some(&name)) {
                let at = entry.digest.parse().map(|digest| reference.at(digest).to_string());
                set_name(entry, at.unwrap_or_default());
            }
            // By its digest it is called once, and not at all where it has a tag.
            let is_it = |entry: &ImageIndexEntry| entry.digest == digest.to_string() && is_of(entry, reference);
            index.manifests.retain(|entry| !(is_it(entry) && is_by_digest(entry)));
            let is_named = index.manifests.iter().any(is_it);
            if is_named && reference.digest().is_some() {
                return;
            }
            let mut entry = ImageIndexEntry {
                media_type: OCI_IMAGE_MEDIA_TYPE.into(),
                digest: digest.to_string(),
                size: manifest.len().try_into().unwrap_or(i64::MAX),
                platform: None,
                artifact_type: None,
                annotations: None,
            };
            set_name(&mut entry, name);
            index.manifests.push(entry);
        })
    }

    /// Takes a name away, and with it what has no other. Returns whether it was there.
    pub fn remove(&self, reference: &Reference) -> Result<bool, StoreError> {
        let name = reference.to_string();
        self.change(&self.lock()?, |index| {
            let before = index.manifests.len();
            index.manifests.retain(|entry| name_of(entry) != Some(&name));
            index.manifests.len() != before
        })
    }

    /// Removes the modules that are called by their digest alone. Returns how many.
    pub fn prune(&self) -> Result<usize, StoreError> {
        self.change(&self.lock()?, |index| {
            let before = index.manifests.len();
            index.manifests.retain(|entry| !is_by_digest(entry));
            before - index.manifests.len()
        })
    }

    /// Keeps who removes away for a moment. Where that can't be, what is removed meanwhile is missing, and nothing is harmed.
    fn lock_to_read(&self) -> Option<File> {
        let lock = self.open_lock().ok()?;
        lock.lock_shared().ok()?;
        Some(lock)
    }

    fn lock(&self) -> Result<File, StoreError> {
        let lock = self.open_lock().map_err(self.about("open", LOCK))?;
        lock.lock().map_err(self.about("lock", LOCK))?;
        Ok(lock)
    }

    fn open_lock(&self) -> io::Result<File> {
        File::options().create(true).append(true).open(self.path(LOCK))
    }

    /// Changes the index, for who holds the lock, and removes what nothing in it leads to any more.
    fn change<T>(&self, _lock: &File, change: impl FnOnce(&mut OciImageIndex) -> T) -> Result<T, StoreError> {
        let was_there = self.is_there(INDEX);
        let mut index = self.index()?;
        let done = change(&mut index);
        let text = serde_json::to_vec(&index).map_err(|error| self.about("write", INDEX)(error.into()))?;
        self.write(INDEX, &text)?;
        // Without an index nobody knows what is whose.
        if was_there {
            self.remove_unnamed(&index)?;
        }
        Ok(done)
    }

    fn remove_unnamed(&self, index: &OciImageIndex) -> Result<(), StoreError> {
        let mut named = BTreeSet::new();
        for entry in &index.manifests {
            // What can't be read now may be again.
            let Ok(Stored { digest, artifact, .. }) = self.stored(entry) else { return Ok(()) };
            named.extend([digest, artifact.layer, artifact.config]);
        }
        let blobs = fs::read_dir(self.path(BLOBS)).map_err(self.about("read", BLOBS))?;
        for found in blobs.chain(fs::read_dir(self.path(".")).into_iter().flatten()).flatten() {
            let name = found.file_name().to_string_lossy().into_owned();
            let written = found.metadata().and_then(|metadata| metadata.modified());
            let is_stale = || written.is_ok_and(|written| written.elapsed().unwrap_or_default() > STALE);
            let is_unnamed = || parse_hex(&name).is_some_and(|digest| !named.contains(&Digest(digest)));
            let is_left = if name.starts_with(DRAFT) { is_stale() } else { is_unnamed() };
            if is_left {
                let _ = fs::remove_file(found.path());
            }
        }
        Ok(())
    }

    fn index(&self) -> Result<OciImageIndex, StoreError> {
        if !self.is_there(INDEX) {
            return Ok(OciImageIndex {
                schema_version: 2,
                media_type: Some(OCI_IMAGE_INDEX_MEDIA_TYPE.into()),
                manifests: Vec::new(),
                artifact_type: None,
                annotations: None,
            });
        }
        serde_json::from_slice(&self.read(INDEX)?.0).map_err(|error| self.damaged(INDEX, &error.to_string()))
    }

    fn stored(&self, entry: &ImageIndexEntry) -> Result<Stored, StoreError> {
        let digest: Digest = entry.digest.parse().map_err(|_| self.damaged(INDEX, "it names no digest"))?;
        let name = blob(digest);
        let (manifest, pulled) = self.read(&name)?;
        if Digest::of(&manifest) != digest {
            return Err(self.damaged(&name, "it is not what its name says"));
        }
        let artifact = Artifact::read(&manifest).map_err(|error| self.damaged(&name, &error.to_string()))?;
        Ok(Stored { name: name_of(entry).cloned().unwrap_or_default(), digest, artifact, pulled })
    }

    fn is_there(&self, name: &str) -> bool {
        !matches!(self.path(name).symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound)
    }

    fn read(&self, name: &str) -> Result<(Vec<u8>, SystemTime), StoreError> {
        let (file, metadata) = self.directory.file(name).ok_or_else(|| self.damaged(name, NOT_OWN))?;
        let mut bytes = Vec::new();
        file.take(LONGEST).read_to_end(&mut bytes).map_err(self.about("read", name))?;
        Ok((bytes, metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path(name);
        let write = || {
            let mut draft = Draft::begin(path.parent().unwrap_or(Path::new(".")))?;
            draft.write_all(bytes)?;
            draft.persist(&path)
        };
        write().map_err(self.about("write", name))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.by_descriptor().join(name)
    }

    fn about(&self, act: &'static str, name: &str) -> impl FnOnce(io::Error) -> StoreError {
        let path = self.directory.path().join(name);
        move |source| StoreError::Io { act, path, source }
    }

    fn damaged(&self, name: &str, why: &str) -> StoreError {
        StoreError::Damaged { path: self.directory.path().join(name), why: why.into() }
    }
}

const NOT_OWN: &str = "it is not there, or it is not this user's alone";

fn blob(digest: Digest) -> String {
    format!("{BLOBS}/{}", digest.hex())
}

fn name_of(entry: &ImageIndexEntry) -> Option<&String> {
    entry.annotations.as_ref()?.get(NAME)
}

fn set_name(entry: &mut ImageIndexEntry, name: String) {
    entry.annotations.get_or_insert_default().insert(NAME.into(), name);
}

/// Tells whether a module was pulled from the repository of a reference.
fn is_of(entry: &ImageIndexEntry, reference: &Reference) -> bool {
    let named = |name: &String| name.parse().is_ok_and(|named: Reference| named.is_beside(reference));
    name_of(entry).is_none_or(named)
}

fn is_by_digest(entry: &ImageIndexEntry) -> bool {
    name_of(entry).is_none_or(|name| name.contains('@'))
}
