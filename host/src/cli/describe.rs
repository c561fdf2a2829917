//! What a scenario says of itself, asked by a process that has given up what it had.

use std::time::Instant;

use super::arguments::{ask_for_help, help};
use super::code::{Code, code_of};
use super::ended::{failure, not_loaded};
use super::libraries::LibraryFlags;
use super::output::print;
use super::source::Source;
use super::{Exit, Failure};
use crate::module::Description;
use crate::sandbox;
use crate::script::{self, DescribeError, Prepared, RunLimits};
use crate::topology::harmless;

/// Asks a module what it is. Where it says so, this process can do nothing afterwards but print.
pub(super) fn describe(source: Source, limits: &RunLimits, module: &str) -> Result<Option<Description>, Failure> {
    let started = Instant::now();
    sandbox::close_inherited(source.file());
    let Code { engine, native, identity, .. } = code_of(source, limits, module)?;
    if !native.is_described(&engine) {
        return Ok(None);
    }
    sandbox::give_up(Vec::new())?;
    let prepared = native.prepare(engine, identity, started).map_err(|error| not_loaded(error, module))?;
    ask(&prepared, limits, module)
}

/// Asks a scenario that is about to be run.
pub(super) fn ask(prepared: &Prepared, limits: &RunLimits, module: &str) -> Result<Option<Description>, Failure> {
    script::describe(prepared, *limits).map_err(|error| match error {
        DescribeError::Load(error) => not_loaded(error, module),
        DescribeError::Ended(end) => {
            let failure = failure(end, module);
            let context = format!("`{}` can't say what it takes", harmless(module));
            failure.context(context)
        }
        error @ DescribeError::Description(_) => {
            let error = anyhow::Error::new(error).context(format!("`{}` can't be run", harmless(module)));
            Failure { exit: Exit::No, error, hint: None }
        }
    })
}

/// Answers `-- --help` in the place of a scenario that says what it takes. Others answer themselves.
pub(super) fn answer(
    module: &str,
    libraries: &LibraryFlags,
    arguments: &[String],
    limits: &RunLimits,
) -> Result<Option<Exit>, Failure> {
    if !ask_for_help(arguments) {
        return Ok(None);
    }
    let Some(description) = describe(libraries.find(module, limits.module)?, limits, module)? else { return Ok(None) };
    print(&help(&description, &harmless(module)))?;
    Ok(Some(Exit::Done))
}
