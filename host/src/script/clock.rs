//! The clock of a rehearsal: it starts at a fixed time and moves only when the guest waits, at once.
//!
//! tokio's own clock, paused, does just that: when all there is to do is to wait, it goes to the end of the wait. WASI's waits and
//! ours are by that clock already; here the guest is shown it too.

use std::future::pending;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

/// When it starts: 2000-01-01T00:00:00Z, in seconds since 1970.
const START: u64 = 946_684_800;

/// For how long the machine has been up then.
const UP: Duration = Duration::from_secs(1);

/// The time since the beginning of a rehearsal.
#[derive(Clone, Copy, Debug)]
pub(super) struct RehearsalClock(Instant);

impl RehearsalClock {
    /// Starts it. To be called on a runtime whose clock is paused.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }
}

/// Waits until the time in all is over, of which some had passed before the scenario began.
///
/// A rehearsal has all of it by its own clock, so that it ends alike on every machine. That clock stands still while the guest is
/// held up by anything but a wait, as by a file that has no end, so the user's own time is looked at too.
pub(super) async fn end_of_time(limit: Duration, begun: std::time::Instant, rehearsal: bool) {
    let left = limit.saturating_sub(begun.elapsed());
    if !rehearsal {
        return tokio::time::sleep(left).await;
    }
    tokio::select! {
        () = tokio::time::sleep(limit) => {}
        () = real_time(left) => {}
    }
}

/// Waits by the user's own clock.
async fn real_time(time: Duration) {
    let (over, wait) = oneshot::channel::<()>();
    let sleep = move || {
        thread::sleep(time);
        drop(over);
    };
    match thread::Builder::new().name("time".into()).spawn(sleep) {
        Ok(_) => {
            // All that comes is the end of the thread.
            let _ = wait.await;
        }
        Err(_) => pending().await,
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
        // Nobody's machine was started at this very moment, and Go's runtime ends a program that is told so.
        u64::try_from((UP + self.0.elapsed()).as_nanos()).unwrap_or(u64::MAX)
    }
}
