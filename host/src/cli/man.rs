//! `orchestrator man`

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};

use super::output::print;
use super::{Cli, Exit, Failure};

/// Print the man page, or write those of all commands
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrator man | man -l -
  orchestrator man --out ~/.local/share/man/man1")]
pub(super) struct Man {
    /// Write orchestrator.1, orchestrator-run.1 and so on to DIR
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        match self.out {
            None => {
                let mut page = Vec::new();
                // `help` has no page of its own.
                clap_mangen::Man::new(Cli::command().disable_help_subcommand(true))
                    .render(&mut page)
                    .context("could not make the page")?;
                print(&String::from_utf8_lossy(&page))?;
            }
            Some(directory) => {
                fs::create_dir_all(&directory).map_err(Failure::about("make", &directory))?;
                clap_mangen::generate_to(Cli::command(), &directory).map_err(Failure::about("write to", &directory))?;
            }
        }
        Ok(Exit::Done)
    }
}
