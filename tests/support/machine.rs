//! A machine: a network, a process table and a file system of a test's own, with root and an ordinary user.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::deadline::poll_until;
use super::empty::{self, Snapshot};
use super::holder::Holder;
use super::tester::Tester;
use super::{Command, Kind, Outcome, program};

/// The scenario that plays its arguments as calls, as every machine has it.
pub(crate) const GUEST_CALLS: &str = "/run/machine/guests/calls.wasm";

/// How long the kernel may take to free what has ended: 1,000 namespaces take 2 s when it has nothing else to do.
const EMPTY_WITHIN: Duration = Duration::from_secs(20);

/// A machine of a test's own; it ends, with all that runs in it, when this value or the test process does.
pub(crate) struct Machine {
    kind: Kind,
    tester: Tester,
    holder: Holder,
    at_first: Snapshot,
}

impl Machine {
    /// Makes a machine with `lo` up and nothing else, where `kind` owns the labs.
    pub(crate) fn new(kind: Kind) -> Machine {
        Machine::with(&program::real(), kind)
    }

    /// Makes one likewise whose `orchestrator` is the build with faults. Without [`Halts`](super::Halts) it does as the program does.
    pub(crate) fn faulty(kind: Kind) -> Machine {
        Machine::with(&program::faulty(), kind)
    }

    fn with(program: &Path, kind: Kind) -> Machine {
        let tester = Tester::find();
        let holder = Holder::start(tester, kind, program);
        let mut machine = Machine { kind, tester, holder, at_first: Snapshot::new() };
        machine.at_first = machine.look();
        machine
    }

    /// Runs `orchestrator` with `args` as the owner of the labs, to its end.
    #[track_caller]
    pub(crate) fn orchestrator(&self, args: &[&str]) -> Outcome {
        self.command("orchestrator").args(args).run()
    }

    /// Begins a command that the owner of the labs runs, in the own home.
    pub(crate) fn command(&self, program: &str) -> Command<'_> {
        Command::new(self, self.kind, program)
    }

    /// Begins a command that the machine's root runs, whoever owns the labs.
    pub(crate) fn root_command(&self, program: &str) -> Command<'_> {
        Command::new(self, Kind::Root, program)
    }

    /// Returns who owns the labs here.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Puts a file into the owner's home and returns its path there.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let path = format!("{}/{name}", self.kind.home());
        let outside = self.outside(&path);
        fs::write(&outside, contents)
            .unwrap_or_else(|error| panic!("could not write `{path}` in the machine: {error}"));
        if self.tester == Tester::Root {
            chown(&outside, Some(self.kind.uid()), Some(self.kind.uid()))
                .unwrap_or_else(|error| panic!("could not give `{path}` to its owner: {error}"));
        }
        path
    }

    /// Returns the text of a file in the machine; those of /proc are the machine's own.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.outside(path))
            .unwrap_or_else(|error| panic!("could not read `{path}` in the machine: {error}"))
    }

    /// Returns a path of the machine as the test process can open it.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.holder.outside(Path::new(path))
    }

    /// Returns the id, in the machine, and the command line of each process but the machine's init.
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        let entries = fs::read_dir(self.outside("/proc")).expect("could not read the machine's /proc");
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter(|pid| *pid != 1)
            .map(|pid| {
                let read = |file| fs::read(self.outside(&format!("/proc/{pid}/{file}"))).unwrap_or_default();
                // A zombie and one that ends just now have no command line.
                let words = match read("cmdline") {
                    line if line.is_empty() => read("comm"),
                    line => line,
                };
                (pid, String::from_utf8_lossy(&words).replace('\0', " ").trim().to_owned())
            })
            .collect()
    }

    /// Finds the machine as empty as it was at first, or fails with a list of all that was left in it.
    #[track_caller]
    pub(crate) fn finish(self) {
        self.empties_within(EMPTY_WITHIN);
    }

    /// Waits at most `time` for the machine to be as empty as it was at first, and fails likewise.
    #[track_caller]
    pub(crate) fn empties_within(&self, time: Duration) {
        self.is_again_within(&self.at_first, time);
    }

    /// Lists all that is in the machine now.
    pub(crate) fn look(&self) -> Snapshot {
        empty::look(self)
    }

    /// Waits at most `time` for the machine to have what it had `before`, and nothing else, and fails likewise.
    #[track_caller]
    pub(crate) fn is_again_within(&self, before: &Snapshot, time: Duration) {
        let mut differences = Vec::new();
        let found = poll_until(Instant::now() + time, || {
            differences = empty::differences(before, &self.look());
            differences.is_empty().then_some(())
        });
        assert!(found.is_some(), "the machine is not as it was at first:\n  {}", differences.join("\n  "));
    }

    pub(super) fn holder(&self) -> &Holder {
        &self.holder
    }

    pub(super) fn tester(&self) -> Tester {
        self.tester
    }
}
