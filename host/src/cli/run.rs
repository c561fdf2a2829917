//! `orchestrator run`

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;

use super::backend::{Live, Tally};
use super::limits::LimitFlags;
use super::source::Source;
use super::{Exit, Failure};
use crate::agent;
use crate::lab::{self, LabName, Started};
use crate::render::{self, Account};
use crate::sandbox;
use crate::script::{self, End, Report, RunLimits};
use crate::topology::harmless;

/// Run a scenario and let the network that it draws stand
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrator run two-containers                      # a built-in example
  orchestrator run ./my-lab.wasm --replace -- --nodes 5")]
pub(super) struct Run {
    /// Scenario: a file (with a `/`, or ending in `.wasm` or `.wat`) or the name of a built-in example
    module: String,
    /// Name of the lab [default: made from MODULE]
    #[arg(long, value_name = "LAB")]
    name: Option<LabName>,
    /// Remove the lab of this name, if one stands, just before the first step of the new one
    #[arg(long)]
    replace: bool,
    /// Build in the machine's own network instead of a private one: `host` is the machine itself. Only as root. What the machine
    /// has there is neither shown to the scenario nor touched
    #[arg(long)]
    on_host: bool,
    /// Remove the lab as soon as the scenario has succeeded
    #[arg(long)]
    rm: bool,
    /// Keep what had been built if the scenario fails
    #[arg(long)]
    keep: bool,
    /// Show each change of the kernel in the words of `ip`
    #[arg(short, long)]
    verbose: bool,
    /// Arguments of the scenario
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
    #[command(flatten)]
    limits: LimitFlags,
}

impl Run {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let start = Instant::now();
        let source = Source::find(&self.module)?;
        sandbox::close_inherited(source.file());
        let name = self.lab_name()?;
        lab::sweep(agent::undo)?;
        let limits = RunLimits::from(self.limits);
        let order = lab::Order {
            name: name.clone(),
            module: self.module.clone(),
            limits: limits.lab,
            replace: self.replace,
            on_host: self.on_host,
        };
        let Started { client, hold, published } = lab::start(&order, agent::undo)?;
        let tally = Arc::new(Tally::default());
        let live = Arc::new(Mutex::new(Live::new(client, name.to_string(), self.verbose, tally.clone())));
        let ended = sandbox::give_up().map_err(Failure::from).and_then(|()| self.play(source, &name, limits, &live));
        let lock = || live.lock().unwrap_or_else(PoisonError::into_inner);
        let complete = || {
            lock()
                .complete()
                .map_err(|error| Failure::from(error).context(format!("lab `{name}` could not be completed")))
        };
        let outcome = match ended {
            Ok((Report { end: End::Success, netns, links, first_netns }, compiled)) => {
                if self.rm {
                    hold.let_go()?;
                    eprintln!("lab `{name}` stood and was removed again");
                    return Ok(Exit::Done);
                }
                let building = tally.building();
                complete().map(|taken| {
                    warn_of_names(&taken);
                    let took = start.elapsed();
                    let netns_name = first_netns.as_deref();
                    let (published, on_host) = (published && taken.is_empty(), self.on_host);
                    let account = Account {
                        lab: name.as_str(),
                        netns,
                        links,
                        took,
                        compiled,
                        building,
                        netns_name,
                        published,
                        on_host,
                    };
                    eprint!("{}", render::account(&account));
                    Exit::Done
                })
            }
            Ok((Report { end, .. }, _)) => {
                let touched = tally.touched();
                let failure = failure(end, &self.module);
                // What has not begun yet would only take the place of a lab that stands.
                let may_be_kept = failure.exit == Exit::No && touched;
                failure.report();
                if self.keep && may_be_kept {
                    complete().map(|taken| {
                        warn_of_names(&taken);
                        eprintln!(
                            "\nlab `{name}` was kept as far as it had been built; `orchestrator down {name}` removes it"
                        );
                        failure.exit
                    })
                } else {
                    hold.let_go()?;
                    let note = if touched { "what had been built was undone" } else { "nothing had been built" };
                    eprintln!("note: {note}");
                    return Ok(failure.exit);
                }
            }
            Err(failure) => Err(failure),
        };
        if outcome.is_err() {
            hold.let_go()?;
        }
        outcome
    }

    fn lab_name(&self) -> Result<LabName, Failure> {
        match &self.name {
            Some(name) => Ok(name.clone()),
            None => LabName::from_module(Path::new(&self.module)).ok_or_else(|| {
                Failure::usage("no lab name can be made from this module's name").hint("give one with `--name`")
            }),
        }
    }

    /// Compiles and runs the scenario. From here on this process can do nothing but ask the agent.
    fn play(
        &self,
        source: Source,
        name: &LabName,
        limits: RunLimits,
        live: &Arc<Mutex<Live>>,
    ) -> Result<(Report, Duration), Failure> {
        let broken = |error: script::LoadError| match error {
            script::LoadError::OutOfTime(limit) => failure(End::Limit(limit.to_string()), &self.module),
            error => Failure::from(error).context(format!("`{}` can't be run", harmless(&self.module))),
        };
        let prepared = source.read(limits.module).and_then(|module| module.prepare(&limits)).map_err(broken)?;
        live.lock().unwrap_or_else(PoisonError::into_inner).ready()?;
        let compiled = prepared.compiled_in;
        let order = script::Order {
            arguments: self.arguments.clone(),
            lab_name: name.to_string(),
            limits,
            on_host: self.on_host,
            backend: live.clone(),
        };
        Ok((script::run(prepared, order).map_err(broken)?, compiled))
    }
}

fn warn_of_names(taken: &[String]) {
    for name in taken {
        eprintln!("warning: `{name}` is somebody else's and was left alone");
    }
}

/// Says how a scenario ended that did not succeed.
fn failure(end: End, module: &str) -> Failure {
    let module = harmless(module);
    let fail = |exit, error| Failure { exit, error, hint: None };
    match end {
        End::Success => fail(Exit::Done, anyhow::anyhow!("{module}: the scenario succeeded")),
        End::Failed => fail(Exit::No, anyhow::anyhow!("{module}: the scenario returned an error")),
        End::Trapped(text) => fail(Exit::No, anyhow::anyhow!("{module}: the scenario trapped: {text}")),
        End::Limit(text) => fail(Exit::No, anyhow::anyhow!("{module}: {text}")),
        End::NotApplied(refusal) if refusal.is_conflict() => {
            let error = anyhow::anyhow!("{}", refusal.why).context(format!("{module}: could not {}", refusal.act));
            fail(Exit::Usage, error).hint(
                "with `--on-host` the scenario's names and addresses have to be free on the machine; without, the lab has a host of its own",
            )
        }
        End::NotApplied(refusal) => {
            let errno = refusal.errno.as_ref().map(|errno| format!("{errno}: ")).unwrap_or_default();
            let why = refusal.why.strip_prefix(&errno).unwrap_or(&refusal.why).to_owned();
            fail(Exit::Failed, anyhow::anyhow!("{errno}{why}").context(format!("{module}: could not {}", refusal.act)))
        }
        End::Interrupted(signal) => {
            let status = Exit::Status(128 + u8::try_from(signal).unwrap_or_default());
            fail(status, anyhow::anyhow!("{module}: interrupted by signal {signal}"))
        }
    }
}
