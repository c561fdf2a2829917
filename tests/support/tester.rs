//! Finds out who runs the tests, which decides how a machine and its ordinary user are played.

use std::{fmt, fs};

use super::Kind;

const CAP_NET_ADMIN: u32 = 12;
const CAP_SYS_ADMIN: u32 = 21;

/// Who runs the tests on the real machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tester {
    /// One who can make namespaces and become another user: a machine needs no user namespace.
    Root,
    /// One who cannot: a machine is in a user namespace, where the tester is root, and its ordinary user is in a
    /// second one below that.
    ///
    /// With a single uid both accounts are the same one to the kernel, so files of root are the user's own there.
    Ordinary,
}

impl Tester {
    /// Looks at this process: what counts are capabilities and mapped uids, not uid 0.
    pub(crate) fn find() -> Tester {
        let status = fs::read_to_string("/proc/self/status").expect("could not read /proc/self/status");
        let uid_map = fs::read_to_string("/proc/self/uid_map").expect("could not read /proc/self/uid_map");
        if holds(&status, CAP_SYS_ADMIN) && holds(&status, CAP_NET_ADMIN) && maps(&uid_map, Kind::User.uid()) {
            Tester::Root
        } else {
            Tester::Ordinary
        }
    }
}

impl fmt::Display for Tester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tester::Root => "as root runs the tests",
            Tester::Ordinary => "in a user namespace, as the tests run without root's capabilities",
        })
    }
}

/// Says whether a /proc/PID/status has `capability` in its effective set.
fn holds(status: &str, capability: u32) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|set| u64::from_str_radix(set.trim(), 16).ok())
        .is_some_and(|set| set >> capability & 1 == 1)
}

/// Says whether a /proc/PID/uid_map (lines of first uid, first uid outside, count) has `uid`.
fn maps(uid_map: &str, uid: u32) -> bool {
    uid_map.lines().any(|line| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        matches!(numbers[..], [first, _, count] if (first..first + count).contains(&u64::from(uid)))
    })
}
