//! What this machine and this user can do: `orchestrator doctor`.
//!
//! What can be tried is tried, in child processes whose namespaces end with them; all else is read. Nothing is changed, nothing
//! is left, and no try lasts longer than [`PATIENCE`].

mod child;
mod features;
mod firewall;
mod guest;
mod limits;
mod namespaces;
mod on_host;
mod privileges;
mod program;
mod settings;
mod subordinate;
mod verdict;

use std::io;
use std::time::{Duration, Instant};

/// How long all tries together may take; they are done in a fraction of it.
const PATIENCE: Duration = Duration::from_secs(2);

/// An answer to "can it?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can.
    Yes,
    /// It can't, or not well.
    No,
    /// That could not be found out.
    Unknown,
}

/// One thing that a machine or a user can do, or can't.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it belongs to.
    pub group: &'static str,
    /// What it is about.
    pub name: String,
    /// Whether it can be done.
    pub state: State,
    /// What was found; of what is unknown, why.
    pub detail: String,
    /// The way to change it.
    pub remedy: Option<String>,
    /// Without it there are no labs.
    needed: bool,
}

impl Check {
    fn new(group: &'static str, name: impl Into<String>, state: State, detail: impl Into<String>) -> Self {
        Self { group, name: name.into(), state, detail: detail.into(), remedy: None, needed: false }
    }

    fn yes(group: &'static str, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(group, name, State::Yes, detail)
    }

    fn no(group: &'static str, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(group, name, State::No, detail)
    }

    fn unknown(group: &'static str, name: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(group, name, State::Unknown, why)
    }

    fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    fn needed(self, needed: bool) -> Self {
        Self { needed, ..self }
    }
}

/// Puts an error in words: the kernel's by its errno.
fn words(error: &io::Error) -> String {
    match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::TimedOut, _) => "it took too long".into(),
        (_, Some(number)) => format!("{:?}", nix::Error::from_raw(number)),
        (_, None) => error.to_string(),
    }
}

/// Examines machine and user. The first check says whether this user can build labs.
///
/// To be called while this process has one thread, as it forks.
pub fn examine() -> Vec<Check> {
    let deadline = Instant::now() + PATIENCE;
    let rootless = !crate::lab::is_privileged();
    let tried = namespaces::try_all(rootless, deadline);
    let mut checks = vec![verdict::place(), verdict::proc()];
    checks.extend(namespaces::checks(&tried, rootless));
    checks.extend(features::checks(&tried, rootless, deadline));
    checks.extend(privileges::checks());
    checks.extend(guest::checks());
    checks.extend(subordinate::checks(rootless, deadline));
    checks.extend(limits::checks());
    checks.extend(on_host::checks(rootless, deadline));
    checks.insert(0, verdict::verdict(&checks, rootless));
    checks
}

/// What fuzzers reach of this room, and nobody else.
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz {
    pub(crate) use super::features::parse as release;
    use super::firewall::{Family, of_iptables, of_nft};
    pub(crate) use super::subordinate::{asks_elsewhere, count, permits};

    /// Reads what the programs of firewalls print.
    pub(crate) fn firewall(said: &str) {
        for family in [Family::Ipv4, Family::Ipv6] {
            let _ = of_nft(said, family);
        }
        let _ = of_iptables(said);
    }
}
