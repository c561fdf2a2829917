//! `orchestrator modules`

use clap::Args;

use super::output::{print, print_json};
use super::registry::reference;
use super::{Exit, Failure, complete};
use crate::registry::{self, Store, Stored};
use crate::render::{self, PulledModule};

/// Show the modules that were pulled from registries, or remove some
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrator modules
  orchestrator modules --remove registry.example.org/someone/leaf-spine:1")]
pub(super) struct Modules {
    /// Remove this one; what is in a lab that stands stays there
    #[arg(long, value_name = "REF", add = complete::stored())]
    remove: Vec<String>,
    /// Remove those that no tag leads to any more
    #[arg(long, conflicts_with = "remove")]
    prune: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Modules {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let place = registry::place().map_err(registry::StoreError::from)?;
        let store = Store::find()?;
        for text in &self.remove {
            let reference = reference(text)?;
            let is_gone = store.as_ref().map(|store| store.remove(&reference)).transpose()?;
            if is_gone != Some(true) {
                return Err(Failure::usage(format!("there is no `{reference}` in the store"))
                    .hint("`orchestrator modules` lists what there is"));
            }
            eprintln!("removed `{reference}`");
        }
        if self.prune {
            let count = store.as_ref().map(Store::prune).transpose()?.unwrap_or_default();
            eprintln!("removed {count} without a tag");
        }
        if !self.json && (self.prune || !self.remove.is_empty()) {
            return Ok(Exit::Done);
        }
        let (modules, damaged) = store.map(|store| store.list()).transpose()?.unwrap_or_default();
        let modules: Vec<PulledModule> = modules.into_iter().map(shown).collect();
        if self.json {
            print_json(&render::modules_json(&place, &modules))?;
        } else {
            print(&render::modules_table(&place, &modules))?;
        }
        match damaged.into_iter().next() {
            Some((name, error)) => {
                Err(Failure::from(error).context(format!("the module `{}` is lost", crate::topology::harmless(&name))))
            }
            None => Ok(Exit::Done),
        }
    }
}

fn shown(stored: Stored) -> PulledModule {
    PulledModule {
        name: stored.name,
        digest: stored.digest.to_string(),
        bytes: stored.artifact.bytes,
        pulled: humantime::format_rfc3339_seconds(stored.pulled).to_string(),
    }
}
