//! The script's backend: the agent of a real lab.

use std::time::{Duration, Instant};

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
    /// Something was sent to the agent.
    pub(super) touched: bool,
    /// How long the agent built.
    pub(super) building: Duration,
}

impl Live {
    pub(super) fn new(client: Client, lab: String, verbose: bool) -> Self {
        Self { client, lab, verbose, touched: false, building: Duration::ZERO }
    }

    /// Waits until the agent can begin.
    pub(super) fn ready(&self) -> Result<(), Error> {
        self.client.ready()
    }

    /// Lets the lab stand by itself.
    pub(super) fn complete(&self) -> Result<(), Error> {
        self.client.complete()
    }
}

fn refusal(act: &str, error: Error) -> Refusal {
    match error {
        Error::Step(failure) => failure.into(),
        Error::Agent { errno, message } => {
            let code = errno.as_ref().map_or(Code::Kernel, Code::from);
            Refusal { code, errno, act: act.into(), why: message }
        }
        other => Refusal { code: Code::Kernel, errno: None, act: act.into(), why: other.to_string() },
    }
}

impl Backend for Live {
    fn apply(&mut self, steps: Vec<Step>) -> Result<(), Refusal> {
        self.touched = true;
        if self.verbose {
            for step in &steps {
                eprintln!("{step}");
            }
        }
        let start = Instant::now();
        let outcome = self.client.apply(steps);
        self.building += start.elapsed();
        outcome.map_err(|error| refusal("build the lab", error))
    }

    fn ping(&mut self, pings: Vec<Ping>) -> Result<Vec<PingAnswer>, Refusal> {
        self.client.ping(pings).map_err(|error| refusal("ping", error))
    }

    fn observe(&mut self, netns: NetnsName) -> Result<observed::Netns, Refusal> {
        let act = format!("read netns `{netns}`");
        let mut read = self.client.observe(Some(netns)).map_err(|error| refusal(&act, error))?;
        read.pop().ok_or_else(|| Refusal { code: Code::NotFound, errno: None, act, why: "nothing was read".into() })
    }

    fn settle(&mut self, timeout: Duration) -> Result<Vec<String>, Refusal> {
        self.client.settle(timeout).map_err(|error| refusal("wait for the lab", error))
    }

    fn log(&mut self, message: &str) {
        eprintln!("{}: {message}", self.lab);
    }
}
