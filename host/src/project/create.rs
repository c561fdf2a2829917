//! Making a project.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::template::files;
use super::{Kind, Language};

/// The longest name, as of a lab.
const LONGEST: usize = 40;

/// Names of folders in a target folder, of crates that come with Rust, of the library, and words of the language (`cargo new`).
const RESERVED: [&str; 44] = [
    "build",
    "deps",
    "examples",
    "incremental",
    "test",
    "core",
    "std",
    "alloc",
    "proc-macro",
    "orchestrator-net",
    "orchestrator-describe",
    "abstract",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "final",
    "fn",
    "for",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "pub",
    "ref",
    "return",
    "self",
    "static",
];

/// Words of WIT, after which no package can be named.
const WORDS_OF_WIT: [&str; 44] = [
    "as",
    "async",
    "bool",
    "borrow",
    "char",
    "constructor",
    "enum",
    "error-context",
    "export",
    "f32",
    "f64",
    "flags",
    "from",
    "func",
    "future",
    "import",
    "include",
    "interface",
    "list",
    "map",
    "option",
    "own",
    "package",
    "record",
    "resource",
    "result",
    "s16",
    "s32",
    "s64",
    "s8",
    "static",
    "stream",
    "string",
    "tuple",
    "type",
    "u16",
    "u32",
    "u64",
    "u8",
    "use",
    "variant",
    "with",
    "world",
    "float32",
];

/// Why no project was made.
#[derive(Debug, Error)]
pub enum CreateError {
    /// A crate, a module and a lab are named after it.
    #[error("a project can't be called `{0}`: the name has 1 to {LONGEST} of `a-z 0-9 -` and begins with a letter")]
    Name(String),
    /// Cargo has another use for it.
    #[error("a project in Rust can't be called `{0}`: cargo has another use for that name")]
    Reserved(String),
    /// WIT has no such name.
    #[error("a library can't be called `{0}`: each of its words begins with a letter")]
    Word(String),
    /// WIT has another use for it.
    #[error("a library can't be called `{0}`: WIT has another use for that word")]
    Keyword(String),
    /// No template is there for it.
    #[error("a library can be made in Rust, and not in {}", .0.title())]
    NoLibrary(Language),
    /// There is something of that name.
    #[error("`{}` is there already", .0.display())]
    Exists(PathBuf),
    /// A file could not be written; what was written before is removed.
    #[error("could not write `{}`", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

/// Makes a folder with a scenario, or a library, that builds as it is.
pub fn create(directory: &Path, language: Language, kind: Kind) -> Result<(), CreateError> {
    if kind == Kind::Library && language != Language::Rust {
        return Err(CreateError::NoLibrary(language));
    }
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let begins = name.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
    if !begins || name.len() > LONGEST || !name.bytes().all(allowed) {
        return Err(CreateError::Name(directory.display().to_string()));
    }
    // A package of WIT is named after it (component-model, WIT.md, identifiers).
    if kind == Kind::Library && WORDS_OF_WIT.contains(&name.as_str()) {
        return Err(CreateError::Keyword(name));
    }
    if kind == Kind::Library && name.split('-').any(|word| !word.starts_with(|first: char| first.is_ascii_lowercase()))
    {
        return Err(CreateError::Word(name));
    }
    if language == Language::Rust && RESERVED.contains(&name.as_str()) {
        return Err(CreateError::Reserved(name));
    }
    if let Some(parent) = directory.parent() {
        fs::create_dir_all(parent).map_err(|error| CreateError::Write(parent.into(), error))?;
    }
    match fs::create_dir(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(CreateError::Exists(directory.into()));
        }
        Err(error) => return Err(CreateError::Write(directory.into(), error)),
    }
    for (path, text) in files(language, kind, &name) {
        let path = directory.join(path);
        let folder = path.parent().unwrap_or(directory);
        if let Err(error) = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)) {
            // It was not there before, so nothing else is lost.
            let _ = fs::remove_dir_all(directory);
            return Err(CreateError::Write(path, error));
        }
    }
    Ok(())
}
