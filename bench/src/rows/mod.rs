//! What is measured: one file a group of rows.

mod agent;
mod build;
mod edit;
mod exec;
mod fabric;
mod ipv6;
mod look;
mod softirq;
mod start;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::account::Account;
use crate::findings::Findings;

/// At which sizes, and how often.
pub(crate) struct Plan {
    /// Numbers of containers, ascending.
    pub(crate) sizes: Vec<u32>,
    /// How many samples each figure has.
    pub(crate) runs: u32,
    /// `n-containers` in other languages, each called after its own.
    pub(crate) modules: Vec<PathBuf>,
    /// What runs them too.
    pub(crate) wasmtime: Option<PathBuf>,
}

impl Plan {
    /// The largest number of containers.
    fn largest(&self) -> u32 {
        self.sizes.last().copied().unwrap_or_default()
    }
}

/// A group of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// `run`, beside `ip -batch` and the floor, and `down`
    Build,
    /// `exec`
    Exec,
    /// The agent's memory, descriptors and idling
    Agent,
    /// What IPv6 adds
    Ipv6,
    /// What the kernel goes on doing after the build
    Softirq,
    /// Thousands of namespaces
    Fabric,
    /// `run` of a lab that stands
    Edit,
    /// `list` and `show`
    Look,
    /// From the start to the guest's first word
    Start,
}

impl Group {
    /// Measures its rows for an account.
    pub(crate) fn measure(self, account: &Account, plan: &Plan, findings: &mut Findings) -> Result<()> {
        let measure = match self {
            Self::Build => build::measure,
            Self::Exec => exec::measure,
            Self::Agent => agent::measure,
            Self::Ipv6 => ipv6::measure,
            Self::Softirq => softirq::measure,
            Self::Fabric => fabric::measure,
            Self::Edit => edit::measure,
            Self::Look => look::measure,
            Self::Start => start::measure,
        };
        eprintln!("{}: {self:?}", account.name);
        measure(account, plan, findings).with_context(|| format!("{}: {self:?}", account.name))
    }
}
