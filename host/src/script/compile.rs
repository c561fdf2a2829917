//! From a module's bytes to code that can be kept: what the compiler's process does, which runs no guest.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use wasmtime::Engine;

use super::engine::engine;

/// `\0asm`, then a version and a layer of two bytes each.
const MAGIC: &[u8] = b"\0asm";
const LAYER_CORE: [u8; 4] = [1, 0, 0, 0];
/// Characters of what the engine says.
const PAGE: usize = 4000;

/// Why there is no code for a module. It is told from process to process.
#[derive(Debug, Error, Serialize, Deserialize)]
pub enum CompileError {
    /// The bytes are neither WebAssembly nor its text.
    #[error("it is not WebAssembly: it begins with neither `\\0asm` nor `(`")]
    NotWasm,
    /// A core module.
    #[error("it is a core module and no component")]
    CoreModule,
    /// The engine does not accept the bytes.
    #[error("it is no valid component")]
    Invalid(#[source] Words),
    /// The engine could not be set up.
    #[error("the WebAssembly engine could not be set up")]
    Engine(#[source] Words),
}

/// What the engine says, no more than a page: it may quote the module.
#[derive(Debug, Error, Serialize, Deserialize)]
#[error("{0}")]
pub struct Words(String);

impl Words {
    fn of(error: &wasmtime::Error) -> Self {
        let text = format!("{error:#}");
        let page = text.char_indices().nth(PAGE).map_or(text.len(), |(end, _)| end);
        Self(if page < text.len() { format!("{} ...", &text[..page]) } else { text })
    }
}

/// Compiles a module on all cores. `name` stands for the file in what is said of a module's text.
pub fn compile(name: &str, bytes: &[u8]) -> Result<Vec<u8>, CompileError> {
    check_kind(bytes)?;
    let engine = engine().map_err(|error| CompileError::Engine(Words::of(&error)))?;
    engine.precompile_component(bytes).map_err(|error| {
        let Words(text) = Words::of(&error);
        CompileError::Invalid(Words(text.replace("<anon>", name)))
    })
}

/// Returns the SHA-256 of all that code hangs on besides its module: the engine's version and settings, and the processor.
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
    digesting.0.finalize().into()
}

pub(crate) fn check_kind(bytes: &[u8]) -> Result<(), CompileError> {
    if let Some(rest) = bytes.strip_prefix(MAGIC) {
        return if rest.starts_with(&LAYER_CORE) { Err(CompileError::CoreModule) } else { Ok(()) };
    }
    let text = std::str::from_utf8(bytes).map_err(|_| CompileError::NotWasm)?;
    let code = text.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with(";;"));
    match code {
        Some(code) if code.starts_with("(module") => Err(CompileError::CoreModule),
        Some(code) if code.starts_with('(') => Ok(()),
        _ => Err(CompileError::NotWasm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_bytes_are_told_apart() {
        let compile = |text: &str| compile("test", text.as_bytes());
        assert!(matches!(compile(""), Err(CompileError::NotWasm)));
        assert!(matches!(compile("#!/bin/sh"), Err(CompileError::NotWasm)));
        assert!(matches!(compile("(module)"), Err(CompileError::CoreModule)));
        assert!(matches!(compile(";; text\n\n  (module)"), Err(CompileError::CoreModule)));
        assert!(matches!(compile("\0asm\u{1}\0\0\0"), Err(CompileError::CoreModule)));
        assert!(matches!(compile("(component"), Err(CompileError::Invalid(_))));
    }

    #[test]
    fn digest_of_the_engine_is_the_same_each_time() {
        assert_eq!(engine_digest(&engine().unwrap()), engine_digest(&engine().unwrap()));
    }
}
