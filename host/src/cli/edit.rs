//! `orchestrator run` on a lab that stands.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};
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
use crate::script::{self, Backend, End, Granted, Rehearsal, Report, RunLimits, Stage};
use crate::topology::{NetnsName, Ping, PingAnswer, Refusal, Topology, drift, observed};

/// How long links may take to come to rest before the looks are repeated.
const REST: Duration = Duration::from_secs(1);

/// What the scenario has looked at since its last change.
#[derive(Debug)]
enum Look {
    Ping(Vec<Ping>, Vec<PingAnswer>),
    Netns(observed::Netns),
    Settled,
}

/// The model behind a scenario whose lab stands. What it is asked is to be asked of the kernel once more.
struct Rehearsed {
    rehearsal: Rehearsal,
    looks: Vec<Look>,
}

impl Backend for Rehearsed {
    fn apply(&mut self, steps: Vec<Step>) -> Result<(), Refusal> {
        self.looks.clear();
        self.rehearsal.apply(steps)
    }

    fn ping(&mut self, pings: Vec<Ping>) -> Result<Vec<PingAnswer>, Refusal> {
        let answers = self.rehearsal.ping(pings.clone())?;
        self.looks.push(Look::Ping(pings, answers.clone()));
        Ok(answers)
    }

    fn observe(&mut self, netns: NetnsName) -> Result<observed::Netns, Refusal> {
        let observed = self.rehearsal.observe(netns)?;
        self.looks.push(Look::Netns(observed.clone()));
        Ok(observed)
    }

    fn settle(&mut self, timeout: Duration) -> Result<Vec<String>, Refusal> {
        self.looks.push(Look::Settled);
        self.rehearsal.settle(timeout)
    }

    fn log(&mut self, message: &str) {
        self.rehearsal.log(message);
    }
}

/// An edit that was begun.
pub(super) struct Edit<'a> {
    pub(super) run: &'a Run,
    pub(super) name: &'a LabName,
    pub(super) client: Client,
    pub(super) start: Instant,
}

impl Edit<'_> {
    pub(super) fn order(run: &Run, origin: Origin) -> EditOrder {
        EditOrder { origin, on_host: run.on_host, update: run.update, force: run.force }
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
    ) -> Result<(Topology, Vec<Look>), Failure> {
        let module = &self.run.module;
        let broken = |error| not_loaded(error, module);
        let started = Instant::now();
        let bytes = source.read(limits.module).map_err(broken)?;
        let Code { engine, bytes: code, .. } = code_of(&bytes, &limits, module)?;
        sandbox::give_up(directories)?;
        // SAFETY: `code_of` is where all code comes from.
        let prepared = unsafe { bytes.load(engine, &code, started) }.map_err(broken)?;
        let network = if self.run.on_host { Topology::on_machine(limits.lab) } else { Topology::new(limits.lab) };
        let rehearsal = Rehearsal::new(&network, None, self.name.to_string());
        let rehearsed = Arc::new(Mutex::new(Rehearsed { rehearsal, looks: Vec::new() }));
        let order = script::Order {
            arguments: self.run.arguments.clone(),
            lab_name: self.name.to_string(),
            limits,
            granted,
            network,
            signals: crate::lab::ending_signals(),
            stage: Stage::Edit,
            backend: rehearsed.clone(),
        };
        let Report { end, network } = script::run(prepared, order).map_err(broken)?;
        if !matches!(end, End::Success) {
            failure_note(self.name);
            return Err(failure(end, module));
        }
        let looks = std::mem::take(&mut rehearsed.lock().unwrap_or_else(PoisonError::into_inner).looks);
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
    fn repeat(&self, looks: &[Look]) -> Result<(), Failure> {
        if looks.is_empty() {
            return Ok(());
        }
        self.client.settle(REST)?;
        for look in looks {
            let other = match look {
                Look::Settled => None,
                Look::Ping(pings, expected) => {
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
                Look::Netns(expected) => {
                    let mut expected = expected.clone();
                    // Of one netns the peers are not told.
                    expected.links.iter_mut().for_each(|link| link.peer = None);
                    let found = self.client.observe(expected.name.clone())?;
                    drift(&expected, &found).first().map(ToString::to_string)
                }
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

fn failure_note(name: &LabName) {
    eprintln!("note: lab `{name}` is as it was");
}
