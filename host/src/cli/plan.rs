//! `orchestrator plan`

use std::sync::{Arc, Mutex, PoisonError};

use clap::{Args, ValueEnum};

use super::describe::answer;
use super::edit::tell_of_drift;
use super::ended::failure;
use super::grants::GrantFlags;
use super::libraries::LibraryFlags;
use super::limits::LimitFlags;
use super::output::{print, print_json};
use super::project::module_of;
use super::scenario::Scenario;
use super::source;
use super::{Exit, Failure, complete};
use crate::lab::{self, Client, LabName};
use crate::plan::{Step, edit};
use crate::protocol::Model;
use crate::script::{End, Rehearsal, Report, RunLimits, Stage};
use crate::topology::{Drift, NetnsName, Topology, observed};
use crate::{agent, render, sandbox};

/// Show all that a scenario would do, without doing it
#[derive(Debug, Args)]
#[command(after_help = "\
The scenario is run against a model of the network, which answers its pings and other looks; neither root nor the kernel is needed. The same module and arguments give the same digest on every machine. What the scenario prints goes to stderr.

With `--against` it shows what `run` would change of a lab that stands: `+` is added, `~` changed, `-` removed.

Formats:
  table     the network as `orchestrator show` will show it, and the steps to it
  json      {digest, topology, steps}; the digest is the SHA-256 of `jq -cjS .topology`
  ip        a shell script of `ip` commands that makes the same network, with the namespace in which it is run as the host
  dot       a drawing for graphviz: `| dot -Tsvg > network.svg`
  mermaid   a drawing for Markdown

Examples:
  orchestrator plan two-containers --on-host           # would it fit on this machine?
  orchestrator plan ./my-lab.wasm --format ip -- --nodes 5")]
pub(super) struct Plan {
    /// Scenario: a file (with a `/`, or ending in `.wasm` or `.wat`), a folder with a project (with a `/`, or `.`), which is
    /// built before by its toolchain and outside of the sandbox, a module in a registry (REGISTRY/NAME:TAG), or the name of a
    /// built-in example
    #[arg(add = complete::module())]
    module: String,
    /// Name that the scenario is told of its lab [default: made from MODULE]
    #[arg(long, value_name = "LAB")]
    name: Option<LabName>,
    /// Plan for the machine's own network as `run --on-host` would, and compare with what it has; it is only read
    #[arg(long)]
    on_host: bool,
    /// Show what `run` would change of a lab that stands
    #[arg(long, value_name = "LAB", conflicts_with = "on_host", add = complete::lab())]
    against: Option<LabName>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The same as `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Arguments of the scenario
    #[arg(last = true, value_name = "ARGS", add = complete::arguments())]
    arguments: Vec<String>,
    #[command(flatten)]
    libraries: LibraryFlags,
    #[command(flatten)]
    grants: GrantFlags,
    #[command(flatten)]
    limits: LimitFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Ip,
    Dot,
    Mermaid,
}

impl Plan {
    pub(super) fn execute(mut self) -> Result<Exit, Failure> {
        self.module = module_of(&self.module)?.into_owned();
        let limits = RunLimits::from(self.limits);
        if let Some(exit) = answer(&self.module, &self.libraries, &self.arguments, &limits)? {
            return Ok(exit);
        }
        let source = self.libraries.find(&self.module, limits.module)?;
        sandbox::close_inherited(source.file());
        let format = if self.json { Format::Json } else { self.format };
        if self.against.is_some() && !matches!(format, Format::Table | Format::Json) {
            return Err(Failure::usage("what `--against` finds is shown as a table or as JSON"));
        }
        let name = self.name.or_else(|| self.against.clone());
        let name = source::lab_name(name, &source)?;
        let against = self.against.as_ref().map(Against::ask).transpose()?;
        let (granted, directories) = self.grants.open()?;
        let machine = if self.on_host { Some(read_machine()?) } else { None };
        let on_machine = self.on_host || against.as_ref().is_some_and(|against| against.model.topology.is_on_machine());
        let scenario = Scenario {
            source,
            module: &self.module,
            arguments: &self.arguments,
            lab: &name,
            limits,
            granted,
            directories,
            on_machine,
        };
        let rehearsal = Arc::new(Mutex::new(Rehearsal::new(&scenario.network(), machine, name.to_string())));
        let Report { end, network, .. } = scenario.load(Stage::Plan, rehearsal.clone())?.run()?;
        if !matches!(end, End::Success) {
            return Err(failure(end, &self.module));
        }
        eprint!("{}", render::warnings(&network.warnings()));
        match against {
            Some(against) => against.show_difference(format, &network)?,
            None => show(format, &network, rehearsal.lock().unwrap_or_else(PoisonError::into_inner).steps())?,
        }
        Ok(Exit::Done)
    }
}

/// The lab that a plan is held against.
struct Against {
    client: Client,
    name: LabName,
    /// What it should be.
    model: Model,
    /// What it is not.
    drift: Vec<Drift>,
}

impl Against {
    fn ask(name: &LabName) -> Result<Self, Failure> {
        let found = lab::find_own(name.as_str())?;
        let client = lab::connect(&found.directory, name.as_str())?;
        let model = client.model()?;
        let drift = match client.check() {
            // Whoever edits it tells of that.
            Err(lab::Error::Busy(_)) => Vec::new(),
            drift => drift?,
        };
        Ok(Self { client, name: name.clone(), model, drift })
    }

    fn show_difference(self, format: Format, network: &Topology) -> Result<(), Failure> {
        let Self { client, name, model, drift } = self;
        let steps = edit(&model.topology, network).map_err(anyhow::Error::new)?;
        let going: Vec<NetnsName> = steps.iter().filter_map(Step::removed_netns).cloned().collect();
        let occupants = client.occupants(&going)?;
        match format {
            Format::Json => show(format, network, &steps)?,
            _ => print(&render::difference(&steps))?,
        }
        for step in &model.by_hand {
            eprintln!("note: `{step}` was done by hand; `run` puts it back");
        }
        if !occupants.is_empty() {
            let lab = name.to_string();
            eprintln!("warning: {}; `run` refuses that without `--force`", lab::Error::Occupied { lab, occupants });
        }
        tell_of_drift(&name, &drift);
        Ok(())
    }
}

fn read_machine() -> Result<crate::plan::Machine, Failure> {
    agent::read_machine().map_err(|error| {
        let error = anyhow::Error::new(error).context("could not read the machine's network");
        Failure { exit: Exit::Unable, error, hint: None }
    })
}

fn show(format: Format, network: &Topology, steps: &[Step]) -> Result<(), Failure> {
    let lab: Vec<observed::Netns> = network.list_netns().map(|(id, _)| network.observe(id)).collect();
    let topology = render::topology_json(&lab);
    let digest = render::digest(&topology);
    match format {
        Format::Table => print(&render::plan_table(&digest, &lab, steps)),
        Format::Json => print_json(&render::plan_json(&digest, topology, steps)),
        Format::Ip => print(&render::ip_script(&digest, steps)),
        Format::Dot => print(&render::dot(&lab)),
        Format::Mermaid => print(&render::mermaid(&lab)),
    }
}
