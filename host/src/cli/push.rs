//! `orchestrator push`

use std::env;
use std::time::{Duration, SystemTime};

use bytesize::ByteSize;
use clap::Args;

use super::limits::size;
use super::output::print;
use super::progress::Progress;
use super::registry::{AccessFlags, reference};
use super::source::Source;
use super::survey::survey;
use super::{Exit, Failure, complete};
use crate::module::{self, Binary, wit};
use crate::registry::{Label, Package, Reference, Remote};
use crate::topology::harmless;

/// Send a module to a registry, from which others run it
#[derive(Debug, Args)]
#[command(after_help = "\
The artifact is the CNCF's for WebAssembly, which `wkg oci pull` takes too. Credentials are those of `docker login`. SOURCE_DATE_EPOCH, in seconds, says when the module was made, so that the same one has the same digest each time.

Examples:
  orchestrator push ./lab1.wasm registry.example.org/someone/lab1:1 \\
      --description 'Two offices and a way between' --license MIT
  orchestrator push two-containers localhost:5000/two-containers")]
pub(super) struct Push {
    /// Module: a file (with a `/`, or ending in `.wasm` or `.wat`) or the name of a built-in example
    #[arg(add = complete::module_or_library())]
    module: String,
    /// What it is to be called: REGISTRY/NAME:TAG
    #[arg(value_name = "REF")]
    reference: String,
    /// What it draws, in a line
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Where its source is
    #[arg(long, value_name = "URL")]
    source: Option<String>,
    /// Its licences, as an SPDX expression
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,
    /// Size of the module, up to which it is read
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "64MiB")]
    max_module: ByteSize,
    #[command(flatten)]
    access: AccessFlags,
}

impl Push {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let reference = reference(&self.reference)?;
        if reference.digest().is_some() {
            return Err(Failure::usage(format!("`{reference}` is called by its digest, which comes of pushing"))
                .hint("give it a tag"));
        }
        let act = format!("could not push `{}`", harmless(&self.module));
        self.push(&reference).map_err(|failure| failure.context(act))
    }

    fn push(&self, reference: &Reference) -> Result<Exit, Failure> {
        let source = Source::find(&self.module, self.max_module.as_u64())?;
        let module = source.read(self.max_module.as_u64())?;
        let survey = survey(&module, || format!("`{}` is no module", harmless(&self.module)))?;
        let name = module.identity().name.clone();
        // Text is for people.
        let bytes = match module::binary(&name, module.bytes()) {
            Ok(Binary::Core(bytes) | Binary::Component(bytes)) => bytes.into_owned(),
            Err(error) => return Err(Failure { exit: Exit::Usage, error: error.into(), hint: None }),
        };
        let ours = survey.imports.iter().find(|import| wit::is_ours(&import.interface));
        let label = Label {
            description: self.description.clone(),
            source: self.source.clone(),
            licenses: self.license.clone(),
            wit: ours.and_then(|import| import.version.clone()),
        };
        let size = ByteSize(bytes.len() as u64).display().iec();
        let package = Package::of(bytes, &survey, label, created()?).map_err(|error| Failure {
            exit: Exit::Failed,
            error: error.into(),
            hint: None,
        })?;
        let remote = Remote::to_push(reference, &self.access.read()?)?;
        let mut progress = Progress::of(format!("pushing `{reference}`"));
        remote.push(&package, || progress.tick())?;
        drop(progress);
        print(&format!("pushed `{reference}`, {size}, {}\n", package.digest()))?;
        Ok(Exit::Done)
    }
}

/// Returns the time at which a module is said to be made (reproducible-builds.org, SOURCE_DATE_EPOCH).
fn created() -> Result<String, Failure> {
    let time = match env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => {
            // What comes after the year 9999 RFC 3339 does not have.
            let seconds = text.parse().ok().filter(|seconds| *seconds < 253_402_300_800);
            let seconds = seconds.ok_or_else(|| {
                Failure::usage(format!("the time in SOURCE_DATE_EPOCH is no number of seconds: `{}`", harmless(&text)))
            })?;
            SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
        }
        Err(_) => SystemTime::now(),
    };
    Ok(humantime::format_rfc3339_seconds(time).to_string())
}
