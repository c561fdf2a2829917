//! What a run may use, and the meter that ends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use thiserror::Error;
use wasmtime::ResourceLimiter;

use crate::topology;

/// The most that one run may use.
#[derive(Clone, Copy, Debug)]
pub struct RunLimits {
    /// Bytes of the module.
    pub module: u64,
    /// Bytes of the guest's memories together.
    pub memory: usize,
    /// CPU time; waiting does not count.
    pub cpu: Duration,
    /// Time in all.
    pub time: Duration,
    /// Bytes on stdout, stderr and in `lab.log` together.
    pub output: u64,
    /// Handles that the guest holds at a time.
    pub handles: usize,
    /// How large the lab may become.
    pub lab: topology::Limits,
}

impl RunLimits {
    /// Returns the end that comes when the time in all is over.
    pub fn out_of_time(&self) -> LimitReached {
        let limit = format!("{} in all", humantime::format_duration(self.time));
        LimitReached { limit, flag: "--max-time" }
    }
}

/// A limit that a guest has reached; it ends the guest.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the scenario reached its limit of {limit}; `{flag}` raises it")]
pub struct LimitReached {
    pub(super) limit: String,
    pub(super) flag: &'static str,
}

/// Elements of the guest's tables together; a table has an element per function that is called indirectly.
const TABLE_ELEMENTS: usize = 1 << 20;

/// Bytes that one call of the guest may hand to the host, as often as its lists name the same text: each time is a copy of the host's
/// own. No call of ours or of WASI's has use for as many.
pub(super) const CALL: usize = 32 << 20;

/// Counts what a guest uses. Clones count together.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    limits: RunLimits,
    memory: usize,
    elements: usize,
    output: Arc<AtomicU64>,
}

impl Meter {
    pub(super) fn new(limits: RunLimits) -> Self {
        Self { limits, memory: 0, elements: 0, output: Arc::new(AtomicU64::new(0)) }
    }

    /// Counts bytes of output before they are written.
    pub(super) fn count_output(&self, bytes: usize) -> Result<(), LimitReached> {
        let before = self.output.fetch_add(bytes as u64, Ordering::Relaxed);
        if before.saturating_add(bytes as u64) > self.limits.output {
            let limit = format!("{} of output", bytesize::ByteSize(self.limits.output).display().iec());
            return Err(LimitReached { limit, flag: "--max-output" });
        }
        Ok(())
    }

    /// Refuses CPU time past the limit.
    pub(super) fn check_cpu(&self, used: Duration) -> Result<(), LimitReached> {
        if used <= self.limits.cpu {
            return Ok(());
        }
        let limit = format!("{} of CPU time", humantime::format_duration(self.limits.cpu));
        Err(LimitReached { limit, flag: "--max-cpu" })
    }

    /// Returns the end that comes when the time in all is over.
    pub(super) fn out_of_time(&self) -> LimitReached {
        self.limits.out_of_time()
    }

    /// Returns the end that comes when the handles are used up.
    pub(super) fn out_of_handles(&self) -> LimitReached {
        LimitReached { limit: format!("{} handles", self.limits.handles), flag: "--max-handles" }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.limits.memory {
            let limit = format!("{} of memory", bytesize::ByteSize(self.limits.memory as u64).display().iec());
            return Err(LimitReached { limit, flag: "--max-memory" }.into());
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.elements.saturating_add(desired.saturating_sub(current));
        // A table that can't grow is an ordinary answer to `table.grow`.
        let fits = total <= TABLE_ELEMENTS;
        if fits {
            self.elements = total;
        }
        Ok(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter() -> Meter {
        Meter::new(RunLimits {
            module: 0,
            memory: 1 << 20,
            cpu: Duration::from_secs(1),
            time: Duration::from_secs(1),
            output: 100,
            handles: 1,
            lab: topology::Limits::default(),
        })
    }

    #[test]
    fn output_of_all_streams_counts_together() {
        let (a, b) = (meter(), meter());
        let twin = a.clone();
        assert!(a.count_output(60).is_ok());
        let reached = twin.count_output(41).unwrap_err();
        assert_eq!(reached.to_string(), "the scenario reached its limit of 100 B of output; `--max-output` raises it");
        assert!(b.count_output(100).is_ok());
    }

    #[test]
    fn memories_count_together() {
        let mut meter = meter();
        assert!(meter.memory_growing(0, 600_000, None).is_ok());
        assert!(meter.memory_growing(0, 600_000, None).is_err());
    }
}
