//! Builds a command that runs in a machine.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use super::enter::{self, PATH};
use super::process::Process;
use super::running::Running;
use super::{Kind, Machine, Outcome};

/// How long a command may take if the test does not say: far longer than any does, even on a busy machine.
const USUAL_DEADLINE: Duration = Duration::from_secs(60);

/// A command to come: its words, environment, working directory, input and deadline.
///
/// It has the environment of a fresh login and nothing of the test process's own.
#[derive(Clone)]
#[must_use = "it does not run without `run`, `spawn` or `on_terminal`"]
pub(crate) struct Command<'m> {
    machine: &'m Machine,
    account: Kind,
    words: Vec<String>,
    env: BTreeMap<String, String>,
    cwd: String,
    stdin: Vec<u8>,
    deadline: Duration,
}

impl<'m> Command<'m> {
    pub(super) fn new(machine: &'m Machine, account: Kind, program: &str) -> Command<'m> {
        let mut env = BTreeMap::from([
            ("PATH", PATH.to_owned()),
            ("HOME", account.home().to_owned()),
            ("USER", account.to_string()),
            ("SHELL", "/bin/sh".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
        ]);
        env.extend(account.runtime_dir().map(|dir| ("XDG_RUNTIME_DIR", dir)));
        Command {
            machine,
            account,
            words: vec![program.to_owned()],
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            cwd: account.home().to_owned(),
            stdin: Vec::new(),
            deadline: USUAL_DEADLINE,
        }
    }

    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.words.push(arg.to_owned());
        self
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.words.extend(args.iter().copied().map(str::to_owned));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    /// Runs it in another directory of the machine than the account's home.
    pub(crate) fn cwd(mut self, dir: &str) -> Self {
        self.cwd = dir.to_owned();
        self
    }

    /// Gives it an input; without, its input is empty.
    pub(crate) fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.stdin = input.into();
        self
    }

    /// Gives it another time than a minute; when that has passed, everything in the machine is killed and the test
    /// fails with what the command had said.
    pub(crate) fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs the command to its end, and until nothing holds its output open any more.
    #[track_caller]
    pub(crate) fn run(self) -> Outcome {
        self.spawn().wait()
    }

    /// Starts the command and returns at once.
    #[track_caller]
    pub(crate) fn spawn(self) -> Running<'m> {
        let input = self.stdin.clone();
        let (stdin, stdout, stderr) = (Stdio::piped(), Stdio::piped(), Stdio::piped());
        Running::new(self.start(&[], stdin, stdout, stderr), input)
    }

    /// Starts the command with the given streams, `before` it the words that set up more of its surroundings.
    #[track_caller]
    pub(super) fn start(&self, before: &[&str], stdin: Stdio, stdout: Stdio, stderr: Stdio) -> Process<'m> {
        let holder = self.machine.holder().pid();
        let entrance = enter::words(holder, self.machine.tester(), self.account, &self.cwd);
        let mut command = std::process::Command::new(&entrance[0]);
        command
            .args(&entrance[1..])
            .args(before)
            .args(&self.words)
            .env_clear()
            .envs(&self.env)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr);
        Process::start(self.machine, self.said(), command, self.deadline)
    }

    pub(super) fn machine(&self) -> &'m Machine {
        self.machine
    }

    pub(super) fn account(&self) -> Kind {
        self.account
    }

    /// Returns the command as one would type it, for messages.
    fn said(&self) -> String {
        let plain = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
        let quoted = self.words.iter().map(|word| if plain(word) { word.clone() } else { format!("{word:?}") });
        format!("{}: {}", self.account, quoted.collect::<Vec<_>>().join(" "))
    }
}
