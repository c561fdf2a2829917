//! Namespaces, tried as a lab makes them.

use std::fs;
use std::io;
use std::time::Instant;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};
use serde::{Deserialize, Serialize};

use super::Check;
use super::child::{self, in_child};
use crate::lab;
use crate::topology::Errno;

const GROUP: &str = "namespaces";

/// A kind of namespace.
struct Kind {
    name: &'static str,
    flag: CloneFlags,
    /// What a lab has it for.
    used: &'static str,
    /// No lab can be built without.
    needed: bool,
}

const USER: Kind = Kind {
    name: "user namespaces",
    flag: CloneFlags::CLONE_NEWUSER,
    used: "a lab has one, as this user lacks root's power",
    needed: true,
};
const KINDS: [Kind; 4] = [
    Kind {
        name: "PID namespaces",
        flag: CloneFlags::CLONE_NEWPID,
        used: "a lab has one, and its processes end with it",
        needed: true,
    },
    Kind {
        name: "mount namespaces",
        flag: CloneFlags::CLONE_NEWNS,
        used: "a lab has one, and `exec` makes more",
        needed: true,
    },
    Kind {
        name: "network namespaces",
        flag: CloneFlags::CLONE_NEWNET,
        used: "a lab has one for its host and each netns",
        needed: true,
    },
    Kind {
        name: "UTS namespaces",
        flag: CloneFlags::CLONE_NEWUTS,
        used: "`exec` makes one, for the hostname",
        needed: false,
    },
];

/// What the kernel says of one kind: nothing, or an errno.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Answer(Option<Errno>);

impl From<io::Result<()>> for Answer {
    fn from(outcome: io::Result<()>) -> Self {
        Self(outcome.err().map(|error| {
            let number = nix::Error::from_raw(error.raw_os_error().unwrap_or(nix::libc::EIO));
            Errno::named(format!("{number:?}"))
        }))
    }
}

/// What came of the tries.
pub(super) struct Tried {
    user: io::Result<Answer>,
    /// In the order of `KINDS`; none were tried where the user namespace that they need can't be had.
    others: io::Result<Option<[Answer; KINDS.len()]>>,
}

impl Tried {
    /// Tells whether all is there that a lab's agent is started with.
    pub(super) fn suffices(&self) -> bool {
        let others = self.others.as_ref().ok().and_then(Option::as_ref);
        others
            .is_some_and(|answers| answers.iter().zip(&KINDS).all(|(answer, kind)| answer.0.is_none() || !kind.needed))
    }
}

/// Tries each kind.
pub(super) fn try_all(rootless: bool, deadline: Instant) -> Tried {
    let user = in_child(deadline, || Answer::from(become_root()));
    let others = in_child(deadline, || {
        if rootless && become_root().is_err() {
            return None;
        }
        Some(KINDS.map(|kind| Answer::from(unshare(kind.flag).map_err(io::Error::from))))
    });
    Tried { user, others }
}

/// Puts this process into all that a lab's agent is started with; its children are in the PID namespace.
pub(super) fn enter_all(rootless: bool) -> io::Result<()> {
    if rootless {
        become_root()?;
    }
    Ok(unshare(KINDS.iter().filter(|kind| kind.needed).map(|kind| kind.flag).collect())?)
}

/// Becomes root of a new user namespace. `setgroups` must be given up before a user may map a group (user_namespaces(7)).
fn become_root() -> io::Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
}

/// Says what came of the tries.
pub(super) fn checks(tried: &Tried, rootless: bool) -> Vec<Check> {
    let user = match &tried.user {
        Ok(answer) if rootless => check(&USER, answer, true),
        // Nothing here is said of ordinary users: what forbids them does not forbid root.
        Ok(Answer(None)) => Check::yes(GROUP, USER.name, "labs of root need none"),
        Ok(Answer(Some(errno))) => {
            Check::no(GROUP, USER.name, format!("{errno}; labs of root need none")).remedy(way(errno, true))
        }
        Err(error) => Check::unknown(GROUP, USER.name, child::why_not(error)).needed(rootless),
    };
    let others = KINDS.iter().enumerate().map(|(at, kind)| match &tried.others {
        Ok(Some(answers)) => check(kind, &answers[at], rootless),
        Ok(None) => Check::unknown(GROUP, kind.name, "without a user namespace it can't be tried").needed(kind.needed),
        Err(error) => Check::unknown(GROUP, kind.name, child::why_not(error)).needed(kind.needed),
    });
    std::iter::once(user).chain(others).collect()
}

fn check(kind: &Kind, answer: &Answer, rootless: bool) -> Check {
    match &answer.0 {
        None => Check::yes(GROUP, kind.name, kind.used),
        Some(errno) => Check::no(GROUP, kind.name, format!("{errno}; {}", kind.used)).remedy(way(errno, rootless)),
    }
    .needed(kind.needed)
}

/// Says what to do about an errno.
fn way(errno: &Errno, rootless: bool) -> String {
    let unheard_of = || format!("the manual of unshare(2) says what {errno} may mean");
    lab::hint(errno, rootless).unwrap_or_else(unheard_of)
}
