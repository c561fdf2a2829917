//! What takes longer than half a second, on a terminal: what is done, how much of how much, for how long.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Sooner there is nothing to see.
const PATIENCE: Duration = Duration::from_millis(500);

/// Work under way. It is shown on stderr where that is a terminal, and is not to be seen any more when this is dropped.
pub(super) struct Progress {
    what: String,
    total: Option<u64>,
    in_bytes: bool,
    since: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins work of which nobody knows how much it is.
    pub(super) fn of(what: impl Into<String>) -> Self {
        Self::begun(what, None)
    }

    /// Begins work of so many parts.
    pub(super) fn of_many(what: impl Into<String>, total: u64) -> Self {
        Self::begun(what, Some(total))
    }

    /// Begins work on so many bytes.
    pub(super) fn of_bytes(what: impl Into<String>, total: u64) -> Self {
        let mut progress = Self::begun(what, Some(total));
        progress.in_bytes = true;
        progress
    }

    fn begun(what: impl Into<String>, total: Option<u64>) -> Self {
        Self { what: what.into(), total, in_bytes: false, since: Instant::now(), bar: None }
    }

    /// Shows that it goes on.
    pub(super) fn tick(&mut self) {
        if let Some(bar) = self.bar() {
            bar.tick();
        }
    }

    /// Shows how many of its parts are done.
    pub(super) fn at(&mut self, done: u64) {
        if let Some(bar) = self.bar() {
            bar.set_position(done);
        }
    }

    fn bar(&mut self) -> Option<&ProgressBar> {
        if self.bar.is_none() && self.since.elapsed() >= PATIENCE {
            self.bar = Some(self.show());
        }
        self.bar.as_ref()
    }

    fn show(&self) -> ProgressBar {
        let (template, total) = match self.total {
            None => ("{spinner} {msg}, {elapsed}", 0),
            Some(total) if self.in_bytes => ("{msg}: {binary_bytes} of {binary_total_bytes}, {elapsed}", total),
            Some(total) => ("{msg}: {human_pos} of {human_len} steps, {elapsed}", total),
        };
        let style = ProgressStyle::with_template(template).expect("the templates above are well-formed");
        ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr())
            .with_style(style)
            .with_message(self.what.clone())
            .with_elapsed(self.since.elapsed())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
