//! What takes longer than half a second, on a terminal: what is done, and for how long.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Sooner there is nothing to see.
const PATIENCE: Duration = Duration::from_millis(500);

/// Work under way. It is shown on stderr where that is a terminal, and is not to be seen any more when this is dropped.
pub(super) struct Progress {
    what: String,
    since: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins work.
    pub(super) fn of(what: impl Into<String>) -> Self {
        Self { what: what.into(), since: Instant::now(), bar: None }
    }

    /// Shows that it goes on.
    pub(super) fn tick(&mut self) {
        if let Some(bar) = self.bar() {
            bar.tick();
        }
    }

    fn bar(&mut self) -> Option<&ProgressBar> {
        if self.bar.is_none() && self.since.elapsed() >= PATIENCE {
            self.bar = Some(self.show());
        }
        self.bar.as_ref()
    }

    fn show(&self) -> ProgressBar {
        let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}").expect("the template is well-formed");
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
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
