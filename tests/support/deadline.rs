//! Waiting for something to become true, by looking often and giving up in time.

use std::thread;
use std::time::{Duration, Instant};

/// Looks until `look` finds something, and returns that, or `None` when the deadline has passed.
///
/// It looks at least once, and once more after the last pause, so that a slow machine gets its chance.
pub(crate) fn poll_until<T>(deadline: Instant, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let mut pause = Duration::from_millis(1);
    loop {
        let late = Instant::now() >= deadline;
        if let Some(found) = look() {
            return Some(found);
        }
        if late {
            return None;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
