//! The command line: one file a command, each a clap struct and its `execute`.

mod agent;
mod arguments;
mod backend;
mod build;
mod cache;
mod check;
mod code;
mod compile;
mod complete;
mod completions;
mod describe;
mod doctor;
mod down;
mod edit;
mod ended;
mod example;
mod examples;
mod exec;
mod exit;
mod grants;
mod inspect;
mod libraries;
mod limits;
mod link;
mod list;
mod man;
mod modules;
mod new;
mod output;
mod ping;
mod plan;
mod progress;
mod project;
mod pull;
mod push;
mod registry;
mod repair;
mod run;
mod scenario;
mod show;
mod source;
mod survey;
mod watch;
mod wit;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::lab::{self, Client, LabName};

pub use exit::{Exit, Failure};

/// Build Linux networks that sandboxed WebAssembly scenarios draw
#[derive(Debug, Parser)]
#[command(
    name = "orchestrator",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  orchestrator run two-containers           # build the network of a built-in example
  orchestrator exec two-containers container1 -- ip address"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Plan(plan::Plan),
    List(list::List),
    Show(show::Show),
    Check(check::Check),
    Repair(repair::Repair),
    Link(link::Link),
    Exec(exec::Exec),
    Ping(ping::Ping),
    Down(down::Down),
    Doctor(doctor::Doctor),
    New(new::New),
    Build(build::Build),
    Inspect(inspect::Inspect),
    Push(push::Push),
    Pull(pull::Pull),
    Modules(modules::Modules),
    Wit(wit::Wit),
    Cache(cache::CacheCommand),
    Examples(examples::Examples),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Does what the command line asks for, says what is wrong, and returns the exit status.
pub fn main() -> ExitCode {
    match execute() {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.report();
            failure.exit.into()
        }
    }
}

/// `agent` and `compile` are no commands of the user's, so they are told apart before: neither help nor completions know them.
fn execute() -> Result<Exit, Failure> {
    match std::env::args_os().nth(1) {
        Some(first) if first == "agent" => agent::Agent::parse_from(std::env::args_os().skip(1)).execute(),
        Some(first) if first == "compile" => compile::Compile::parse_from(std::env::args_os().skip(1)).execute(),
        _ => {
            complete::complete();
            Cli::parse().execute()
        }
    }
}

impl Cli {
    /// Does what was asked for.
    fn execute(self) -> Result<Exit, Failure> {
        match self.command {
            Command::Run(run) => run.execute(),
            Command::Plan(plan) => plan.execute(),
            Command::List(list) => list.execute(),
            Command::Show(show) => show.execute(),
            Command::Check(check) => check.execute(),
            Command::Repair(repair) => repair.execute(),
            Command::Link(link) => link.execute(),
            Command::Exec(exec) => exec.execute(),
            Command::Ping(ping) => ping.execute(),
            Command::Down(down) => down.execute(),
            Command::Doctor(doctor) => doctor.execute(),
            Command::New(new) => new.execute(),
            Command::Build(build) => build.execute(),
            Command::Inspect(inspect) => inspect.execute(),
            Command::Push(push) => push.execute(),
            Command::Pull(pull) => pull.execute(),
            Command::Modules(modules) => modules.execute(),
            Command::Wit(wit) => wit.execute(),
            Command::Cache(cache) => cache.execute(),
            Command::Examples(examples) => examples.execute(),
            Command::Completions(completions) => completions.execute(),
            Command::Man(man) => man.execute(),
        }
    }
}

/// Looks for what killed labs have left, then speaks to the lab that is meant.
fn speak_to(lab: &str) -> Result<(LabName, Client), Failure> {
    lab::sweep(crate::agent::undo)?;
    let found = lab::find(lab)?;
    let client = lab::connect(&found.directory, lab)?;
    Ok((found.name, client))
}

/// What fuzzers reach of this room, and nobody else.
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz {
    pub(crate) use humantime::parse_duration as time;

    pub(crate) fn grant(text: &str) -> Result<(), String> {
        super::grants::parse(text).map(drop)
    }

    pub(crate) fn size(text: &str) -> Result<bytesize::ByteSize, &'static str> {
        super::limits::size(text)
    }
}
