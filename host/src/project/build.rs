//! Having a project built by its language's toolchain, whose messages go to the user as they are.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use nix::unistd::geteuid;
use serde_json::Value;
use thiserror::Error;

use super::toolchain::{Toolchain, arguments, environment, quoted, search_path, shown, version_of};
use super::{Language, Project};
use crate::module::{stamped, without_debug_info};

/// Where a module is built, in the project. It has its own name there, as toolchains write that into it.
const APART: &str = ".orchestrator-build";
/// What Rust is built for.
pub(super) const RUST_TARGET: &str = "wasm32-wasip2";

/// Why a project was not built.
#[derive(Debug, Error)]
pub enum BuildError {
    /// There is no such program.
    #[error("there is no `{program}`, which builds scenarios in {}", .language.title())]
    Missing {
        /// What was looked for.
        program: &'static str,
        /// For what.
        language: Language,
        /// What brings it.
        install: String,
    },
    /// It can't build what is written for it now.
    #[error("`{program}` is of version {}.{}, and it takes {}.{} to build scenarios in {}", .found.0, .found.1, .least.0, .least.1, .language.title())]
    TooOld {
        /// The program.
        program: &'static str,
        /// For what.
        language: Language,
        /// Its version, major and minor.
        found: (u32, u32),
        /// The first that will do.
        least: (u32, u32),
        /// What brings a newer one.
        install: String,
    },
    /// Root would run what is another user's.
    #[error("`{}` belongs to uid {owner}, and root runs no toolchain there", .path.display())]
    Foreign {
        /// Whose it is.
        owner: u32,
        /// What is.
        path: PathBuf,
    },
    /// Rust has no library for what it is to be built for.
    #[error("the standard library of Rust for {RUST_TARGET} is missing")]
    NoTarget,
    /// It could not be run, or does not say what it is.
    #[error("could not run `{command}`")]
    Run {
        /// As it would be typed.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// It has said itself why.
    #[error("`{command}` has failed, {status}")]
    Failed {
        /// As it would be typed.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// It has said that all is well.
    #[error("`{command}` has succeeded and left no module")]
    Nothing {
        /// As it would be typed.
        command: String,
    },
    /// The package is another than `new` makes.
    #[error(
        "it takes a package with one program to be a scenario, or with one cdylib to be a library; this one has {0} programs, or several libraries"
    )]
    Programs(usize),
    /// A file of the project's can't be used.
    #[error("could not {act} `{}`", .path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// Of which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl BuildError {
    fn about(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { act, path, source }
    }
}

impl Project {
    /// Builds its module, where [`Project::module`] says.
    pub fn build(&self) -> Result<(), BuildError> {
        let place = self.directory.canonicalize().map_err(BuildError::about("open", &self.directory))?;
        let toolchain = Toolchain::of(self.language);
        let found = toolchain.find(&place);
        self.is_ours(&place, found.as_deref())?;
        // One build at a time, as toolchains write where they like.
        let folder = File::open(&place).map_err(BuildError::about("open", &self.directory))?;
        folder.lock().map_err(BuildError::about("lock", &self.directory))?;
        let program = self.suitable(&toolchain, found, &place)?;
        // Beside it at first: a build that fails must not take the last good one away.
        let module = self.module();
        let name = module.file_name().unwrap_or_default();
        let fresh = &Path::new(APART).join(name);
        let arguments = arguments(self.language, &self.sources(&place)?, fresh);
        let command = shown(OsStr::new(toolchain.programs[0]), &arguments);
        let elsewhere = if self.language == Language::Rust { Some(rust_module(&program, &place)?) } else { None };
        // What is saved from here on has it built again.
        let sources = self.sources_digest();
        let _ = fs::remove_dir_all(place.join(APART));
        fs::create_dir(place.join(APART)).map_err(BuildError::about("write to", &self.directory))?;
        let result = self.run(&program, &arguments, &place, &command).and_then(|()| {
            let built = elsewhere.clone().unwrap_or_else(|| place.join(fresh));
            if !built.is_file() {
                return Err(BuildError::Nothing { command });
            }
            let bytes = fs::read(&built).map_err(BuildError::about("read", &built))?;
            // What is no module is for `run` to tell.
            let lean = without_debug_info(&bytes).unwrap_or(bytes);
            let lean = match sources {
                Some(sources) => stamped(lean, sources),
                None => lean,
            };
            fs::write(place.join(fresh), lean).map_err(BuildError::about("write", &module))?;
            fs::rename(place.join(fresh), place.join(name)).map_err(BuildError::about("write", &module))
        });
        let _ = fs::remove_dir_all(place.join(APART));
        result
    }

    /// Returns what installs the program that builds it, if that is missing.
    pub fn lacks(&self) -> Option<String> {
        let toolchain = Toolchain::of(self.language);
        let place = self.directory.canonicalize().ok()?;
        if toolchain.find(&place).is_some() { None } else { Some(self.installation(&toolchain)) }
    }

    /// Returns what installs a toolchain, as it can be typed where the user is.
    fn installation(&self, toolchain: &Toolchain) -> String {
        match self.directory.to_str() {
            Some(".") | None => toolchain.install.to_owned(),
            Some(_) if self.language == Language::Rust => toolchain.install.to_owned(),
            Some(directory) => format!("(cd {} && {})", quoted(directory), toolchain.install),
        }
    }

    /// Root runs no program that somebody else could have put there.
    fn is_ours(&self, place: &Path, program: Option<&Path>) -> Result<(), BuildError> {
        if !geteuid().is_root() {
            return Ok(());
        }
        let own = program.filter(|program| program.starts_with(place));
        for path in [Some(place), own].into_iter().flatten() {
            let owner = path.metadata().map_err(BuildError::about("open", path))?.uid();
            if owner != 0 {
                return Err(BuildError::Foreign { owner, path: path.into() });
            }
        }
        Ok(())
    }

    /// Returns the program that builds it, if it was found and is new enough.
    fn suitable(&self, toolchain: &Toolchain, found: Option<PathBuf>, place: &Path) -> Result<PathBuf, BuildError> {
        let (name, language) = (toolchain.programs[0], self.language);
        let install = self.installation(toolchain);
        let Some(program) = found else {
            return Err(BuildError::Missing { program: name, language, install });
        };
        let said = output(&program, toolchain.version, place)?;
        match version_of(&said) {
            Some(found) if found < toolchain.least => {
                let install = if language == Language::Rust { "rustup update".to_owned() } else { install };
                return Err(BuildError::TooOld { program: name, language, found, least: toolchain.least, install });
            }
            // Whoever has changed it so that it does not say its version knows it.
            Some(_) | None => {}
        }
        if language == Language::Rust {
            let rustc = program.with_file_name("rustc");
            let rustc = if rustc.is_file() { rustc } else { PathBuf::from("rustc") };
            let library = output(&rustc, &["--print", "target-libdir", "--target", RUST_TARGET], place);
            // Of a target that it does not know at all it has said so.
            if !library.is_ok_and(|library| Path::new(library.trim()).is_dir()) {
                return Err(BuildError::NoTarget);
            }
        }
        Ok(program)
    }

    /// Lists the files that a compiler has to be given one by one.
    fn sources(&self, place: &Path) -> Result<Vec<OsString>, BuildError> {
        if self.language != Language::C {
            return Ok(Vec::new());
        }
        let unreadable = || BuildError::about("open", &self.directory);
        let mut sources = Vec::new();
        for entry in fs::read_dir(place).map_err(unreadable())? {
            let name = entry.map_err(unreadable())?.file_name();
            // Editors leave files that begin with a point, and such are no files where somebody writes them.
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            if Path::new(&name).extension() == Some(OsStr::new("c")) && !is_hidden && place.join(&name).is_file() {
                sources.push(Path::new(".").join(name).into());
            }
        }
        sources.sort();
        Ok(sources)
    }

    fn run(&self, program: &Path, arguments: &[OsString], place: &Path, shown: &str) -> Result<(), BuildError> {
        let failed = |source| BuildError::Run { command: shown.to_owned(), source };
        // Standard output is for what the user has asked for.
        let messages = io::stderr().as_fd().try_clone_to_owned().map_err(failed)?;
        let status = Command::new(program)
            .args(arguments)
            .current_dir(place)
            .env("PATH", search_path(place))
            .envs(environment(self.language).iter().copied())
            .stdin(Stdio::null())
            .stdout(messages)
            .status()
            .map_err(failed)?;
        if status.success() { Ok(()) } else { Err(BuildError::Failed { command: shown.to_owned(), status }) }
    }
}

/// Runs a program for what it says.
fn output(program: &Path, arguments: &[&str], place: &Path) -> Result<String, BuildError> {
    let words: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let command = || shown(program.as_os_str(), &words);
    let mut asked = Command::new(program);
    asked.args(&words).current_dir(place).env("PATH", search_path(place)).stdin(Stdio::null());
    let output = asked.output().map_err(|source| BuildError::Run { command: command(), source })?;
    if !output.status.success() {
        // It says itself what it lacks.
        let _ = io::stderr().write_all(&output.stderr);
        return Err(BuildError::Failed { command: command(), status: output.status });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Asks cargo where it has put the one program of the package, or the one library of a package without.
fn rust_module(cargo: &Path, place: &Path) -> Result<PathBuf, BuildError> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1"];
    let text = output(cargo, &arguments, place)?;
    let metadata: Value = serde_json::from_str(&text).unwrap_or_default();
    let here = place.join("Cargo.toml");
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let own = packages.filter(|package| package["manifest_path"].as_str().map(Path::new) == Some(&here));
    let targets: Vec<&Value> = own.flat_map(|package| package["targets"].as_array().into_iter().flatten()).collect();
    let of = |kind: &str| -> Vec<&str> {
        let is_one = |target: &&&Value| target["kind"].as_array().is_some_and(|kinds| kinds.contains(&kind.into()));
        targets.iter().filter(is_one).filter_map(|target| target["name"].as_str()).collect()
    };
    let (programs, libraries) = (of("bin"), of("cdylib"));
    let module = match (&programs[..], &libraries[..]) {
        ([program], _) => (*program).to_owned(),
        // Its name is that of a file as well.
        ([], [library]) => library.replace('-', "_"),
        _ => return Err(BuildError::Programs(programs.len())),
    };
    let folder = PathBuf::from(metadata["target_directory"].as_str().unwrap_or("target"));
    Ok(folder.join(RUST_TARGET).join("release").join(format!("{module}.wasm")))
}
