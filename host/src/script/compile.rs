//! From a module's bytes to code that can be kept: what the compiler's process does, which runs no guest.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use wasmtime::Engine;

use super::engine::engine;
use crate::module::{self, ComposeError, CoreError, InterfacesError, KindError, ModuleError, Survey, SurveyError, wit};

/// Characters of what the engine says.
const PAGE: usize = 4000;

/// Why there is no code for a module. It is told from process to process.
#[derive(Debug, Error, Serialize, Deserialize)]
pub enum CompileError {
    /// There are no bytes.
    #[error("it is empty")]
    Empty,
    /// The bytes are neither WebAssembly nor its text.
    #[error("it is not WebAssembly: it begins with neither `\\0asm` nor `(`")]
    NotWasm,
    /// No component can be made of a core module.
    #[error("{words}")]
    Core {
        /// Why.
        words: Words,
        /// What kind of reason it is, by which it is told what may help.
        kind: CoreKind,
    },
    /// It is no library, or does not go together with its libraries.
    #[error("{words}")]
    Library {
        /// Why.
        words: Words,
        /// What kind of reason it is, by which it is told what may help.
        kind: LibraryKind,
    },
    /// The engine does not accept the bytes.
    #[error("it is no valid module")]
    Invalid(#[source] Words),
    /// The engine could not be set up.
    #[error("the WebAssembly engine could not be set up")]
    Engine(#[source] Words),
}

/// Why no component can be made of a core module, so far as there is something to say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CoreKind {
    /// It is no program.
    NoStart,
    /// It has no memory that others could reach.
    NoMemory,
    /// It was made for another version of our interfaces.
    Version,
    /// It imports what is not there.
    Unknown,
    /// It does not say where texts go.
    NoRealloc,
    /// Anything else.
    Other,
}

impl CoreKind {
    /// Returns what may help.
    pub fn hint(self) -> Option<String> {
        let ours = format!("{}*@{}", wit::PACKAGE, wit::VERSION);
        match self {
            Self::NoStart => Some("build it as a command, with a `main`, and not as a library (a reactor)".into()),
            Self::NoMemory => {
                Some("compilers export one by themselves; in text it is `(memory (export \"memory\") 1)`".into())
            }
            Self::Version => Some(format!(
                "this orchestrator has {ours}; build all of the scenario against that version, which `orchestrator wit --out DIR` writes"
            )),
            Self::Unknown => Some(format!(
                "there are {ours} (`orchestrator wit` prints it) and WASI preview 1; what a C compiler finds nowhere it \
                 imports from `env`"
            )),
            Self::NoRealloc => Some(
                "texts come back to it, an error's message at least, so it has to say where they go: export \
                 `cabi_realloc(old, old size, alignment, size)`, all numbers of 32 bits, which returns a new place"
                    .into(),
            ),
            Self::Other => None,
        }
    }
}

/// Why a library can't be used, so far as there is something to say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LibraryKind {
    /// It is a scenario.
    Scenario,
    /// It is a core module.
    Core,
    /// Two give the same.
    SameExport,
    /// Something is imported that is not there.
    Missing,
    /// Nobody uses it.
    Unused,
    /// They import each other.
    Cycle,
    /// It gives something else than is imported.
    Differs,
    /// It exports nothing.
    Nothing,
    /// Anything else.
    Other,
}

impl LibraryKind {
    /// Returns what may help.
    pub fn hint(self) -> Option<&'static str> {
        match self {
            Self::Core => Some("`orchestrator new NAME --lang rust --lib` makes a library that is one"),
            Self::SameExport => Some("leave one of them out"),
            Self::Missing => Some("`--with LIB` adds a library, and `orchestrator inspect` tells what one exports"),
            Self::Scenario => {
                Some("it runs by itself: `orchestrator run` takes one scenario, and `--with` what that imports")
            }
            Self::Unused => {
                Some("leave it out, or give the one of that version which is imported: `orchestrator inspect` tells it")
            }
            Self::Cycle => Some("what both need belongs into a third"),
            Self::Differs => Some("build both against the same WIT"),
            Self::Nothing => Some("give a library: `orchestrator inspect` tells what a module exports"),
            Self::Other => None,
        }
    }
}

/// What the engine says, no more than a page: it may quote the module.
#[derive(Debug, Error, Serialize, Deserialize)]
#[error("{0}")]
pub struct Words(String);

impl Words {
    fn of(error: &wasmtime::Error) -> Self {
        Self::new(format!("{error:#}"))
    }

    fn new(text: String) -> Self {
        let page = text.char_indices().nth(PAGE).map_or(text.len(), |(end, _)| end);
        Self(if page < text.len() { format!("{} ...", &text[..page]) } else { text })
    }
}

/// Compiles a module on all cores. `name` stands for the file in what is said of a module's text.
pub fn compile(name: &str, bytes: &[u8]) -> Result<Vec<u8>, CompileError> {
    let component = module::component(name, bytes).map_err(no_component)?;
    let engine = engine().map_err(|error| CompileError::Engine(Words::of(&error)))?;
    engine.precompile_component(&component).map_err(|error| CompileError::Invalid(Words::of(&error)))
}

/// Tells what a module is.
pub fn survey(name: &str, bytes: &[u8]) -> Result<Survey, CompileError> {
    Survey::of(name, bytes).map_err(|error| match error {
        SurveyError::Module(error) => no_component(error),
        SurveyError::Invalid(words) => CompileError::Invalid(Words::new(words)),
    })
}

/// Tells what a library exports: the packages of it, each with its name.
pub fn interfaces(name: &str, bytes: &[u8]) -> Result<Vec<(String, String)>, CompileError> {
    module::interfaces(name, bytes).map_err(|error| match error {
        InterfacesError::Kind(error) => no_component(error.into()),
        error => {
            let kind = match error {
                InterfacesError::Nothing => LibraryKind::Nothing,
                _ => LibraryKind::Other,
            };
            CompileError::Library { words: Words::new(error.to_string()), kind }
        }
    })
}

fn no_component(error: ModuleError) -> CompileError {
    match error {
        ModuleError::Kind(KindError::Empty) => CompileError::Empty,
        ModuleError::Kind(KindError::NotWasm) => CompileError::NotWasm,
        ModuleError::Kind(KindError::Text(error)) => CompileError::Invalid(Words::new(error.to_string())),
        ModuleError::Core(error) => not_adapted(&error),
        ModuleError::Compose(error) => not_composed(&error),
    }
}

fn not_composed(error: &ComposeError) -> CompileError {
    let kind = match error {
        ComposeError::CoreLibrary(_) => LibraryKind::Core,
        ComposeError::SameExport { .. } => LibraryKind::SameExport,
        ComposeError::Missing { .. } => LibraryKind::Missing,
        ComposeError::Scenario(_) => LibraryKind::Scenario,
        ComposeError::Unused { .. } => LibraryKind::Unused,
        ComposeError::Cycle(_) => LibraryKind::Cycle,
        ComposeError::Differs { .. } => LibraryKind::Differs,
        ComposeError::NoLibrary { .. } | ComposeError::Misfit(_) => LibraryKind::Other,
    };
    CompileError::Library { words: Words::new(error.to_string()), kind }
}

fn not_adapted(error: &CoreError) -> CompileError {
    let kind = match error {
        CoreError::NoStart => CoreKind::NoStart,
        CoreError::NoMemory => CoreKind::NoMemory,
        CoreError::Version { .. } | CoreError::Versions { .. } => CoreKind::Version,
        CoreError::Unknown(_) => CoreKind::Unknown,
        CoreError::Misfit(words) if words.contains("cabi_realloc") => CoreKind::NoRealloc,
        CoreError::Invalid(_) | CoreError::Misfit(_) => CoreKind::Other,
    };
    CompileError::Core { words: Words::new(error.to_string()), kind }
}

/// Returns the SHA-256 of all that code hangs on besides its module: the engine's version and settings, the processor, and how core
/// modules become components.
pub fn engine_digest(engine: &Engine) -> [u8; 32] {
    struct Digesting(Sha256);
    impl Hasher for Digesting {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            unreachable!("the whole digest is asked for instead")
        }
    }
    let mut digesting = Digesting(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut digesting);
    digesting.0.update(module::recipe());
    digesting.0.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_of_the_engine_is_the_same_each_time() {
        assert_eq!(engine_digest(&engine().unwrap()), engine_digest(&engine().unwrap()));
    }
}
