//! A step that the kernel refused.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Step;
use crate::topology::{Code, Errno, Refusal};

/// A step that the kernel refused, with what it said.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("could not {}: {}", step.act(), self.said())]
pub struct StepFailure {
    /// What was tried.
    pub step: Step,
    /// What the kernel returned.
    pub errno: Errno,
    /// The kernel's extended acknowledgement, or what else is known of the cause.
    pub text: Option<String>,
}

impl StepFailure {
    fn said(&self) -> String {
        match &self.text {
            Some(text) => format!("{}: {text}", self.errno),
            None => self.errno.to_string(),
        }
    }
}

impl From<StepFailure> for Refusal {
    fn from(failure: StepFailure) -> Self {
        let (act, why) = (failure.step.act(), failure.said());
        Self { code: Code::from(&failure.errno), errno: Some(failure.errno), act, why }
    }
}
