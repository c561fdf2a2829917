//! `orchestrator agent`, which only `run` starts.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use super::limits::LabLimitFlags;
use super::{Exit, Failure};
use crate::agent::{self, Config};
use crate::protocol::Origin;

/// Serve one lab; started by `run`
#[derive(Debug, Parser)]
#[command(name = "orchestrator agent")]
pub(super) struct Agent {
    #[arg(long)]
    directory: PathBuf,
    #[arg(long)]
    replaces: Option<PathBuf>,
    #[arg(long)]
    name: String,
    #[arg(long)]
    module: String,
    #[arg(long)]
    source: String,
    #[command(flatten)]
    limits: LabLimitFlags,
    #[arg(long)]
    rootless: bool,
    #[arg(long)]
    outer_max_netns: Option<u64>,
    #[arg(long)]
    one_id: Option<String>,
    #[arg(long)]
    publish: bool,
    #[arg(long)]
    on_host: bool,
}

impl Agent {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let Self {
            directory,
            replaces,
            name,
            module,
            source,
            limits,
            rootless,
            outer_max_netns,
            one_id,
            publish,
            on_host,
        } = self;
        let (limits, origin) = (limits.into(), Origin { module, source });
        let config =
            Config { directory, replaces, name, origin, limits, rootless, outer_max_netns, one_id, publish, on_host };
        let done = agent::serve(config) == ExitCode::SUCCESS;
        Ok(if done { Exit::Done } else { Exit::Failed })
    }
}
