//! `orchestrator run` on a lab that stands.

use std::fs::File;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::code::{Code, code_of};
use super::ended::{failure, not_loaded};
use super::progress::Progress;
use super::run::Run;
use super::source::Source;
use super::{Exit, Failure};
use crate::lab::{Client, LabName};
use crate::plan::{Step, edit};
use crate::protocol::{EditOrder, Edited, Model, Origin};
use crate::render::{self, Counts};
use crate::sandbox;
use crate::script::{self, End, Granted, Look, Rehearsal, Report, RunLimits, Seen, Stage};
use crate::topology::{Limits, PingAnswer, Topology, drift, observed};

/// How long links may take to come to rest before the looks are repeated.
const REST: Duration = Duration::from_secs(1);

/// An edit that was begun.
pub(super) struct Edit<'a> {
    pub(super) run: &'a Run,
    pub(super) name: &'a LabName,
    pub(super) client: Client,
    pub(super) start: Instant,
}

impl Edit<'_> {
    pub(super) fn order(run: &Run, origin: Origin, limits: Limits) -> EditOrder {
        EditOrder { origin, limits, on_host: run.on_host, update: run.update, force: run.force }
    }

    /// Runs the scenario against the model, and makes the lab what it draws.
    pub(super) fn execute(
        self,
        model: Model,
        source: Source,
        limits: RunLimits,
        granted: (Granted, Vec<File>),
    ) -> Result<Exit, Failure> {
        let (wanted, looks) = self.rehearse(source, limits, granted)?;
        eprint!("{}", render::warnings(&wanted.warnings()));
        for step in &model.by_hand {
            eprintln!("note: `{step}` was done by hand; the lab becomes what the scenario draws");
        }
        let steps = edit(&model.topology, &wanted).map_err(|error| Failure {
            exit: Exit::Failed,
            error: error.into(),
            hint: Some("`--replace` builds the lab afresh".into()),
        })?;
        let took = || format!("{:.1} ms", self.start.elapsed().as_secs_f64() * 1000.0);
        let name = self.name;
        if steps.is_empty() {
            self.complete()?;
            eprintln!("lab `{name}`: no change\ntook {}", took());
            return Ok(Exit::Done);
        }
        if self.run.verbose {
            eprint!("{}", render::difference(&steps));
        }
        let counts = Counts::of(&steps);
        self.apply(steps)?;
        self.repeat(&looks)?;
        self.complete()?;
        let (netns, links) = (wanted.netns_count(), wanted.link_count());
        eprintln!("lab `{name}` was edited: {counts}; it has {netns} netns and {links} links\ntook {}", took());
        Ok(Exit::Done)
    }

    fn rehearse(
        &self,
        source: Source,
        limits: RunLimits,
        (granted, directories): (Granted, Vec<File>),
    ) -> Result<(Topology, Vec<(Look, Seen)>), Failure> {
        let module = &self.run.module;
        let broken = |error| not_loaded(error, module);
        let started = Instant::now();
        let bytes = source.read(limits.module).map_err(broken)?;
        let Code { engine, bytes: code, .. } = code_of(&bytes, &limits, module)?;
        sandbox::give_up(directories)?;
        // SAFETY: `code_of` is where all code comes from.
        let prepared = unsafe { bytes.load(engine, &code, started) }.map_err(broken)?;
        let network = if self.run.on_host { Topology::on_machine(limits.lab) } else { Topology::new(limits.lab) };
        // Nothing is applied, and the model answers: it only shows what the scenario logs.
        let backend = Arc::new(Mutex::new(Rehearsal::new(&network, None, self.name.to_string())));
        let order = script::Order {
            arguments: self.run.arguments.clone(),
            lab_name: self.name.to_string(),
            limits,
            granted,
            network,
            signals: crate::lab::ending_signals(),
            stage: Stage::Edit,
            backend,
        };
        let Report { end, network, looks } = script::run(prepared, order).map_err(broken)?;
        // From here on it is the agent that undoes what is interrupted.
        crate::lab::signals_end_this_again();
        if !matches!(end, End::Success) {
            eprintln!("note: lab `{}` is as it was", self.name);
            return Err(failure(end, module));
        }
        Ok((network, looks))
    }

    /// Has the steps done, or undone again.
    fn apply(&self, steps: Vec<Step>) -> Result<(), Failure> {
        let mut progress = Progress::of_many(format!("editing `{}`", self.name), steps.len() as u64);
        let edited = self.client.apply_edit(steps, |done| progress.at(done));
        drop(progress);
        let Edited { failure, drift, left } = edited?;
        for drift in &drift {
            eprintln!("note: the lab was changed by hand: {drift}");
        }
        let Some(failed) = failure else { return Ok(()) };
        let error = anyhow::Error::new(*failed).context(format!("lab `{}` could not be edited", self.name));
        Err(self.undone(error, &left))
    }

    fn undone(&self, error: anyhow::Error, left: &[crate::topology::Drift]) -> Failure {
        let name = self.name;
        if left.is_empty() {
            return Failure { exit: Exit::Failed, error, hint: Some(format!("lab `{name}` is as it was before")) };
        }
        let error = error.context(format!("not all of the edit could be undone:\n{}", render::drift_table(left)));
        Failure { exit: Exit::Left, error, hint: Some(format!("`orchestrator repair {name}` tries again")) }
    }

    /// Asks the kernel what the model was asked since the last change. An answer that is another undoes the edit.
    fn repeat(&self, looks: &[(Look, Seen)]) -> Result<(), Failure> {
        // Pings wait by themselves for what they depend on.
        if looks.iter().any(|look| matches!(look, (Look::Netns(_), _))) {
            self.client.settle(REST)?;
        }
        for look in looks {
            let other = match look {
                (Look::Ping(pings), Seen::Pinged(expected)) => {
                    let answers = self.client.ping(pings.clone())?;
                    let mut pairs = pings.iter().zip(expected.iter().zip(&answers));
                    let same = |one: &PingAnswer, other: &PingAnswer| {
                        std::mem::discriminant(&one.outcome) == std::mem::discriminant(&other.outcome)
                    };
                    pairs.find(|(_, (expected, found))| !same(expected, found)).map(|(ping, (expected, found))| {
                        format!(
                            "ping `{}` from netns `{}`: the kernel says {:?}, the model of the network {:?}",
                            ping.target, ping.source, found.outcome, expected.outcome
                        )
                    })
                }
                (Look::Netns(_), Seen::Netns(expected)) => {
                    let mut expected = expected.clone();
                    // Of one netns the peers are not told.
                    expected.links.iter_mut().for_each(|link| link.peer = None);
                    let found = self.client.observe(expected.name.clone())?;
                    drift(&comparable(*expected), &comparable(found)).first().map(ToString::to_string)
                }
                (Look::Settle(timeout), _) => {
                    let late = self.client.settle(*timeout)?;
                    (!late.is_empty()).then(|| format!("not at rest after {timeout:?}: {}", late.join(", ")))
                }
                _ => None,
            };
            if let Some(other) = other {
                let left = self.client.undo()?;
                let error = anyhow::anyhow!("{other}").context(format!(
                    "what the scenario looked at is otherwise in the lab `{}`, so the edit was undone",
                    self.name
                ));
                return Err(self.undone(error, &left));
            }
        }
        Ok(())
    }

    fn complete(&self) -> Result<(), Failure> {
        for name in self.client.complete()? {
            eprintln!("warning: `{name}` is somebody else's and was left alone");
        }
        Ok(())
    }
}

/// Without what a netns has only where the kernel has IPv6 there.
fn comparable(mut netns: observed::Netns) -> observed::Netns {
    netns.links.iter_mut().for_each(|link| link.addresses.retain(|address| address.scope != "link"));
    netns.routes.retain(|route| route.protocol != "kernel" || !route.destination.addr().is_ipv6());
    netns
}
