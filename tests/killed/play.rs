//! Programs that are led from halt to halt.

use std::collections::{HashMap, HashSet};
use std::fmt;

use nix::unistd::Pid;

use crate::support::{Halt, Halts, Heard, Machine, Running};

/// A place that a program passes, for the n-th time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Point {
    pub(crate) command: String,
    pub(crate) place: String,
    nth: usize,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.command, self.place, self.nth)
    }
}

/// The programs of one trial that halt, each called by its command: there is never more than one of each. Once it is dropped they go
/// on by themselves.
pub(crate) struct Play<'m> {
    halts: Halts<'m>,
    passed: Vec<Point>,
    pids: HashMap<String, Pid>,
    ended: HashSet<Pid>,
}

impl<'m> Play<'m> {
    pub(crate) fn begin(machine: &'m Machine) -> Self {
        let halts = Halts::listen(machine);
        Self { halts, passed: Vec::new(), pids: HashMap::new(), ended: HashSet::new() }
    }

    /// Starts a command that halts.
    pub(crate) fn start(&self, words: &[String]) -> Running<'m> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.halts.orchestrator(&words).spawn()
    }

    /// Forgets what was passed, but not who runs.
    pub(crate) fn begin_anew(&mut self) {
        self.passed.clear();
    }

    /// Lists what was passed up to now.
    pub(crate) fn passed(&self) -> &[Point] {
        &self.passed
    }

    pub(crate) fn has_passed(&self, command: &str, place: &str) -> bool {
        self.times(command, place) > 0
    }

    fn times(&self, command: &str, place: &str) -> usize {
        self.passed.iter().filter(|point| point.command == command && point.place == place).count()
    }

    /// Returns the process of a command that has halted once.
    pub(crate) fn pid(&self, command: &str) -> Option<Pid> {
        self.pids.get(command).copied()
    }

    /// Tells whether a command has halted once.
    pub(crate) fn has_begun(&self, command: &str) -> bool {
        self.pids.contains_key(command)
    }

    /// Tells whether a command has ended, or has never halted.
    pub(crate) fn is_gone(&self, command: &str) -> bool {
        self.pid(command).is_none_or(|pid| self.ended.contains(&pid))
    }

    /// Lets all go on until one halts that `is_wanted`.
    #[track_caller]
    pub(crate) fn until(&mut self, is_wanted: impl Fn(&Point) -> bool) -> Halt {
        loop {
            match self.next() {
                Some((point, halt)) if is_wanted(&point) => return halt,
                Some((_, halt)) => halt.go_on(),
                None => {}
            }
        }
    }

    /// Lets all go on until `has_come`.
    #[track_caller]
    pub(crate) fn go_on_until(&mut self, has_come: impl Fn(&Self) -> bool) {
        while !has_come(self) {
            if let Some((_, halt)) = self.next() {
                halt.go_on();
            }
        }
    }

    #[track_caller]
    fn next(&mut self) -> Option<(Point, Halt)> {
        match self.halts.next() {
            Heard::Halted(halt) => {
                let (command, place) = (halt.command.clone(), halt.place.clone());
                self.pids.insert(command.clone(), halt.pid);
                let nth = self.times(&command, &place) + 1;
                let point = Point { command, place, nth };
                self.passed.push(point.clone());
                Some((point, halt))
            }
            Heard::Ended(pid) => {
                self.ended.insert(pid);
                None
            }
        }
    }
}
