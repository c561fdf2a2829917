//! The clock of a rehearsal: it starts at a fixed time and moves only when the guest waits, at once.
//!
//! tokio's own clock, paused, does just that: when all there is to do is to wait, it goes to the end of the wait. WASI's waits and
//! ours are by that clock already; here the guest is shown it too.

use std::time::Duration;

use tokio::time::Instant;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

/// When it starts: 2000-01-01T00:00:00Z, in seconds since 1970.
const START: u64 = 946_684_800;

/// The time since the beginning of a rehearsal.
#[derive(Clone, Copy, Debug)]
pub(super) struct RehearsalClock(Instant);

impl RehearsalClock {
    /// Starts it. To be called on a runtime whose clock is paused.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }
}

impl HostWallClock for RehearsalClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        Duration::from_secs(START) + self.0.elapsed()
    }
}

impl HostMonotonicClock for RehearsalClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
