//! `orchestrator cache`

use clap::Args;

use super::output::{print, print_json};
use super::{Exit, Failure};
use crate::cache::{self, Cache, Entry};
use crate::own::Unfit;
use crate::render::{self, CachedModule};

/// Show the compiled modules that are kept for the next run, or remove them
#[derive(Debug, Args)]
#[command(after_help = "\
Compiling takes far longer than running, so `run` and `plan` keep what they compile: as root in /var/cache/orchestrator, else in $XDG_CACHE_HOME/orchestrator or ~/.cache/orchestrator. Those that were not used for longest go when all together are larger than 512 MiB. A module is named by its SHA-256, as `sha256sum` prints it.

Examples:
  orchestrator cache
  orchestrator cache --empty")]
pub(super) struct CacheCommand {
    /// Remove them all
    #[arg(long)]
    empty: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl CacheCommand {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let place = cache::place().map_err(unusable)?;
        let cache = Cache::find().map_err(unusable)?;
        let act = if self.empty { "empty" } else { "read" };
        let entries = match &cache {
            Some(cache) => {
                if self.empty { cache.empty() } else { cache.list() }.map_err(Failure::about(act, &place))?
            }
            None => Vec::new(),
        };
        let modules: Vec<CachedModule> = entries.into_iter().map(shown).collect();
        if self.json {
            print_json(&render::cache_json(&place, &modules, self.empty))?;
        } else {
            print(&render::cache_table(&place, &modules, self.empty))?;
        }
        Ok(Exit::Done)
    }
}

fn shown(entry: Entry) -> CachedModule {
    CachedModule {
        module: entry.key.module().to_owned(),
        bytes: entry.bytes,
        used: humantime::format_rfc3339_seconds(entry.used).to_string(),
    }
}

fn unusable(unfit: Unfit) -> Failure {
    let hint = match unfit {
        Unfit::Unsafe { .. } => Some("remove it, and the next run makes a new one".into()),
        Unfit::Nowhere(_) | Unfit::Closed { .. } => None,
    };
    Failure { exit: Exit::Unable, error: unfit.into(), hint }
}
