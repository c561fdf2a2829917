//! `orchestrator examples`

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::output::{print, print_json};
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
            fs::create_dir_all(directory).map_err(Failure::about("make", directory))?;
            for example in EXAMPLES {
                let path = directory.join(format!("{}.wasm", example.name));
                fs::write(&path, example.wasm).map_err(Failure::about("write", &path))?;
            }
        }
        let rows: Vec<(&str, &str)> = EXAMPLES.iter().map(|example| (example.name, example.summary)).collect();
        if self.json {
            print_json(&render::examples_json(&rows))?;
        } else {
            print(&render::examples_table(&rows))?;
        }
        Ok(Exit::Done)
    }
}
