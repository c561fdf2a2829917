//! `orchestrator wit`

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::output::print;
use super::{Exit, Failure};
use crate::module::wit::{FILES, WASI};

/// Print the WIT interfaces that scenarios import, or write them to files
#[derive(Debug, Args)]
#[command(after_help = "\
Toolchains take the directory that `--out` writes, with what world `scenario` includes of WASI: world `imports` is for Rust, C, Go and Zig, world `scenario` for Python and JavaScript.

Examples:
  orchestrator wit | less
  orchestrator wit --out ./wit              # a package for wit-bindgen, componentize-py or jco")]
pub(super) struct Wit {
    /// Write the package to this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Wit {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let Some(directory) = self.out else {
            let texts: Vec<&str> = FILES.iter().map(|file| file.text).collect();
            print(&texts.join("\n"))?;
            return Ok(Exit::Done);
        };
        let dependencies = directory.join("deps");
        fs::create_dir_all(&dependencies).map_err(Failure::about("make", &dependencies))?;
        for file in FILES.iter().chain(WASI) {
            let path = directory.join(file.path);
            fs::write(&path, file.text).map_err(Failure::about("write", &path))?;
        }
        Ok(Exit::Done)
    }
}
