//! DIR: a project in place of a module.

use std::borrow::Cow;
use std::path::Path;
use std::time::Instant;

use super::{Exit, Failure};
use crate::project::{BuildError, NoProject, Project};
use crate::topology::harmless;

/// Finds the project in a folder.
pub(super) fn find(directory: &Path) -> Result<Project, Failure> {
    Project::find(directory).map_err(|error| {
        let hint = match &error {
            NoProject::NoMainFile(_) => Some("`orchestrator new NAME --lang LANG` makes one".into()),
            NoProject::Unclear(..) => Some("move one of them to a folder of its own".into()),
            NoProject::NoFolder(_) | NoProject::Unreadable(..) | NoProject::NoName(_) => None,
        };
        Failure { exit: Exit::Usage, error: error.into(), hint }
    })
}

/// Tells whether MODULE is a folder: `.`, or with a `/`.
pub(super) fn is_folder(module: &str) -> bool {
    (module.contains('/') || module == "." || module == "..") && Path::new(module).is_dir()
}

/// Returns MODULE, which is built before if it is a project and was not built of these sources yet.
pub(super) fn module_of(module: &str) -> Result<Cow<'_, str>, Failure> {
    if !is_folder(module) {
        return Ok(module.into());
    }
    let project = find(Path::new(module))?;
    if project.is_built() {
        return Ok(project.module().to_string_lossy().into_owned().into());
    }
    Ok(built(&project)?.into())
}

/// Builds a project, says so, and returns its module.
pub(super) fn built(project: &Project) -> Result<String, Failure> {
    let started = Instant::now();
    project.build().map_err(|error| failure(project, error))?;
    let module = project.module();
    let size = module.metadata().map(|found| found.len()).unwrap_or_default();
    let (size, seconds) = (bytesize::ByteSize(size).display().iec(), started.elapsed().as_secs_f64());
    eprintln!("built `{}` in {seconds:.1} s, {size}", harmless(&module.to_string_lossy()));
    Ok(module.to_string_lossy().into_owned())
}

fn failure(project: &Project, error: BuildError) -> Failure {
    let (exit, hint) = match &error {
        BuildError::Missing { install, .. } | BuildError::TooOld { install, .. } => {
            (Exit::Unable, Some(format!("`{install}` installs it")))
        }
        BuildError::NoTarget => (Exit::Unable, Some("`rustup target add wasm32-wasip2` installs it".into())),
        BuildError::Run { .. } => (Exit::Unable, None),
        BuildError::Programs(_) => {
            (Exit::Usage, Some("a program of its own for each scenario: `orchestrator new` makes a package".into()))
        }
        BuildError::Foreign { .. } => {
            let module = harmless(&project.module().to_string_lossy());
            (Exit::Usage, Some(format!("build it as that user, and run `{module}`: a module is kept in a sandbox")))
        }
        BuildError::Failed { .. } | BuildError::Nothing { .. } => (Exit::No, None),
        BuildError::File { .. } => (Exit::Usage, None),
    };
    let act = format!("could not build `{}`", harmless(&project.directory.to_string_lossy()));
    Failure { exit, error: anyhow::Error::new(error).context(act), hint }
}

/// Returns what installs the toolchain for the project in a folder, if it is missing.
pub(super) fn installation(directory: &Path) -> Option<String> {
    Project::find(directory).ok()?.lacks()
}
