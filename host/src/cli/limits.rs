//! The flags that limit a run.

use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, Parser};

use crate::script::RunLimits;
use crate::topology::Limits;

/// Reads SIZE.
pub(super) fn size(text: &str) -> Result<ByteSize, &'static str> {
    text.parse().map_err(|_| "a size is a number of bytes, or has a unit, as 64MiB has")
}

/// What one run may use. Reaching a limit ends the scenario, and the lab is undone.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitFlags {
    /// Size of the module
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "64MiB")]
    max_module: ByteSize,
    /// Memory of the guest
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "256MiB")]
    max_memory: ByteSize,
    /// CPU time of the guest; waiting does not count
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    max_cpu: Duration,
    /// Time in all
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = humantime::parse_duration)]
    max_time: Duration,
    /// Output of the guest, on stdout and stderr together
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "64MiB")]
    max_output: ByteSize,
    /// Handles that the guest holds at a time; 100000 at most
    #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_handles: u32,
    #[command(flatten)]
    lab: LabLimitFlags,
}

/// How large a lab may become.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct LabLimitFlags {
    /// Network namespaces, the host not counted
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().netns)]
    max_netns: usize,
    /// Links, `lo` not counted
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().links)]
    max_links: usize,
    /// Addresses and routes together
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().addresses_and_routes)]
    max_addresses_and_routes: usize,
}

impl From<LabLimitFlags> for Limits {
    fn from(flags: LabLimitFlags) -> Self {
        Self { netns: flags.max_netns, links: flags.max_links, addresses_and_routes: flags.max_addresses_and_routes }
    }
}

impl From<LimitFlags> for RunLimits {
    fn from(flags: LimitFlags) -> Self {
        Self {
            module: flags.max_module.as_u64(),
            memory: usize::try_from(flags.max_memory.as_u64()).unwrap_or(usize::MAX),
            cpu: flags.max_cpu,
            time: flags.max_time,
            output: flags.max_output.as_u64(),
            handles: flags.max_handles as usize,
            lab: flags.lab.into(),
        }
    }
}

impl Default for LimitFlags {
    /// What holds where none of them is given.
    fn default() -> Self {
        #[derive(Parser)]
        #[command(no_binary_name = true)]
        struct None {
            #[command(flatten)]
            flags: LimitFlags,
        }
        None::parse_from([""; 0]).flags
    }
}
