//! `orchestrator inspect`

use bytesize::ByteSize;
use clap::Args;

use super::describe::describe;
use super::libraries::LibraryFlags;
use super::limits::{LimitFlags, size};
use super::output::{print, print_json};
use super::registry::{AccessFlags, kept, or_a_file, reference_of};
use super::source::Source;
use super::survey::survey;
use super::{Exit, Failure, complete};
use crate::registry::{Artifact, Reference, Remote};
use crate::render::{self, Inspected, Published};
use crate::script::RunLimits;
use crate::topology::harmless;

/// Tell what a module is, takes and could do at most, without running it
#[derive(Debug, Args)]
#[command(after_help = "\
Of a module in a registry that is not in the store it tells what whoever has pushed it says: the module itself is not brought. One that says what it draws and takes is asked that in the sandbox, with a network that is thrown away.

Examples:
  orchestrator inspect ./from-a-stranger.wasm
  orchestrator inspect two-containers --json")]
pub(super) struct Inspect {
    /// Module: a file (with a `/`, or ending in `.wasm` or `.wat`), one in a registry (REGISTRY/NAME:TAG), or the name of a
    /// built-in example
    #[arg(add = complete::module_or_library())]
    module: String,
    /// Size of the module, up to which it is read
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "64MiB")]
    max_module: ByteSize,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    libraries: LibraryFlags,
    #[command(flatten)]
    access: AccessFlags,
}

impl Inspect {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let published = match reference_of(&self.module) {
            Some(reference) => {
                Some(self.published(&reference?).map_err(|failure| or_a_file(failure).context(self.act()))?)
            }
            None => None,
        };
        if let Some(published) = published.as_ref().filter(|published| !published.is_here) {
            if !self.libraries.is_empty() {
                let failure = Failure::usage(format!("`{}` is not in the store", harmless(&self.module)));
                return Err(
                    failure.hint("`orchestrator pull REF` brings it, so that it can be composed with libraries")
                );
            }
            if self.json {
                print_json(&render::published_json(published))?;
            } else {
                print(&render::published_text(published))?;
            }
            return Ok(Exit::Done);
        }
        let inspected = self.inspected()?;
        if self.json {
            let mut json = render::inspected_json(&inspected);
            if let Some(published) = &published {
                json["published"] = render::published_json(published);
            }
            print_json(&json)?;
        } else {
            let published = published.map(|published| render::published_text(&published) + "\n").unwrap_or_default();
            print(&(published + &render::inspected_text(&inspected)))?;
        }
        Ok(Exit::Done)
    }

    fn inspected(&self) -> Result<Inspected, Failure> {
        let limit = self.max_module.as_u64();
        let module = self.libraries.find(&self.module, limit)?.read(limit);
        let module = module.map_err(|error| Failure::from(error).context(self.act()))?;
        let survey = survey(&module, || self.act())?;
        let name = module.identity().name.clone();
        let mut inspected = Inspected::of(&name, module.bytes().len() as u64, module.identity().digest, survey);
        if inspected.can_be_run() && inspected.survey.is_described() {
            let limits = RunLimits { module: limit, ..LimitFlags::default().into() };
            let source = Source::Bytes { name, identity: String::new(), bytes: module.into_bytes() };
            // What it says may be wrong; what it could do is to be told all the more.
            match describe(source, &limits, &self.module) {
                Ok(description) => inspected.description = description,
                Err(failure) => inspected.undescribed = Some(format!("{:#}", failure.error)),
            }
        }
        Ok(inspected)
    }

    /// Comes by what is said of a module of a registry: from the store if it is there.
    fn published(&self, reference: &Reference) -> Result<Published, Failure> {
        if let Some(stored) = kept(reference)? {
            return Ok(published(stored.name, stored.digest.to_string(), stored.artifact, None, true));
        }
        let remote = Remote::to_pull(reference, &self.access.read()?)?;
        let (_, digest, artifact) = remote.manifest()?;
        let (_, imports) = remote.config(&artifact)?;
        Ok(published(reference.to_string(), digest.to_string(), artifact, imports, false))
    }

    fn act(&self) -> String {
        format!("`{}` can't be inspected", harmless(&self.module))
    }
}

fn published(
    name: String,
    digest: String,
    Artifact { bytes, label, .. }: Artifact,
    imports: Option<Vec<String>>,
    is_here: bool,
) -> Published {
    Published {
        name,
        digest,
        bytes,
        description: label.description,
        source: label.source,
        licenses: label.licenses,
        wit: label.wit,
        imports,
        is_here,
    }
}
