//! The command line.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use crate::account::Account;
use crate::rows::{Group, Plan};
use crate::stage;

/// Measure orchestrator beside `ip -batch` and the least that the kernel takes
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) action: Option<Action>,

    /// Numbers of containers
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [2, 10, 100, 1000],
          value_parser = clap::value_parser!(u32).range(2..=1000))]
    sizes: Vec<u32>,

    /// How often each is measured
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,

    /// What is measured [default: all]
    #[arg(long, value_name = "ROW,...", value_delimiter = ',')]
    rows: Vec<Group>,

    /// Measure this ordinary user too
    #[arg(long, value_name = "UID", value_parser = clap::value_parser!(u32).range(1..))]
    user: Option<u32>,

    /// Measure the start of `n-containers` in other languages too: those in this folder, LANG.wasm each
    #[arg(long, value_name = "DIR")]
    modules: Option<PathBuf>,

    /// Measure the start of those in this wasmtime too
    #[arg(long, value_name = "PROGRAM", requires = "modules")]
    wasmtime: Option<PathBuf>,

    /// Write all samples
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Write the table between the two marks in a document
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// Draw milliseconds a container against their number
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,
}

/// What the program is to do instead of measuring.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Build the star, and return when it stands; it does until standard input ends
    #[command(hide = true)]
    Floor {
        /// Its containers
        #[arg(value_parser = clap::value_parser!(u32).range(2..=1000))]
        containers: u32,
    },
}

impl Arguments {
    /// The accounts to measure: root, then the ordinary user. Makes their homes.
    pub(crate) fn accounts(&self) -> Result<Vec<Account>> {
        let user = self.user.map(|uid| Account::new("user", Some(uid)));
        [Account::new("root", None)].into_iter().chain(user).collect()
    }

    /// The groups of rows to measure, in their order.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Group> {
        Group::value_variants().iter().copied().filter(|group| self.rows.is_empty() || self.rows.contains(group))
    }

    /// At which sizes, how often, and with what. Puts that where every account can reach it.
    pub(crate) fn plan(&self) -> Result<Plan> {
        let mut sizes = self.sizes.clone();
        sizes.sort_unstable();
        sizes.dedup();
        let mut modules = Vec::new();
        for entry in self.modules.iter().map(fs::read_dir).collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
            let path = entry?.path();
            if path.extension() == Some(OsStr::new("wasm")) {
                modules.push(stage::put(&path)?);
            }
        }
        modules.sort();
        let wasmtime = self.wasmtime.as_deref().map(stage::put).transpose()?;
        Ok(Plan { sizes, runs: self.runs, modules, wasmtime })
    }
}
