//! Asking a scenario what it is and takes: interface `describe`, in an instance of its own.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use thiserror::Error;
use wasmtime::Store;

use super::bindings::describes::exports::orchestrator::net::describe as wit;
use super::drawing::Drawing;
use super::drive::{drive, ended};
use super::grants::Granted;
use super::limits::RunLimits;
use super::load::{LoadError, Prepared};
use super::rehearsal::Rehearsal;
use super::run::{End, Order, Stage};
use crate::module::{Argument, Description, DescriptionError, Position, Presence, ValueType};
use crate::topology::Topology;

/// CPU time for the answer.
const CPU: Duration = Duration::from_secs(5);

/// Why a scenario that says what it is has not said it.
#[derive(Debug, Error)]
pub enum DescribeError {
    /// It could not be asked.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It was ended before it had answered.
    #[error("it was ended before it had said what it takes")]
    Ended(End),
    /// It says what can't be used.
    #[error("what it says of itself can't be used: {0}")]
    Description(#[from] DescriptionError),
}

/// Asks a scenario what it is, if it says so. What it draws meanwhile is drawn nowhere.
pub fn describe(prepared: &Prepared, limits: RunLimits) -> Result<Option<Description>, DescribeError> {
    if prepared.describes.is_none() {
        return Ok(None);
    }
    let network = Topology::new(limits.lab);
    let lab_name = prepared.identity.name.clone();
    let order = Order {
        arguments: Vec::new(),
        limits: RunLimits { cpu: limits.cpu.min(CPU), ..limits },
        granted: Granted::nothing(),
        // They end this process as they would without it: nothing is begun yet.
        signals: Vec::new(),
        stage: Stage::Plan,
        backend: Arc::new(Mutex::new(Rehearsal::new(&network, None, lab_name.clone()))),
        network,
        lab_name,
    };
    let (told, _) = drive(prepared, order, ask)?;
    let told = told.map_err(DescribeError::Ended)?;
    Ok(told.map(Description::from).map(Description::check).transpose()?)
}

async fn ask(prepared: &Prepared, store: &mut Store<Drawing>) -> Result<Option<wit::Description>, End> {
    let Some(describes) = &prepared.describes else { return Ok(None) };
    let told = async {
        let scenario = describes.instantiate_async(&mut *store).await?;
        scenario.orchestrator_net_describe().call_describe(&mut *store).await
    };
    told.await.map(Some).map_err(|error| ended(&error, store))
}

impl From<wit::Description> for Description {
    fn from(wit::Description { title, summary, arguments }: wit::Description) -> Self {
        Self { title, summary, arguments: arguments.into_iter().map(Argument::from).collect() }
    }
}

impl From<wit::Argument> for Argument {
    fn from(wit::Argument { name, summary, position, type_, presence }: wit::Argument) -> Self {
        let position = match position {
            wit::Position::Positional => Position::Positional,
            wit::Position::Named => Position::Named,
        };
        let presence = match presence {
            wit::Presence::Required => Presence::Required,
            wit::Presence::Optional => Presence::Optional,
            wit::Presence::Default(default) => Presence::Default(default),
        };
        Self { name, summary, position, value: type_.into(), presence }
    }
}

impl From<wit::ValueType> for ValueType {
    fn from(value: wit::ValueType) -> Self {
        match value {
            wit::ValueType::Flag => Self::Flag,
            wit::ValueType::Integer(wit::IntegerRange { min, max }) => Self::Integer(RangeInclusive::new(min, max)),
            wit::ValueType::Decimal(wit::DecimalRange { min, max }) => Self::Decimal(RangeInclusive::new(min, max)),
            wit::ValueType::Text => Self::Text,
            wit::ValueType::Choice(choices) => Self::Choice(choices),
            wit::ValueType::Address => Self::Address,
            wit::ValueType::Cidr => Self::Cidr,
        }
    }
}
