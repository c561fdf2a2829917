//! `wit/lab.wit`

use std::time::Duration;

use super::bindings::orchestrator::net::lab::Host;
use super::drawing::Drawing;
use super::errors::Failure;
use crate::topology::{Errno, Refusal, harmless};

/// The longest line that `log` shows.
const LONGEST_LINE: usize = 8192;

impl Host for Drawing {
    async fn name(&mut self) -> wasmtime::Result<String> {
        Ok(self.lab_name.clone())
    }

    async fn apply(&mut self) -> Result<(), Failure> {
        Self::apply(self).await
    }

    async fn wait(&mut self, timeout_ms: u32) -> Result<(), Failure> {
        let timeout = Duration::from_millis(timeout_ms.into());
        let waiting = self.wait_for_links(timeout).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let why = format!("not at rest after {timeout_ms} ms: {}", waiting.join(", "));
        Err(Refusal::new(Errno::ETIMEDOUT, "wait for the lab", why).into())
    }

    async fn log(&mut self, message: String) -> wasmtime::Result<()> {
        // The line has the lab's name in front, so an empty one is not for nothing.
        self.meter.count_output(message.len() + self.lab_name.len() + 3)?;
        let shown = harmless(&message.chars().take(LONGEST_LINE).collect::<String>());
        self.ask(move |backend| backend.log(&shown)).await
    }
}
