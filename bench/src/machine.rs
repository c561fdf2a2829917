//! On what was measured, and when.

use std::fs;
use std::thread::available_parallelism;
use std::time::SystemTime;

use anyhow::Result;
use serde::Serialize;

/// The machine that we run on.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// The model of its processors.
    pub(crate) cpu: String,
    /// How many of them there are for us.
    pub(crate) cores: usize,
    /// The release of its kernel.
    pub(crate) kernel: String,
    /// The day, in UTC.
    pub(crate) date: String,
    /// The load of the last minute before we began: what else ran takes part in each figure.
    pub(crate) load: String,
}

impl Machine {
    /// Looks at the machine.
    pub(crate) fn look() -> Result<Self> {
        let cpus = fs::read_to_string("/proc/cpuinfo")?;
        // arm64 has no line with a name.
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let load = fs::read_to_string("/proc/loadavg")?;
        Ok(Self {
            cpu: model.map_or("unknown", |(_, name)| name.trim()).to_owned(),
            cores: available_parallelism()?.get(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            date: now.split('T').next().unwrap_or_default().to_owned(),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
        })
    }
}
