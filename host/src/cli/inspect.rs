//! `orchestrator inspect`

use std::time::{Duration, Instant};

use bytesize::ByteSize;
use clap::Args;

use super::code::{broke_off, unclear};
use super::output::{print, print_json};
use super::source::Source;
use super::{Exit, Failure};
use crate::cache::{self, CompilerError, Task};
use crate::module::Survey;
use crate::render::{self, Inspected};
use crate::script::{LoadError, Module};
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

/// How long a module may take to be read; 64 MiB take seconds.
const PATIENCE: Duration = Duration::from_secs(60);

impl Inspect {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let source = Source::find(&self.module)?;
        let module = source.read(self.max_module.as_u64()).map_err(|error| self.unreadable(error))?;
        let survey = self.survey(&module)?;
        let digest = module.identity().digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = module.bytes().len() as u64;
        let inspected = Inspected { bytes, digest, survey, name: module.identity().name.clone() };
        if self.json {
            print_json(&render::inspected_json(&inspected))?;
        } else {
            print(&render::inspected_text(&inspected))?;
        }
        Ok(Exit::Done)
    }

    /// Has the module read by the process that compiles, as it is a stranger's.
    fn survey(&self, module: &Module) -> Result<Survey, Failure> {
        match cache::compile(Task::Survey, &module.identity().name, module.bytes(), Instant::now() + PATIENCE, || ()) {
            Ok(told) => serde_json::from_slice(&told).map_err(|_| unclear(&told, self.act())),
            Err(CompilerError::Refused(report)) => Err(match serde_json::from_slice(&report) {
                Ok(refused) => self.unreadable(LoadError::Compile(refused)),
                Err(_) => unclear(&report, self.act()),
            }),
            Err(CompilerError::OutOfTime) => {
                let limit = humantime::format_duration(PATIENCE);
                let error = anyhow::anyhow!("it takes longer than {limit} to be read").context(self.act());
                Err(Failure { exit: Exit::No, error, hint: None })
            }
            Err(error) => Err(broke_off(error, self.act())),
        }
    }

    fn unreadable(&self, error: LoadError) -> Failure {
        Failure::from(error).context(self.act())
    }

    fn act(&self) -> String {
        format!("`{}` can't be inspected", harmless(&self.module))
    }
}
