//! `--with LIB`: libraries that a scenario is composed with.

use std::path::Path;

use clap::Args;

use super::project::{is_folder, module_of};
use super::source::{Source, is_file};
use super::{Failure, complete};
use crate::module::{Part, bundle};
use crate::script::Module;
use crate::topology::harmless;

/// Libraries that one scenario may have.
const MOST: usize = 32;

/// What a scenario is run with
#[derive(Clone, Debug, Args)]
pub(super) struct LibraryFlags {
    /// Plug in a library, a component that exports what the scenario imports: a file, a project, a module in a registry, or a
    /// built-in one. Once for each
    #[arg(long = "with", value_name = "LIB", add = complete::library())]
    libraries: Vec<String>,
}

impl LibraryFlags {
    /// These, as if they were given.
    pub(super) fn of(libraries: Vec<String>) -> Self {
        Self { libraries }
    }

    /// Tells whether none was given.
    pub(super) fn is_empty(&self) -> bool {
        self.libraries.is_empty()
    }

    /// Returns those that are files or projects.
    pub(super) fn places(&self) -> impl Iterator<Item = &Path> {
        let is_place = |library: &&String| is_file(library) || is_folder(library);
        self.libraries.iter().filter(is_place).map(Path::new).filter(|path| path.exists())
    }

    /// Finds MODULE, together with its libraries if there are some.
    pub(super) fn find(&self, module: &str, limit: u64) -> Result<Source, Failure> {
        let scenario = Source::find(module, limit)?;
        if self.libraries.is_empty() {
            return Ok(scenario);
        }
        if self.libraries.len() > MOST {
            return Err(Failure::usage(format!("there are {} libraries, and {MOST} at most", self.libraries.len())));
        }
        let (name, identity) = (scenario.name().into_owned(), scenario.identity(module));
        let scenario = scenario.read(limit).map_err(unreadable(module))?;
        let libraries: Vec<Module> =
            self.libraries.iter().map(|library| read(library, limit)).collect::<Result<_, _>>()?;
        let parts: Vec<Part<'_>> = libraries.iter().map(part).collect();
        Ok(Source::Bytes { name, identity, bytes: bundle(part(&scenario), &parts) })
    }
}

fn read(library: &str, limit: u64) -> Result<Module, Failure> {
    let module = module_of(library)?;
    Source::find(&module, limit)?.read(limit).map_err(unreadable(library))
}

fn unreadable(module: &str) -> impl Fn(crate::script::LoadError) -> Failure {
    let context = format!("`{}` can't be run", harmless(module));
    move |error| Failure::from(error).context(context.clone())
}

fn part(module: &Module) -> Part<'_> {
    Part { name: &module.identity().name, bytes: module.bytes() }
}
