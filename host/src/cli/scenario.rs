//! A scenario on its way from a file to its end: the same for `run`, for an edit and for `plan`.

use std::fs::File;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::Failure;
use super::arguments::checked;
use super::code::{Code, code_of};
use super::describe::ask;
use super::ended::not_loaded;
use super::source::Source;
use crate::lab::{self, LabName};
use crate::render::Compiled;
use crate::sandbox;
use crate::script::{self, Backend, Granted, Prepared, Report, RunLimits, Stage};
use crate::topology::Topology;

/// A scenario that was found, and what it is given.
pub(super) struct Scenario<'a> {
    pub(super) source: Source,
    /// As the user calls it.
    pub(super) module: &'a str,
    pub(super) arguments: &'a [String],
    pub(super) lab: &'a LabName,
    pub(super) limits: RunLimits,
    pub(super) granted: Granted,
    /// What the sandbox leaves open.
    pub(super) directories: Vec<File>,
    /// Its host is the machine itself.
    pub(super) on_machine: bool,
}

/// A scenario that can be run, in a process that can do nothing any more but ask the agent.
pub(super) struct Loaded<'a> {
    prepared: Prepared,
    /// How its code was come by.
    pub(super) compiled: Compiled,
    module: &'a str,
    order: script::Order,
}

impl<'a> Scenario<'a> {
    /// Returns the network that it begins with.
    pub(super) fn network(&self) -> Topology {
        if self.on_machine { Topology::on_machine(self.limits.lab) } else { Topology::new(self.limits.lab) }
    }

    /// Comes by its code, gives up whatever else this process may do, makes it ready, and checks its arguments if it says what it
    /// takes.
    pub(super) fn load(self, stage: Stage, backend: Arc<Mutex<dyn Backend>>) -> Result<Loaded<'a>, Failure> {
        let network = self.network();
        let Self { source, module, arguments, lab, limits, granted, directories, on_machine: _ } = self;
        let broken = |error| not_loaded(error, module);
        let started = Instant::now();
        let Code { engine, native, identity, compiled } = code_of(source, &limits, module)?;
        sandbox::give_up(directories)?;
        let prepared = native.prepare(engine, identity, started).map_err(broken)?;
        let arguments = match ask(&prepared, &limits, module)? {
            Some(description) => checked(&description, arguments, module)?,
            None => arguments.to_vec(),
        };
        let order = script::Order {
            arguments,
            lab_name: lab.to_string(),
            limits,
            granted,
            signals: lab::ending_signals(),
            stage,
            backend,
            network,
        };
        Ok(Loaded { prepared, compiled, module, order })
    }
}

impl Loaded<'_> {
    /// Runs it to its end.
    pub(super) fn run(self) -> Result<Report, Failure> {
        script::run(&self.prepared, self.order).map_err(|error| not_loaded(error, self.module))
    }
}
