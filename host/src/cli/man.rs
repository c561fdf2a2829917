//! `orchestrator man`

use std::path::PathBuf;
use std::{fs, io};

use anyhow::Context;
use clap::{Args, CommandFactory};

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
            None => clap_mangen::Man::new(Cli::command()).render(&mut io::stdout()).context("could not print")?,
            Some(directory) => {
                fs::create_dir_all(&directory).with_context(|| format!("could not make `{}`", directory.display()))?;
                clap_mangen::generate_to(Cli::command(), &directory)
                    .with_context(|| format!("could not write to `{}`", directory.display()))?;
            }
        }
        Ok(Exit::Done)
    }
}
