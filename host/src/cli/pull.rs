//! `orchestrator pull`

use bytesize::ByteSize;
use clap::Args;

use super::limits::size;
use super::output::print;
use super::progress::Progress;
use super::registry::{AccessFlags, or_a_file, reference};
use super::survey::survey;
use super::{Exit, Failure, complete};
use crate::module::Digest;
use crate::registry::{Reference, Remote, RemoteError, Store};
use crate::render::{self, Inspected};
use crate::script::{LoadError, Module};

/// Bring a module from a registry into this user's store
#[derive(Debug, Args)]
#[command(after_help = "\
`run`, `plan` and `inspect` take REF as it is, and pull it if it is not in the store. Once it is there they ask no registry: `pull` looks whether a tag leads to another module by now. The store is an OCI image layout: as root in /var/lib/orchestrator, else in $XDG_DATA_HOME/orchestrator or ~/.local/share/orchestrator.

Credentials are those of `docker login`. HTTPS_PROXY and NO_PROXY are heeded.

Examples:
  orchestrator pull registry.example.org/someone/leaf-spine:1
  orchestrator pull localhost:5000/leaf-spine --ca ca.pem")]
pub(super) struct Pull {
    /// Module in a registry: REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST
    #[arg(value_name = "REF", add = complete::stored())]
    reference: String,
    /// Size of the module, up to which it is taken
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "64MiB")]
    max_module: ByteSize,
    /// REF was given where a file could have been
    #[arg(long, hide = true)]
    or_a_file: bool,
    #[command(flatten)]
    access: AccessFlags,
}

impl Pull {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let reference = reference(&self.reference)?;
        let act = || format!("could not pull `{reference}`");
        let outcome = self.pull(&reference, &act);
        let outcome = if self.or_a_file { outcome.map_err(or_a_file) } else { outcome };
        let (digest, pulled) = outcome.map_err(|failure| failure.context(act()))?;
        match pulled {
            Some(inspected) => {
                print(&format!("pulled `{reference}`, {digest}\n\n{}", render::inspected_text(&inspected)))?
            }
            None => print(&format!("`{reference}` is in the store as it is in the registry, {digest}\n"))?,
        }
        Ok(Exit::Done)
    }

    /// Returns the digest of the module's manifest, and what it is if it was not in the store before.
    fn pull(&self, reference: &Reference, act: &dyn Fn() -> String) -> Result<(Digest, Option<Inspected>), Failure> {
        let limit = self.max_module.as_u64();
        let remote = Remote::to_pull(reference, &self.access.read()?)?;
        let (manifest, digest, artifact) = remote.manifest()?;
        if artifact.bytes > limit {
            return Err(LoadError::TooLarge { limit: ByteSize(limit).display().iec() }.into());
        }
        let store = Store::open()?;
        let here = store.whole(&artifact);
        // What is damaged is brought again.
        let before = store.get(reference).ok().flatten().map(|stored| stored.digest);
        if here.is_some() && before == Some(digest) {
            return Ok((digest, None));
        }
        let (config, _) = remote.config(&artifact)?;
        let (draft, bytes) = match here {
            Some(bytes) => (None, bytes),
            None => {
                let mut draft = store.draft()?;
                let mut progress = Progress::of_bytes(format!("pulling `{reference}`"), artifact.bytes);
                remote.blob(artifact.layer, artifact.bytes, &mut draft, |received| progress.at(received))?;
                let bytes = draft.read().map_err(RemoteError::Write)?;
                (Some(draft), bytes)
            }
        };
        // What is no module is not kept.
        let module = Module::new(reference.file_name().to_string_lossy(), bytes);
        let survey = survey(&module, act)?;
        store.keep(reference, &manifest, &config, draft, (artifact.layer, module.bytes()))?;
        Ok((digest, Some(Inspected::of(&module.identity().name, artifact.bytes, artifact.layer.0, survey))))
    }
}
