//! `orchestrator run`

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clap::Args;

use super::backend::{Live, Tally};
use super::describe::answer;
use super::edit::Edit;
use super::ended::failure;
use super::grants::GrantFlags;
use super::libraries::LibraryFlags;
use super::limits::LimitFlags;
use super::project::module_of;
use super::scenario::Scenario;
use super::source;
use super::watch::watch;
use super::{Exit, Failure, complete};
use crate::lab::{self, LabName, Started};
use crate::protocol::Origin;
use crate::render::{self, Account, Compiled};
use crate::script::{End, Report, RunLimits, Stage};
use crate::topology::Topology;
use crate::{agent, sandbox};

/// Run a scenario and let the network that it draws stand
#[derive(Debug, Args)]
#[command(after_help = "\
If the lab stands already, it is edited to be what the scenario draws now, and what stays the same is not touched. The scenario is run against the model of the network first; a failed edit leaves the lab as it was.

Examples:
  orchestrator run two-containers                      # a built-in example
  orchestrator run ./my-lab.wasm --replace -- --nodes 5")]
pub(super) struct Run {
    /// Scenario: a file (with a `/`, or ending in `.wasm` or `.wat`), a folder with a project (with a `/`, or `.`), which is
    /// built before by its toolchain and outside of the sandbox, a module in a registry (REGISTRY/NAME:TAG), or the name of a
    /// built-in example
    #[arg(add = complete::module())]
    pub(super) module: String,
    /// Name of the lab [default: made from MODULE]
    #[arg(long, value_name = "LAB")]
    name: Option<LabName>,
    /// Remove the lab of this name, if one stands, just before the first step of the new one
    #[arg(long)]
    replace: bool,
    /// Edit the lab of this name though it comes from another module
    #[arg(long, conflicts_with = "replace")]
    pub(super) update: bool,
    /// Edit even if that removes namespaces with processes in them
    #[arg(long)]
    pub(super) force: bool,
    /// Build in the machine's own network instead of a private one: `host` is the machine itself. Only as root. What the machine
    /// has there is neither shown to the scenario nor touched
    #[arg(long)]
    pub(super) on_host: bool,
    /// Run it again whenever its code is saved: a project, or a file. The lab is edited while it stands
    #[arg(long, conflicts_with_all = ["rm", "replace"])]
    watch: bool,
    /// Remove the lab as soon as the scenario has succeeded
    #[arg(long)]
    rm: bool,
    /// Keep what had been built if the scenario fails
    #[arg(long)]
    keep: bool,
    /// Show each change of the kernel in the words of `ip`
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Arguments of the scenario
    #[arg(last = true, value_name = "ARGS", add = complete::arguments())]
    pub(super) arguments: Vec<String>,
    #[command(flatten)]
    libraries: LibraryFlags,
    #[command(flatten)]
    grants: GrantFlags,
    #[command(flatten)]
    limits: LimitFlags,
}

impl Run {
    pub(super) fn execute(mut self) -> Result<Exit, Failure> {
        if self.watch {
            return watch(&self.module, &self.libraries);
        }
        self.module = module_of(&self.module)?.into_owned();
        let start = Instant::now();
        let limits = RunLimits::from(self.limits);
        if let Some(exit) = answer(&self.module, &self.libraries, &self.arguments, &limits)? {
            return Ok(exit);
        }
        let source = self.libraries.find(&self.module, limits.module)?;
        sandbox::close_inherited(source.file());
        let name = source::lab_name(self.name.clone(), &source)?;
        lab::sweep(agent::undo)?;
        let (granted, directories) = self.grants.clone().open()?;
        let origin = Origin { module: self.module.clone(), source: source.identity(&self.module) };
        let order = lab::Order {
            name: name.clone(),
            origin: origin.clone(),
            limits: limits.lab,
            replace: self.replace,
            on_host: self.on_host,
        };
        let scenario = Scenario {
            source,
            module: &self.module,
            arguments: &self.arguments,
            lab: &name,
            limits,
            granted,
            directories,
            on_machine: self.on_host,
        };
        let Started { client, hold, published } = match lab::start(&order, agent::undo) {
            Err(lab::Error::Stands { on_host, .. }) if !self.rm && !self.keep => {
                if on_host != self.on_host {
                    return Err(elsewhere(&name, on_host));
                }
                let mut client = lab::connect(&lab::find_own(name.as_str())?.directory, name.as_str())?;
                client.edit(Edit::order(&self, origin, limits.lab))?;
                return Edit { run: &self, name: &name, client: Arc::new(client), start }.execute(scenario);
            }
            started => started?,
        };
        let tally = Arc::new(Tally::default());
        let live = Arc::new(Mutex::new(Live::new(client, name.to_string(), self.verbose, tally.clone())));
        let ended = play(scenario, &live);
        let attempt = Attempt { run: &self, name: &name, live: &live, tally: &tally };
        let outcome = match ended {
            Ok((Report { end: End::Success, network, .. }, compiled)) => {
                eprint!("{}", render::warnings(&network.warnings()));
                if self.rm {
                    hold.let_go()?;
                    eprintln!("lab `{name}` stood and was removed again");
                    return Ok(Exit::Done);
                }
                attempt.stands(&network, published, start, compiled)
            }
            Ok((Report { end, .. }, _)) => {
                let hint = if let End::NotApplied(_) = end { tally.hint() } else { None };
                let failure = failure(end, &self.module);
                let failure = if let Some(hint) = hint { failure.hint(hint) } else { failure };
                failure.report();
                if !(self.keep && attempt.may_be_kept(&failure)) {
                    hold.let_go()?;
                    let note =
                        if tally.touched() { "what had been built was undone" } else { "nothing had been built" };
                    eprintln!("note: {note}");
                    return Ok(failure.exit);
                }
                attempt.is_kept(&failure)
            }
            Err(failure) => Err(failure),
        };
        if outcome.is_err() {
            hold.let_go()?;
        }
        outcome
    }
}

/// Runs the scenario when the agent is ready for it.
fn play(scenario: Scenario<'_>, live: &Arc<Mutex<Live>>) -> Result<(Report, Compiled), Failure> {
    let loaded = scenario.load(Stage::Lab, live.clone())?;
    let compiled = loaded.compiled;
    live.lock().unwrap_or_else(PoisonError::into_inner).ready().map_err(taken_away)?;
    Ok((loaded.run()?, compiled))
}

/// Says that a lab can't be edited to be where it is not.
fn elsewhere(name: &LabName, on_host: bool) -> Failure {
    let (is, do_that) = if on_host {
        ("is in the machine's own network", "give `--on-host`")
    } else {
        ("has a host of its own, and can't be moved into the machine's network", "leave out `--on-host`")
    };
    Failure::usage(format!("lab `{name}` stands and {is}"))
        .hint(format!("{do_that}; `--replace` builds it afresh where this run wants it"))
}

/// Says what may have ended a lab while it was built, which is not for `run` to find missing.
fn taken_away(error: lab::Error) -> Failure {
    let lab::Error::Gone(name) = &error else { return error.into() };
    let hint = format!("`orchestrator down {name}` or another `run --replace` has removed it, or its agent was killed");
    Failure { exit: Exit::Failed, error: error.into(), hint: Some(hint) }
}

/// A scenario that has ended, and the lab that it has drawn.
struct Attempt<'a> {
    run: &'a Run,
    name: &'a LabName,
    live: &'a Mutex<Live>,
    tally: &'a Tally,
}

impl Attempt<'_> {
    /// Lets the lab stand by itself.
    fn complete(&self) -> Result<Vec<String>, Failure> {
        let taken = self
            .live
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .complete()
            .map_err(|error| taken_away(error).context(format!("lab `{}` could not be completed", self.name)))?;
        for name in &taken {
            eprintln!("warning: `{name}` is somebody else's and was left alone");
        }
        Ok(taken)
    }

    /// Lets a lab whose scenario has succeeded stand, and says so.
    fn stands(&self, network: &Topology, published: bool, start: Instant, compiled: Compiled) -> Result<Exit, Failure> {
        let building = self.tally.building();
        let published = self.complete()?.is_empty() && published;
        let first_netns = network.list_netns().nth(1).map(|(_, netns)| netns.name.to_string());
        let account = Account {
            lab: self.name.as_str(),
            netns: network.netns_count(),
            links: network.link_count(),
            took: start.elapsed(),
            compiled,
            building,
            netns_name: first_netns.as_deref(),
            published,
            on_host: self.run.on_host,
        };
        eprint!("{}", render::account(&account));
        Ok(Exit::Done)
    }

    /// Tells whether what was built may stand though the scenario has failed. What has not begun would only take the place of a lab
    /// that stands.
    fn may_be_kept(&self, failure: &Failure) -> bool {
        failure.exit == Exit::No && self.tally.touched()
    }

    fn is_kept(&self, failure: &Failure) -> Result<Exit, Failure> {
        self.complete()?;
        let name = self.name;
        eprintln!("\nlab `{name}` was kept as far as it had been built; `orchestrator down {name}` removes it");
        Ok(failure.exit)
    }
}
