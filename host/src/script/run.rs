//! Running a scenario to its end, whichever end that is.

use std::sync::{Arc, Mutex};

use wasmtime::Store;
use wasmtime_wasi::I32Exit;

use super::Backend;
use super::drawing::Drawing;
use super::drive::{drive, ended};
use super::errors::Failure;
use super::grants::Granted;
use super::limits::RunLimits;
use super::load::{LoadError, Prepared};
use super::look::{Look, Seen};
use crate::topology::{Refusal, Topology};

/// How a scenario is to be run.
pub struct Order {
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it is told of its lab's name.
    pub lab_name: String,
    /// What it may use.
    pub limits: RunLimits,
    /// What it may use besides.
    pub granted: Granted,
    /// The network that it begins with.
    pub network: Topology,
    /// The numbers of the signals that end it.
    pub signals: Vec<i32>,
    /// What it is run for.
    pub stage: Stage,
    /// Who makes its steps real.
    pub backend: Arc<Mutex<dyn Backend>>,
}

/// What a scenario is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// To build a lab: the kernel answers its looks.
    Lab,
    /// To edit one that stands. The model answers its looks, and its time is not the user's.
    Edit,
    /// The same, to tell what it would do. What it prints is no answer then.
    Plan,
}

impl Stage {
    /// Tells whether the model answers.
    pub(super) fn is_rehearsal(self) -> bool {
        self != Self::Lab
    }
}

/// How a scenario ended.
#[derive(Debug)]
pub enum End {
    /// It returned success, and all that it drew stands.
    Success,
    /// It returned an error, which it has told the user itself.
    Failed,
    /// It trapped; the text has its own stack.
    Trapped(String),
    /// It reached a limit; the text says which, and the flag.
    Limit(String),
    /// The kernel gave no memory for it to be run in.
    NoMemory,
    /// A step was refused; the lab is undone.
    NotApplied(Refusal),
    /// This process got a signal that ends it.
    Interrupted(i32),
}

/// What became of a run.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub end: End,
    /// The network that was drawn.
    pub network: Topology,
    /// What was looked at since the last change, while a lab is edited.
    pub looks: Vec<(Look, Seen)>,
}

/// Runs a scenario. To be called after this process has given up what it had.
pub fn run(prepared: &Prepared, order: Order) -> Result<Report, LoadError> {
    let (ended, Drawing { topology: network, looks, .. }) = drive(prepared, order, scenario)?;
    Ok(Report { end: ended.err().unwrap_or(End::Success), network, looks })
}

async fn scenario(prepared: &Prepared, store: &mut Store<Drawing>) -> Result<(), End> {
    let returned = async {
        let command = prepared.command.instantiate_async(&mut *store).await?;
        command.wasi_cli_run().call_run(&mut *store).await
    };
    let returned = returned.await;
    // An apply that failed is what matters, whatever the scenario made of it.
    if let Some(failed) = store.data().failed.clone() {
        return Err(End::NotApplied(failed));
    }
    match returned {
        Ok(Ok(())) => finish(store).await,
        Ok(Err(())) => Err(End::Failed),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(0)) => finish(store).await,
            Some(_) => Err(End::Failed),
            None => Err(ended(&error, store)),
        },
    }
}

async fn finish(store: &mut Store<Drawing>) -> Result<(), End> {
    store.data_mut().apply().await.map_err(|error| match error {
        // The guest is told less.
        Failure::Refused(refusal) => End::NotApplied(store.data().failed.clone().unwrap_or(refusal)),
        Failure::Trap(error) => ended(&error, store),
    })
}
