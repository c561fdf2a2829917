//! `orchestrator run` on a lab that stands.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::ended::failure;
use super::progress::Progress;
use super::run::Run;
use super::scenario::Scenario;
use super::{Exit, Failure};
use crate::lab::{Client, LabName};
use crate::plan::{Step, edit};
use crate::protocol::{EditOrder, Edited, Model, Origin};
use crate::render::{self, Counts};
use crate::script::{End, Look, Rehearsal, Report, Seen, Stage};
use crate::topology::{Drift, Limits, PingAnswer, Topology, drift, forget_own_ipv6, forget_peers};

/// How long links may take to come to rest before the looks are repeated.
const REST: Duration = Duration::from_secs(1);

/// The most changes by hand that are told of; `check` lists all.
const NOTES: usize = 10;

/// An edit that was begun.
pub(super) struct Edit<'a> {
    pub(super) run: &'a Run,
    pub(super) name: &'a LabName,
    pub(super) client: Arc<Client>,
    pub(super) start: Instant,
}

/// A scenario that has succeeded against the model.
struct Rehearsed {
    /// What the lab should be up to now.
    model: Model,
    /// What the scenario draws.
    wanted: Topology,
    /// What it looked at since its last change.
    looks: Vec<(Look, Seen)>,
}

impl Edit<'_> {
    pub(super) fn order(run: &Run, origin: Origin, limits: Limits) -> EditOrder {
        EditOrder { origin, limits, on_host: run.on_host, update: run.update, force: run.force }
    }

    /// Runs the scenario against the model, and makes the lab what it draws.
    pub(super) fn execute(self, scenario: Scenario<'_>) -> Result<Exit, Failure> {
        let Rehearsed { model, wanted, looks } = self.rehearse(scenario)?;
        let (warnings, steps) = thread::scope(|scope| {
            let warnings = thread::Builder::new().spawn_scoped(scope, || wanted.warnings());
            let steps = edit(&model.topology, &wanted);
            // Without a thread for it, it is done after the other.
            let warnings = warnings.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| wanted.warnings());
            (warnings, steps)
        });
        eprint!("{}", render::warnings(&warnings));
        for step in &model.by_hand {
            eprintln!("note: `{step}` was done by hand; the lab becomes what the scenario draws");
        }
        let steps = steps.map_err(|error| Failure {
            exit: Exit::Failed,
            error: error.into(),
            hint: Some("`--replace` builds the lab afresh".into()),
        })?;
        let took = || format!("{:.1} ms", self.start.elapsed().as_secs_f64() * 1000.0);
        let name = self.name;
        if steps.is_empty() {
            let drift = self.client.check()?;
            self.complete()?;
            eprintln!("lab `{name}`: no change\ntook {}", took());
            tell_of_drift(name, &drift);
            return Ok(Exit::Done);
        }
        if self.run.verbose {
            eprint!("{}", render::difference(&steps));
        }
        let counts = Counts::of(&steps);
        let drift = self.apply(steps)?;
        self.repeat(&looks)?;
        self.complete()?;
        let (netns, links) = (wanted.netns_count(), wanted.link_count());
        eprintln!("lab `{name}` was edited: {counts}; it has {netns} netns and {links} links\ntook {}", took());
        if !drift.is_empty() {
            eprintln!("\nhint: `orchestrator check {name}` lists what is left of the changes by hand");
        }
        // The process ends here. To free these bit by bit takes longer than the kernel to make a netns.
        std::mem::forget((wanted, model));
        Ok(Exit::Done)
    }

    /// Has the scenario draw, and takes in beside it what the lab should be up to now.
    fn rehearse(&self, scenario: Scenario<'_>) -> Result<Rehearsed, Failure> {
        // Nothing is applied, and the model answers: it only shows what the scenario logs.
        let backend = Arc::new(Mutex::new(Rehearsal::new(&scenario.network(), None, self.name.to_string())));
        let loaded = scenario.load(Stage::Edit, backend)?;
        let client = self.client.clone();
        // Not before this process can do nothing else any more: a thread keeps what it may do.
        let model = thread::Builder::new().name("model".into()).spawn(move || client.begun());
        let Report { end, network, looks } = loaded.run()?;
        // From here on it is the agent that undoes what is interrupted.
        crate::lab::signals_end_this_again();
        if !matches!(end, End::Success) {
            eprintln!("note: lab `{}` is as it was", self.name);
            return Err(failure(end, &self.run.module));
        }
        let model = match model {
            Ok(model) => model.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?,
            Err(_) => self.client.begun()?,
        };
        Ok(Rehearsed { model, wanted: network, looks })
    }

    /// Has the steps done, or undone again. Returns what was changed by hand where they were done.
    fn apply(&self, steps: Vec<Step>) -> Result<Vec<Drift>, Failure> {
        let mut progress = Progress::of_many(format!("editing `{}`", self.name), steps.len() as u64);
        let edited = self.client.apply_edit(steps, |done| progress.at(done));
        drop(progress);
        let Edited { failure, drift, left } = edited?;
        note_drift(&drift);
        let Some(failed) = failure else { return Ok(drift) };
        let error = anyhow::Error::new(*failed).context(format!("lab `{}` could not be edited", self.name));
        let undone = self.undone(error, &left);
        if drift.is_empty() || !left.is_empty() {
            return Err(undone);
        }
        let name = self.name;
        Err(undone.hint(format!(
            "lab `{name}` is as it was before; `orchestrator repair {name}` undoes what was changed by hand, which may be in the way"
        )))
    }

    fn undone(&self, error: anyhow::Error, left: &[Drift]) -> Failure {
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
                    let (mut expected, mut found) = (expected.clone(), self.client.observe(expected.name.clone())?);
                    // Of one netns the peers are not told, and not whether the kernel has IPv6 there.
                    forget_peers(&mut expected, |_| false);
                    [&mut *expected, &mut found].into_iter().for_each(forget_own_ipv6);
                    drift(&expected, &found).first().map(ToString::to_string)
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

/// Tells what was changed by hand.
fn note_drift(drift: &[Drift]) {
    for drift in drift.iter().take(NOTES) {
        eprintln!("note: the lab was changed by hand: {drift}");
    }
    if drift.len() > NOTES {
        eprintln!("note: ... and in {} more", drift.len() - NOTES);
    }
}

/// The same where it stays.
pub(super) fn tell_of_drift(lab: &LabName, drift: &[Drift]) {
    note_drift(drift);
    if !drift.is_empty() {
        eprintln!("\nhint: `orchestrator check {lab}` lists it, and `orchestrator repair {lab}` undoes it");
    }
}
