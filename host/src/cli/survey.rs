//! Having a module read by the process that compiles, as it is a stranger's.

use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::code::{broke_off, unclear};
use super::{Exit, Failure};
use crate::cache::{self, CompilerError, Task};
use crate::module::Survey;
use crate::script::{LoadError, Module};

/// How long a module may take to be read; 64 MiB take seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tells what a module is. `act` says what can't be done if it can't be read.
pub(super) fn survey(module: &Module, act: impl Fn() -> String) -> Result<Survey, Failure> {
    read(Task::Survey, module, act)
}

/// Tells what a library exports: each package with its name.
pub(super) fn interfaces(module: &Module, act: impl Fn() -> String) -> Result<Vec<(String, String)>, Failure> {
    read(Task::Interfaces, module, act)
}

fn read<T: DeserializeOwned>(task: Task, module: &Module, act: impl Fn() -> String) -> Result<T, Failure> {
    let unreadable = |error: LoadError| Failure::from(error).context(act());
    match cache::compile(task, &module.identity().name, module.bytes(), Instant::now() + PATIENCE, || ()) {
        Ok(told) => serde_json::from_slice(&told).map_err(|_| unclear(&told, act())),
        Err(CompilerError::Refused(report)) => Err(match serde_json::from_slice(&report) {
            Ok(refused) => unreadable(LoadError::Compile(refused)),
            Err(_) => unclear(&report, act()),
        }),
        Err(CompilerError::OutOfTime) => {
            let limit = humantime::format_duration(PATIENCE);
            let error = anyhow::anyhow!("it takes longer than {limit} to be read").context(act());
            Err(Failure { exit: Exit::No, error, hint: None })
        }
        Err(error) => Err(broke_off(error, act())),
    }
}
