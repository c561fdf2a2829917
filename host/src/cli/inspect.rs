//! `orchestrator inspect`

use bytesize::ByteSize;
use clap::Args;

use super::output::{print, print_json};
use super::source::Source;
use super::{Exit, Failure};
use crate::module::Survey;
use crate::render::{self, Inspected};
use crate::sandbox;
use crate::topology::harmless;

/// Tell what a module is and the most it could do, without running it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrator inspect ./from-a-stranger.wasm
  orchestrator inspect two-containers --json")]
pub(super) struct Inspect {
    /// Module: a file (with a `/`, or ending in `.wasm` or `.wat`) or the name of a built-in example
    module: String,
    /// Size of the module, up to which it is read
    #[arg(long, value_name = "SIZE", default_value = "64MiB")]
    max_module: ByteSize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let source = Source::find(&self.module)?;
        sandbox::close_inherited(source.file());
        let unreadable = |error: anyhow::Error| Failure {
            exit: Exit::Usage,
            error: error.context(format!("`{}` can't be inspected", harmless(&self.module))),
            hint: None,
        };
        let module = source.read(self.max_module.as_u64()).map_err(|error| unreadable(error.into()))?;
        // From here on a stranger's bytes are read.
        sandbox::give_up(Vec::new())?;
        let survey = Survey::of(&module.name, module.bytes()).map_err(|error| unreadable(error.into()))?;
        let digest = module.digest().iter().map(|byte| format!("{byte:02x}")).collect();
        let inspected = Inspected { bytes: module.bytes().len() as u64, digest, survey, name: module.name };
        if self.json {
            print_json(&render::inspected_json(&inspected))?;
        } else {
            print(&render::inspected_text(&inspected))?;
        }
        Ok(Exit::Done)
    }
}
