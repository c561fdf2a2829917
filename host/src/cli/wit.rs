//! `orchestrator wit`

use std::fs;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use clap::Args;

use super::limits::size;
use super::output::print;
use super::project::module_of;
use super::source::Source;
use super::survey::interfaces;
use super::{Exit, Failure, complete};
use crate::module::wit::{FILES, WASI};
use crate::topology::{harmless, harmless_lines};

/// Print the WIT that scenarios import, or what a library exports, or write it
#[derive(Debug, Args)]
#[command(after_help = "\
Toolchains take the directory that `--out` writes, with what world `scenario` includes of WASI: world `imports` is for Rust, C, Go and Zig, world `scenario` for Python and JavaScript. Of a library each package is a file, which belongs into `wit/deps` of a project; the project's world then imports its interfaces.

Examples:
  orchestrator wit --out ./wit              # a package for wit-bindgen, componentize-py or jco
  orchestrator wit leaf-spine --out ./lab1/wit/deps")]
pub(super) struct Wit {
    /// Library: a file, a project, a module in a registry, or a built-in one
    #[arg(add = complete::library())]
    library: Option<String>,
    /// Write the packages to this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Size of the library, up to which it is read
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "64MiB", requires = "library")]
    max_module: ByteSize,
}

impl Wit {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        match (&self.library, &self.out) {
            (Some(library), out) => self.of_library(library, out.as_deref()),
            (None, Some(directory)) => write_ours(directory),
            (None, None) => {
                let texts: Vec<&str> = FILES.iter().map(|file| file.text).collect();
                print(&texts.join("\n"))?;
                Ok(Exit::Done)
            }
        }
    }

    fn of_library(&self, library: &str, out: Option<&Path>) -> Result<Exit, Failure> {
        let act = || format!("could not read the interfaces of `{}`", harmless(library));
        let (path, limit) = (module_of(library)?, self.max_module.as_u64());
        let module = Source::find(&path, limit)?.read(limit);
        let module = module.map_err(|error| Failure::from(error).context(act()))?;
        let packages = interfaces(&module, act)?;
        let Some(directory) = out else {
            let texts: Vec<String> = packages.iter().map(|(_, text)| harmless_lines(text) + "\n").collect();
            print(&texts.join("\n"))?;
            return Ok(Exit::Done);
        };
        fs::create_dir_all(directory).map_err(Failure::about("make", directory))?;
        for (name, text) in packages {
            // The process that read the library may have become the library's own.
            if name.is_empty()
                || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            {
                return Err(Failure::usage(format!("a package can't be called `{}`", harmless(&name))).context(act()));
            }
            let path = directory.join(format!("{name}.wit"));
            fs::write(&path, text).map_err(Failure::about("write", &path))?;
            print(&format!("{}\n", harmless(&path.to_string_lossy())))?;
        }
        Ok(Exit::Done)
    }
}

fn write_ours(directory: &Path) -> Result<Exit, Failure> {
    let dependencies = directory.join("deps");
    fs::create_dir_all(&dependencies).map_err(Failure::about("make", &dependencies))?;
    for file in FILES.iter().chain(WASI) {
        let path = directory.join(file.path);
        fs::write(&path, file.text).map_err(Failure::about("write", &path))?;
    }
    Ok(Exit::Done)
}
