//! The one component that is run: of a component, a core module, or a scenario with its libraries.

use std::borrow::Cow;

use thiserror::Error;

use super::bundle::{Part, parts};
use super::compose::{ComposeError, compose};
use super::core::{CoreError, adapted};
use super::kind::{Binary, KindError, binary};

/// Why there is none.
#[derive(Debug, Error)]
pub enum ModuleError {
    /// It is no module.
    #[error(transparent)]
    Kind(#[from] KindError),
    /// It is a core module that can't be run.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// It does not go together with its libraries.
    #[error(transparent)]
    Compose(#[from] ComposeError),
}

/// A component, and what it was made of.
#[derive(Debug)]
pub(super) struct Whole<'a> {
    /// What is run.
    pub(super) component: Cow<'a, [u8]>,
    /// The scenario, as whoever made it left it.
    pub(super) scenario: Cow<'a, [u8]>,
    /// That is a core module.
    pub(super) is_core: bool,
}

/// Makes a component of what is to be run. `name` stands for the file in what is said of its text.
pub fn component<'a>(name: &str, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, ModuleError> {
    Ok(whole(name, bytes)?.component)
}

/// The same, with what it was made of.
pub(super) fn whole<'a>(name: &str, bytes: &'a [u8]) -> Result<Whole<'a>, ModuleError> {
    let Some(parts) = parts(bytes) else { return single(name, bytes) };
    let (scenario, libraries) = parts.split_first().expect("a bundle has a scenario");
    let whole = single(scenario.name, scenario.bytes)?;
    let libraries = libraries.iter().map(library).collect::<Result<Vec<_>, _>>()?;
    let libraries: Vec<Part<'_>> = libraries.iter().map(|(name, bytes)| Part { name, bytes }).collect();
    let component = compose(Part { name: scenario.name, bytes: &whole.component }, &libraries)?;
    Ok(Whole { component: component.into(), ..whole })
}

fn single<'a>(name: &str, bytes: &'a [u8]) -> Result<Whole<'a>, ModuleError> {
    match binary(name, bytes)? {
        Binary::Core(module) => Ok(Whole { component: adapted(&module)?.into(), scenario: module, is_core: true }),
        Binary::Component(component) => Ok(Whole { scenario: component.clone(), component, is_core: false }),
    }
}

fn library<'a>(Part { name, bytes }: &Part<'a>) -> Result<(&'a str, Cow<'a, [u8]>), ComposeError> {
    match binary(name, bytes) {
        Ok(Binary::Component(component)) => Ok((name, component)),
        Ok(Binary::Core(_)) => Err(ComposeError::CoreLibrary((*name).into())),
        Err(error) => Err(ComposeError::NoLibrary { name: (*name).into(), why: error.to_string() }),
    }
}
