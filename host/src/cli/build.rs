//! `orchestrator build`

use std::path::PathBuf;

use clap::Args;

use super::output::print;
use super::project::{self, built};
use super::{Exit, Failure};
use crate::topology::harmless;

/// Build a project's module, by the toolchain of its language
#[derive(Debug, Args)]
#[command(after_help = "\
A toolchain is looked for in the project first (.venv/bin, node_modules/.bin), then along PATH. It reads the project's code, and may run it.

Examples:
  orchestrator build
  orchestrator build ./lab1 && orchestrator run ./lab1/lab1.wasm")]
pub(super) struct Build {
    /// Folder of the project
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
}

impl Build {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let module = built(&project::find(&self.directory)?)?;
        print(&format!("{}\n", harmless(&module)))?;
        Ok(Exit::Done)
    }
}
