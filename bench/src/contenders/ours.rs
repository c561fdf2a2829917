//! `orchestrator run`

use std::path::Path;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::rest;
use crate::account::Account;
use crate::stage;

const LAB: &str = "bench";
/// For how long an agent may go on after it was asked to end.
const LONGEST_END: Duration = Duration::from_secs(60);

/// A lab that stands, until `down` or whatever else becomes of it.
pub(crate) struct Lab<'a> {
    account: &'a Account,
    /// Its agent's PID.
    agent: u32,
    /// How long `run` took.
    pub(crate) took: Duration,
    netns: u32,
}

impl<'a> Lab<'a> {
    /// Runs `n-containers`, which pings through what it has built.
    pub(crate) fn star(account: &'a Account, containers: u32, flags: &[&str]) -> Result<Self> {
        let number = containers.to_string();
        Self::run(account, "n-containers", &[&[number.as_str()], flags].concat(), containers)
    }

    /// Runs a built-in example that makes `netns` namespaces.
    pub(crate) fn run(account: &'a Account, example: &str, arguments: &[&str], netns: u32) -> Result<Self> {
        let mut command = account.command(stage::orchestrator());
        command.args(["run", "--name", LAB, example, "--"]).args(arguments);
        let start = Instant::now();
        let output = command.output()?;
        let took = start.elapsed();
        check(&command, &output)?;
        let agent = agent_of(account)?;
        Ok(Self { account, agent, took, netns })
    }

    /// A command about the lab: `exec LAB c1 -- true`.
    pub(crate) fn command(&self, verb: &str, arguments: &[&str]) -> Command {
        let mut command = self.account.command(stage::orchestrator());
        command.args([verb, LAB]).args(arguments);
        command
    }

    /// The scenario of `star` once more.
    pub(crate) fn again(&self, containers: u32, options: &[&str]) -> Command {
        let mut command = self.account.command(stage::orchestrator());
        let number = containers.to_string();
        command.args(["run", "--name", LAB, "n-containers"]).args(options).args(["--", &number]);
        command
    }

    /// What iproute2 calls a netns of the lab.
    pub(crate) fn netns(&self, name: &str) -> String {
        format!("{LAB}.{name}")
    }

    /// The directory of the agent in /proc.
    pub(crate) fn process(&self) -> String {
        format!("/proc/{}", self.agent)
    }

    /// Removes the lab, and waits until the kernel has too. Returns how long `down` took.
    pub(crate) fn down(self) -> Result<Duration> {
        let took = timed(&mut self.command("down", &[]))?;
        let process = self.process();
        let deadline = Instant::now() + LONGEST_END;
        while Path::new(&process).exists() {
            ensure!(Instant::now() < deadline, "the agent, process {}, does not end", self.agent);
            sleep(Duration::from_millis(2));
        }
        rest(self.netns);
        Ok(took)
    }
}

impl Drop for Lab<'_> {
    fn drop(&mut self) {
        if Path::new(&self.process()).exists() {
            // What failed before is the error to tell of.
            let _ = self.command("down", &[]).output();
        }
    }
}

/// Runs a command that must succeed, and returns how long it took.
pub(crate) fn timed(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let output = command.output()?;
    let took = start.elapsed();
    check(command, &output)?;
    Ok(took)
}

/// Tells whether the program has this example.
pub(crate) fn has_example(account: &Account, name: &str) -> Result<bool> {
    let output = account.command(stage::orchestrator()).arg("examples").output()?;
    let examples = String::from_utf8(output.stdout)?;
    Ok(examples.lines().any(|line| line.split_whitespace().next() == Some(name)))
}

fn check(command: &Command, output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    bail!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr))
}

fn agent_of(account: &Account) -> Result<u32> {
    let output = account.command(stage::orchestrator()).args(["list", "--json"]).output()?;
    let labs: Vec<Value> = serde_json::from_slice(&output.stdout).context("`list --json` is no JSON")?;
    let lab = labs.iter().find(|lab| lab["name"] == LAB).context("`list` does not have the lab")?;
    let agent = lab["agent_pid"].as_u64().context("`list` does not have the agent")?;
    Ok(u32::try_from(agent)?)
}
