//! Scenarios as projects: a folder with the code of one, in one of the languages, and what its toolchain builds of it.
//!
//! A project is told by its main file and needs none of ours, so a folder that somebody else has made is one too.

mod build;
mod create;
mod language;
mod sources;
mod template;
mod toolchain;
mod watch;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use build::BuildError;
pub use create::{CreateError, create};
pub use language::Language;
pub use watch::Watch;

/// What a project is built to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What can be run.
    Scenario,
    /// What scenarios are composed with.
    Library,
}

/// A folder with the code of a scenario, or of a library.
#[derive(Debug)]
pub struct Project {
    /// As the user calls it.
    pub directory: PathBuf,
    /// What its code is in.
    pub language: Language,
    /// Its name, which is its module's too.
    name: String,
}

/// Why a folder is no project.
#[derive(Debug, Error)]
pub enum NoProject {
    /// It can't be read.
    #[error("could not open `{}`", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// It is a file, say.
    #[error("`{}` is no folder", .0.display())]
    NoFolder(PathBuf),
    /// It has the main file of no language.
    #[error("`{}` is no project: it has none of {}", .0.display(), main_files())]
    NoMainFile(PathBuf),
    /// It has the main files of two.
    #[error("`{}` could be a project in {} or in {}: it has `{}` and `{}`", .0.display(), .1.title(), .2.title(), .1.main_file(), .2.main_file())]
    Unclear(PathBuf, Language, Language),
    /// A module can't be named after it.
    #[error("no module can be named after `{}`", .0.display())]
    NoName(PathBuf),
}

fn main_files() -> String {
    let files: Vec<String> = Language::ALL.iter().map(|language| format!("`{}`", language.main_file())).collect();
    files.join(", ")
}

impl Project {
    /// Tells what a folder is a project of.
    pub fn find(directory: &Path) -> Result<Self, NoProject> {
        let unreadable = |error| NoProject::Unreadable(directory.into(), error);
        let place = directory.canonicalize().map_err(unreadable)?;
        if !place.is_dir() {
            return Err(NoProject::NoFolder(directory.into()));
        }
        let mut languages = Language::ALL.into_iter().filter(|language| place.join(language.main_file()).is_file());
        let language = languages.next().ok_or_else(|| NoProject::NoMainFile(directory.into()))?;
        if let Some(other) = languages.next() {
            return Err(NoProject::Unclear(directory.into(), language, other));
        }
        let name =
            place.file_name().and_then(|name| name.to_str()).ok_or_else(|| NoProject::NoName(directory.into()))?;
        Ok(Self { directory: directory.into(), language, name: name.to_owned() })
    }

    /// Returns where its module is built: with a `/`, so that it is taken for a file.
    pub fn module(&self) -> PathBuf {
        let directory = if self.directory == Path::new(".") { Path::new("./") } else { &self.directory };
        directory.join(format!("{}.wasm", self.name))
    }
}
