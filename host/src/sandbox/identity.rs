//! The user and group that a guest's process has.

use std::fs;

use nix::unistd::{Gid, Uid, getgroups, getpid, setgroups, setresgid, setresuid};

use super::{GiveUpError, failed};
use caps::{CapSet, Capability};

/// Uids from here are nobody's: above those of accounts and those that systemd-nspawn gives to containers (up to 1879048191).
const UNUSED: u32 = 1_879_100_000;
/// Where only the usual 65,536 are mapped: between those that systemd gives to greeters (up to 60705) and to services (from
/// 61184), see systemd's UIDS-GIDS.
const UNUSED_LOW: u32 = 60_706;

/// Why a guest's process keeps the uid that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoOther {
    /// It takes CAP_SETUID and CAP_SETGID.
    NotAllowed,
    /// No uid that is nobody's is mapped into this user namespace.
    NotMapped,
}

/// Finds a uid, and gid, that is nobody's and that this process can take.
pub fn other_identity() -> Result<u32, NoOther> {
    let may = |capability| caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false);
    if !may(Capability::CAP_SETUID) || !may(Capability::CAP_SETGID) {
        return Err(NoOther::NotAllowed);
    }
    // Another for each process, so that they can't reach each other either.
    let pid = getpid().as_raw().unsigned_abs();
    let candidates = [UNUSED + pid, UNUSED_LOW + pid % 478];
    let maps = ["/proc/self/uid_map", "/proc/self/gid_map"].map(fs::read_to_string);
    let is_mapped = |id: &u32| maps.iter().all(|map| map.as_ref().is_ok_and(|map| covers(map, *id)));
    candidates.into_iter().find(is_mapped).ok_or(NoOther::NotMapped)
}

/// Becomes a user that nobody is, of no group. Where no other uid is mapped, or this process may not change its own, it stays
/// who it is, and has no power but that of its files, which the guest has no way to.
pub(super) fn become_nobody() -> Result<(), GiveUpError> {
    let Ok(id) = other_identity() else { return Ok(()) };
    if getgroups().is_ok_and(|groups| !groups.is_empty()) {
        setgroups(&[]).map_err(failed("leave all groups"))?;
    }
    let (uid, gid) = (Uid::from_raw(id), Gid::from_raw(id));
    setresgid(gid, gid, gid).map_err(failed("change the group"))?;
    setresuid(uid, uid, uid).map_err(failed("change the user"))
}

/// Tells whether a map of user_namespaces(7) has a place for an id: lines of first inside, first outside, count.
pub(crate) fn covers(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        matches!(numbers[..], [first, _, count] if (first..first.saturating_add(count)).contains(&u64::from(id)))
    })
}
