//! The script's backend: the agent of a real lab.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::progress::Progress;
use crate::lab::{Client, Error};
use crate::plan::Step;
use crate::script::Backend;
use crate::topology::{Code, NetnsName, Ping, PingAnswer, Refusal, observed};

/// The agent behind a script.
pub(super) struct Live {
    client: Client,
    lab: String,
    /// Each change is shown, in the words of `ip`.
    verbose: bool,
    tally: Arc<Tally>,
}

/// What a backend has done. It can be read while the backend waits for the agent.
#[derive(Debug, Default)]
pub(super) struct Tally {
    touched: AtomicBool,
    building: AtomicU64,
    hint: OnceLock<String>,
}

impl Tally {
    /// Tells whether anything was sent to the agent to build.
    pub(super) fn touched(&self) -> bool {
        self.touched.load(Ordering::Relaxed)
    }

    /// Returns what to do about the apply that failed. It has figures of the machine, which a guest is not told.
    pub(super) fn hint(&self) -> Option<&str> {
        self.hint.get().map(String::as_str)
    }

    /// Returns how long the agent built.
    pub(super) fn building(&self) -> Duration {
        Duration::from_nanos(self.building.load(Ordering::Relaxed))
    }
}

impl Live {
    pub(super) fn new(client: Client, lab: String, verbose: bool, tally: Arc<Tally>) -> Self {
        Self { client, lab, verbose, tally }
    }

    /// Waits until the agent can begin.
    pub(super) fn ready(&self) -> Result<(), Error> {
        self.client.ready()
    }

    /// Lets the lab stand by itself. Returns the names in `/run/netns` that somebody else has.
    pub(super) fn complete(&self) -> Result<Vec<String>, Error> {
        self.client.complete()
    }
}

fn refusal(act: &str, error: Error) -> Refusal {
    match error {
        Error::Step(failure) => (*failure).into(),
        Error::Conflict(conflict) => (*conflict).into(),
        Error::Short(shortage) => (*shortage).into(),
        Error::Agent { errno, message } => {
            let code = errno.as_ref().map_or(Code::Kernel, Code::from);
            // What the agent says may begin as this will.
            let why = message.strip_prefix(&format!("could not {act}: ")).unwrap_or(&message).to_owned();
            Refusal { code, errno, act: act.into(), why }
        }
        other => Refusal { code: Code::Kernel, errno: None, act: act.into(), why: other.to_string() },
    }
}

impl Backend for Live {
    fn apply(&mut self, steps: Vec<Step>) -> Result<(), Refusal> {
        let before = self.tally.touched.swap(true, Ordering::Relaxed);
        if self.verbose {
            for step in &steps {
                eprintln!("{step}");
            }
        }
        let start = Instant::now();
        let mut progress = Progress::of_many(format!("building `{}`", self.lab), steps.len() as u64);
        let outcome = self.client.apply(steps, |done| progress.at(done));
        drop(progress);
        if let Err(Error::Short(shortage)) = &outcome {
            self.tally.hint.get_or_init(|| shortage.hint());
        }
        if matches!(outcome, Err(Error::Conflict(_) | Error::Short(_))) {
            // None of these steps was begun.
            self.tally.touched.store(before, Ordering::Relaxed);
        }
        let took = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.tally.building.fetch_add(took, Ordering::Relaxed);
        outcome.map_err(|error| refusal("build the lab", error))
    }

    fn signals_are_waited_for(&mut self) {
        crate::lab::signals_are_waited_for();
    }

    fn ping(&mut self, pings: Vec<Ping>) -> Result<Vec<PingAnswer>, Refusal> {
        self.client.ping(pings).map_err(|error| refusal("ping", error))
    }

    fn observe(&mut self, netns: NetnsName) -> Result<observed::Netns, Refusal> {
        let act = format!("read netns `{netns}`");
        self.client.observe(netns).map_err(|error| refusal(&act, error))
    }

    fn settle(&mut self, timeout: Duration) -> Result<Vec<String>, Refusal> {
        self.client.settle(timeout).map_err(|error| refusal("wait for the lab", error))
    }

    fn log(&mut self, message: &str) {
        eprintln!("{}: {message}", self.lab);
    }
}
