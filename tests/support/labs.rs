//! Labs for a test to have standing, and what the commands say of those that stand.

use std::time::{Duration, Instant};

use super::machine::GUEST_CALLS;
use super::{Command, Kind, Machine, poll_until};

/// How long a process may take to end.
const SOON: Duration = Duration::from_secs(10);

/// The names of the built-in examples, sorted.
pub(crate) const EXAMPLES: [&str; 8] = [
    "direct-pair",
    "fabric",
    "full-mesh",
    "n-containers",
    "single-container",
    "two-containers",
    "two-lans",
    "two-routers",
];

/// A scenario that a compiler has to think about for many seconds: every branch of it may have changed any of many variables.
pub(crate) fn slow_wat() -> String {
    let branch = |n: usize| {
        let (a, b, c) = (n % 3000, n * 7919 % 3000, n * 104_729 % 3000);
        format!("(if (local.get {a}) (then (local.set {b} (i32.add (local.get {c}) (i32.const 1)))))\n")
    };
    let body: String = (0..20_000).map(branch).collect();
    let function = format!("(core module $module (func (local{}) {body})", " i32".repeat(3000));
    EMPTY_WAT.replace("(core module $module", &function)
}

/// A scenario that draws nothing, so that its lab is the host alone. It compiles in no time, unlike a guest in Rust.
pub(crate) const EMPTY_WAT: &str = r#"(component
  (core module $module (func (export "run") (result i32) i32.const 0))
  (core instance $instance (instantiate $module))
  (func $run (result (result)) (canon lift (core func $instance "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))"#;

impl Machine {
    /// Lets an empty lab stand, in which there is the host and nothing else.
    #[track_caller]
    pub(crate) fn stand_empty(&self, lab: &str) {
        let module = self.write("empty.wat", EMPTY_WAT);
        self.orchestrator(&["run", &module, "--name", lab]).success();
    }

    /// Lets a lab stand as `calls`, separated by white space, draw it.
    #[track_caller]
    pub(crate) fn stand(&self, lab: &str, calls: &str) {
        self.play(lab, &[], calls).run().success();
    }

    /// Begins a `run` with `options`, whose scenario plays `calls`.
    pub(crate) fn play(&self, lab: &str, options: &[&str], calls: &str) -> Command<'_> {
        let calls: Vec<&str> = calls.split_whitespace().collect();
        self.command("orchestrator").args(&["run", GUEST_CALLS, "--name", lab]).args(options).arg("--").args(&calls)
    }

    /// Begins a command inside a lab.
    pub(crate) fn exec(&self, lab: &str, netns: &str, command: &[&str]) -> Command<'_> {
        self.command("orchestrator").args(&["exec", lab, netns, "--"]).args(command)
    }

    /// Returns the names of the labs that are listed.
    #[track_caller]
    pub(crate) fn labs(&self) -> Vec<String> {
        let listed = self.orchestrator(&["list", "--json"]).success().json();
        let name = |lab: &serde_json::Value| lab["name"].as_str().expect("a lab has a name").to_owned();
        listed.as_array().expect("the list is an array").iter().map(name).collect()
    }

    /// Returns the directory that the owner's labs have theirs in.
    pub(crate) fn labs_directory(&self) -> String {
        let above = self.kind().runtime_dir().unwrap_or_else(|| "/run".to_owned());
        format!("{above}/orchestrator/labs")
    }

    /// Lists what is in a directory of the machine, hidden files too; nothing if there is none.
    pub(crate) fn entries(&self, directory: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.outside(directory)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Finds that nothing is left of any lab: no directory, and no name for `ip netns`.
    ///
    /// Processes are not looked at: one that has let go of all else may be waited for still.
    #[track_caller]
    pub(crate) fn has_no_trace_of_labs(&self) {
        self.has_no_trace_of_labs_but(&[]);
    }

    /// Finds likewise that nothing is left, beside the `others` that the machine has for `ip netns`.
    #[track_caller]
    pub(crate) fn has_no_trace_of_labs_but(&self, others: &[&str]) {
        let mut traces = self.entries(&self.labs_directory());
        traces.retain(|name| name != ".lock");
        traces.extend(self.entries("/run/netns").into_iter().filter(|name| !others.contains(&name.as_str())));
        assert!(traces.is_empty(), "left of labs: {traces:?}");
    }

    /// Kills a lab's agent and waits until it is gone.
    #[track_caller]
    pub(crate) fn kill_agent(&self, lab: &str) {
        let agent = self.agent_pid(lab);
        self.command("kill").args(&["-KILL", &agent.to_string()]).run().success();
        self.ends(agent);
    }

    /// Waits for the end of a process of the machine.
    #[track_caller]
    pub(crate) fn ends(&self, pid: u32) {
        let ended =
            poll_until(Instant::now() + SOON, || self.processes().iter().all(|(other, _)| *other != pid).then_some(()));
        assert!(ended.is_some(), "process {pid} lives on: {:?}", self.processes());
    }

    /// Returns the account's name as commands show it: the machine has no entry for its ordinary user.
    pub(crate) fn owner(&self) -> String {
        match self.kind() {
            Kind::Root => "root".to_owned(),
            Kind::User => Kind::User.uid().to_string(),
        }
    }
}
