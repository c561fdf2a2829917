//! What a guest meets that wants files and was granted none.
//!
//! Programs of many languages ask for their directories before they begin, or before they first print, whether or not they want a
//! file. So that does not tell. A guest that was granted no directory is shown one all the same, `/`, in which everything is denied:
//! what it asks for there it wants, and the user is told the flag, once.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use wasmtime::component::{Linker, LinkerInstance, Resource};
use wasmtime_wasi::filesystem::{Descriptor, Dir, WasiFilesystemView};
use wasmtime_wasi::p2::FsError;
use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, ErrorCode, Host as _, HostDescriptor, OpenFlags, PathFlags,
};
use wasmtime_wasi::{FsPerms, OpenMode};

use super::drawing::Drawing;
use crate::topology::harmless;

/// The version of WASI that wasmtime links.
const PREOPENS: &str = "wasi:filesystem/preopens@0.2.12";
const TYPES: &str = "wasi:filesystem/types@0.2.12";

/// The most of a path that is shown.
const LONGEST_PATH: usize = 200;

/// The files of one run.
#[derive(Default)]
pub(super) struct Files {
    /// Directories were granted, and are all that there is.
    granted: bool,
    /// The directory in which everything is denied.
    denied: Option<Dir>,
    /// The user was told.
    told: bool,
}

impl Files {
    pub(super) fn new(granted: bool) -> Self {
        Self { granted, ..Self::default() }
    }

    /// Returns the directory in which everything is denied. What is behind it is no directory, and nothing can be found there.
    fn denied(&mut self) -> io::Result<Dir> {
        if let Some(dir) = &self.denied {
            return Ok(dir.clone());
        }
        let (pipe, _) = io::pipe()?;
        let dir = Dir::new(File::from(OwnedFd::from(pipe)), FsPerms::ReadOnly, OpenMode::READ, false);
        Ok(self.denied.insert(dir).clone())
    }

    /// Denies a path where nothing was granted. `reads` says that a grant would help.
    fn deny(&mut self, path: &str, reads: bool) -> Result<(), ErrorCode> {
        if self.granted {
            return Ok(());
        }
        if reads && !std::mem::replace(&mut self.told, true) {
            let path = harmless(&path.chars().take(LONGEST_PATH).collect::<String>());
            eprintln!(
                "note: the scenario wants `{path}` and was granted no files; `--allow dir=PATH` lets it read a directory"
            );
        }
        Err(ErrorCode::Access)
    }
}

/// Links anew by what a guest comes to files.
pub(super) fn watch_for_files(linker: &mut Linker<Drawing>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    watch_directories(&mut linker.instance(PREOPENS)?)?;
    watch_paths(&mut linker.instance(TYPES)?)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn watch_directories(preopens: &mut LinkerInstance<'_, Drawing>) -> wasmtime::Result<()> {
    preopens.func_wrap("get-directories", |mut store, (): ()| {
        let drawing: &mut Drawing = store.data_mut();
        if drawing.files.granted {
            return Ok((drawing.filesystem().get_directories()?,));
        }
        // Out of descriptors there is none.
        let Ok(dir) = drawing.files.denied() else { return Ok((Vec::new(),)) };
        Ok((vec![(drawing.table.push(Descriptor::Dir(dir))?, "/".to_owned())],))
    })
}

/// Opening is the beginning of all else; these are what is asked for by a path alone.
fn watch_paths(types: &mut LinkerInstance<'_, Drawing>) -> wasmtime::Result<()> {
    type Open = (Resource<Descriptor>, PathFlags, String, OpenFlags, DescriptorFlags);
    types.func_wrap_async("[method]descriptor.open-at", |mut store, (dir, follow, path, open, flags): Open| {
        Box::new(async move {
            let drawing: &mut Drawing = store.data_mut();
            let writes = open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE)
                || flags.intersects(DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY);
            if let Err(denied) = drawing.files.deny(&path, !writes) {
                return Ok((Err(denied),));
            }
            let opened = drawing.filesystem().open_at(dir, follow, path, open, flags).await;
            Ok((answer(drawing, opened)?,))
        })
    })?;
    type Look = (Resource<Descriptor>, PathFlags, String);
    types.func_wrap_async("[method]descriptor.stat-at", |mut store, (dir, follow, path): Look| {
        Box::new(async move {
            let drawing: &mut Drawing = store.data_mut();
            if let Err(denied) = drawing.files.deny(&path, true) {
                return Ok((Err(denied),));
            }
            let found = drawing.filesystem().stat_at(dir, follow, path).await;
            Ok((answer(drawing, found)?,))
        })
    })?;
    types.func_wrap_async("[method]descriptor.metadata-hash-at", |mut store, (dir, follow, path): Look| {
        Box::new(async move {
            let drawing: &mut Drawing = store.data_mut();
            if let Err(denied) = drawing.files.deny(&path, true) {
                return Ok((Err(denied),));
            }
            let found = drawing.filesystem().metadata_hash_at(dir, follow, path).await;
            Ok((answer(drawing, found)?,))
        })
    })
}

/// Tells an error of the guest's from a trap.
fn answer<T>(drawing: &mut Drawing, outcome: Result<T, FsError>) -> wasmtime::Result<Result<T, ErrorCode>> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(drawing.filesystem().convert_error_code(error)?)),
    }
}
