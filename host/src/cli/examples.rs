//! `orchestrator examples`

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::source::EXAMPLES;
use super::{Exit, Failure};
use crate::render;

/// List the built-in examples, or write them to files
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrator examples
  orchestrator examples --out ./examples    # writes ./examples/two-containers.wasm and the others")]
pub(super) struct Examples {
    /// Write each to DIR/NAME.wasm
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Examples {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        if let Some(directory) = &self.out {
            fs::create_dir_all(directory).with_context(|| format!("could not make `{}`", directory.display()))?;
            for example in EXAMPLES {
                let path = directory.join(format!("{}.wasm", example.name));
                fs::write(&path, example.wasm).with_context(|| format!("could not write `{}`", path.display()))?;
            }
        }
        let rows: Vec<(&str, &str)> = EXAMPLES.iter().map(|example| (example.name, example.summary)).collect();
        if self.json {
            render::json(&render::examples_json(&rows));
        } else {
            print!("{}", render::examples_table(&rows));
        }
        Ok(Exit::Done)
    }
}
