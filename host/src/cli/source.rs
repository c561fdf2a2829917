//! MODULE: a file, one in a registry, or the name of a built-in example.

use std::borrow::Cow;
use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::example::Example;
use super::registry::{reference_of, stored};
use super::{Exit, Failure};
use crate::lab::LabName;
use crate::module::Digest;
use crate::registry::Reference;
use crate::script::{LoadError, Module};

/// So much of a name is shown.
const LONGEST: usize = 200;
/// How alike a name has to be to be suggested.
const ALIKE: f64 = 0.75;

/// A module that was found and not read yet.
pub(super) enum Source {
    File {
        name: String,
        file: File,
    },
    Stored {
        reference: Reference,
        file: File,
        digest: Digest,
    },
    Example(&'static Example),
    /// One that was read already, a scenario with its libraries among them.
    Bytes {
        name: String,
        identity: String,
        bytes: Vec<u8>,
    },
}

impl Source {
    /// Finds MODULE. With the name of a host in front it is one in a registry, which is pulled up to the limit if it is not in the
    /// store; with a `/`, or an ending `.wasm` or `.wat`, it is a file; otherwise an example.
    pub(super) fn find(module: &str, limit: u64) -> Result<Self, Failure> {
        if let Some(reference) = reference_of(module) {
            let reference = reference?;
            let (stored, file) = stored(&reference, limit)?;
            return Ok(Self::Stored { file, digest: stored.artifact.layer, reference });
        }
        let path = Path::new(module);
        if is_file(module) {
            let file = open(path).map_err(|error| Failure {
                exit: Exit::Usage,
                hint: match error.kind() {
                    ErrorKind::IsADirectory => {
                        Some(format!("`orchestrator build {}` builds the module of a project", shown(module)))
                    }
                    ErrorKind::InvalidInput => Some("write the module to a file, and give that".into()),
                    _ => None,
                },
                error: anyhow::Error::new(error).context(format!("could not open `{}`", shown(module))),
            })?;
            let name = path.file_name().map_or_else(|| module.into(), |name| name.to_string_lossy().into_owned());
            return Ok(Self::File { name, file });
        }
        Example::find(module).map(Self::Example).ok_or_else(|| unknown(module))
    }

    /// Returns what makes a module the same one when it is given again: where its file is, or its name as an example.
    pub(super) fn identity(&self, module: &str) -> String {
        match self {
            Self::File { .. } => {
                let path = std::fs::canonicalize(module).unwrap_or_else(|_| module.into());
                format!("file {}", path.to_string_lossy())
            }
            Self::Stored { reference, .. } => format!("module {reference}"),
            Self::Example(example) => format!("example {}", example.name),
            // With other libraries it is the same scenario, as it is when it is built anew.
            Self::Bytes { identity, .. } => identity.clone(),
        }
    }

    /// Returns the open file, if it is one.
    pub(super) fn file(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::File { file, .. } | Self::Stored { file, .. } => Some(file.as_fd()),
            Self::Example(_) | Self::Bytes { .. } => None,
        }
    }

    /// Returns what it is called, to itself and in messages.
    pub(super) fn name(&self) -> Cow<'_, str> {
        match self {
            Self::File { name, .. } | Self::Bytes { name, .. } => name.into(),
            Self::Stored { reference, .. } => reference.file_name().to_string_lossy(),
            Self::Example(example) => example.name.into(),
        }
    }

    /// Returns what is known of its open file, if it is one.
    pub(super) fn metadata(&self) -> Option<Metadata> {
        match self {
            Self::File { file, .. } | Self::Stored { file, .. } => file.metadata().ok(),
            Self::Example(_) | Self::Bytes { .. } => None,
        }
    }

    /// Returns the SHA-256 that it must have, if it is named by one.
    pub(super) fn digest(&self) -> Option<[u8; 32]> {
        match self {
            Self::Stored { digest, .. } => Some(digest.0),
            Self::File { .. } | Self::Example(_) | Self::Bytes { .. } => None,
        }
    }

    /// Reads it, no further than the limit.
    pub(super) fn read(self, limit: u64) -> Result<Module, LoadError> {
        match self {
            Self::File { name, file } => Module::read(name, file, limit),
            Self::Stored { reference, file, digest } => {
                let module = Module::read(reference.file_name().to_string_lossy(), file, limit)?;
                if module.identity().digest == digest.0 { Ok(module) } else { Err(LoadError::Damaged) }
            }
            Self::Example(example) => Ok(Module::new(example.name, example.wasm.to_vec())),
            Self::Bytes { name, bytes, .. } => Ok(Module::new(name, bytes)),
        }
    }
}

/// Opens a file. A pipe would be waited for, for as long as nobody writes.
fn open(path: &Path) -> std::io::Result<File> {
    let kind = path.metadata()?.file_type();
    if kind.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if kind.is_fifo() || kind.is_socket() {
        return Err(std::io::Error::new(ErrorKind::InvalidInput, "it is a pipe and no file"));
    }
    File::open(path)
}

/// Tells whether MODULE is called as a file is.
pub(super) fn is_file(module: &str) -> bool {
    let ending = Path::new(module).extension().and_then(|ending| ending.to_str());
    module.contains('/') || matches!(ending, Some("wasm" | "wat"))
}

/// Returns the name of a module's lab: the one that was given, or one made from the module's.
pub(super) fn lab_name(given: Option<LabName>, source: &Source) -> Result<LabName, Failure> {
    given
        .or_else(|| LabName::from_module(Path::new(&*source.name())))
        .ok_or_else(|| Failure::usage("no lab name can be made from this module's name").hint("give one with `--name`"))
}

/// Makes what was given fit to be shown: a line of it.
fn shown(module: &str) -> String {
    match module.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", crate::topology::harmless(&module[..end])),
        None => crate::topology::harmless(module),
    }
}

/// Says that there is no example of that name.
pub(super) fn unknown(module: &str) -> Failure {
    let failure = Failure::usage(format!("there is no built-in example `{}`", shown(module)));
    if Path::new(module).is_file() {
        return failure.hint(format!("a file is given with a `/`: `./{}`", shown(module)));
    }
    if Path::new(module).is_dir() {
        return failure.hint(format!("a project is given with a `/`: `./{}`", shown(module)));
    }
    let likeness = |example: &Example| strsim::jaro_winkler(module, example.name);
    let nearest = Example::all().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest {
        Some(example) if likeness(example) >= ALIKE => failure.hint(format!("did you mean `{}`?", example.name)),
        _ => {
            failure.hint("`orchestrator examples` lists them; a file is given with a `/`, or ends in `.wasm` or `.wat`")
        }
    }
}
