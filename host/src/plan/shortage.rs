//! A limit of the machine that is too low for what steps need.

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Need;
use crate::topology::{Code, Errno, Refusal};

/// Steps that a limit of the machine forbids, found before the first of them.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("could not {}: {}", self.act(), self.said())]
pub struct Shortage {
    /// What the steps need.
    pub need: Need,
    /// What there is too little of.
    pub scarce: Scarce,
}

/// What a machine has a limit of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scarce {
    /// Open files of the lab's agent (RLIMIT_NOFILE).
    Files {
        /// How many it may have.
        most: u64,
        /// How many it would have.
        needed: u64,
    },
    /// Network namespaces of a user (`user.max_net_namespaces`).
    Netns {
        /// How many the user may have.
        most: u64,
        /// How many the lab alone would have.
        needed: u64,
    },
    /// Memory of the kernel.
    Memory {
        /// The cgroup that is short of it; `None` if it is the machine.
        cgroup: Option<String>,
        /// The bytes that are left.
        left: u64,
        /// The bytes that the steps take at the least.
        needed: u64,
    },
}

impl Shortage {
    /// Says what the steps do, to follow "could not".
    fn act(&self) -> String {
        let Need { netns, veths } = self.need;
        let veths = match (&self.scarce, veths) {
            (Scarce::Memory { .. }, 1) => Some("1 veth pair".to_owned()),
            (Scarce::Memory { .. }, 2..) => Some(format!("{veths} veth pairs")),
            _ => None,
        };
        let netns = (netns > 0).then(|| format!("{netns} netns"));
        let all: Vec<String> = netns.into_iter().chain(veths).collect();
        format!("add {}", all.join(" and "))
    }

    /// Says what a guest may know: which limit it is, and no figure of the machine's.
    fn said(&self) -> String {
        let why = match &self.scarce {
            Scarce::Files { .. } => "the limit of open files is too low for that",
            Scarce::Netns { .. } => "`user.max_net_namespaces` is too low for that",
            Scarce::Memory { .. } => "there is not enough memory for that",
        };
        format!("{}: {why}", self.errno())
    }

    /// Returns what the kernel would say to the step that is one too many.
    fn errno(&self) -> Errno {
        Errno::named(match &self.scarce {
            Scarce::Files { .. } => "EMFILE",
            Scarce::Netns { .. } => "ENOSPC",
            Scarce::Memory { .. } => "ENOMEM",
        })
    }

    /// Tells the user the limit, by its name, and how to raise it.
    pub fn hint(&self) -> String {
        let bytes = |bytes: &u64| ByteSize(*bytes).display().iec();
        match &self.scarce {
            Scarce::Files { most, needed } => format!(
                "the lab's agent may have {most} open files, and with one for each netns it would have {needed}: raise the \
                 hard limit, by `ulimit -Hn {needed}` as root, `nofile` in /etc/security/limits.conf, or \
                 `LimitNOFILE={needed}` of a service"
            ),
            Scarce::Netns { most, needed } => {
                let enough = needed.max(&100_000);
                format!(
                    "user.max_net_namespaces is {most}, and the lab would have {needed}: raise it with `sudo sysctl \
                     user.max_net_namespaces={enough}`"
                )
            }
            Scarce::Memory { cgroup: None, left, needed } => format!(
                "that takes {} of kernel memory at the least, and the machine has {} left: draw fewer, or give it more",
                bytes(needed),
                bytes(left)
            ),
            Scarce::Memory { cgroup: Some(cgroup), left, needed } => format!(
                "that takes {} of kernel memory at the least, and the cgroup `{cgroup}` has {} left: draw fewer, or raise \
                 its limit: `memory.max`, `MemoryMax=` of a service, `--memory` of a container",
                bytes(needed),
                bytes(left)
            ),
        }
    }
}

impl From<Shortage> for Refusal {
    fn from(shortage: Shortage) -> Self {
        let errno = shortage.errno();
        Self { code: Code::from(&errno), act: shortage.act(), why: shortage.said(), errno: Some(errno) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortage(scarce: Scarce) -> Shortage {
        Shortage { need: Need { netns: 3000, veths: 1 }, scarce }
    }

    #[test]
    fn limit_is_named_with_its_value_and_the_way_to_raise_it() {
        for (scarce, error, hint) in [
            (
                Scarce::Files { most: 1024, needed: 3020 },
                "could not add 3000 netns: EMFILE: the limit of open files is too low for that",
                ["may have 1024", "`ulimit -Hn 3020`", "`LimitNOFILE=3020`"],
            ),
            (
                Scarce::Netns { most: 100, needed: 3001 },
                "could not add 3000 netns: ENOSPC: `user.max_net_namespaces` is too low for that",
                ["user.max_net_namespaces is 100,", "have 3001:", "`sudo sysctl user.max_net_namespaces=100000`"],
            ),
            (
                Scarce::Memory { cgroup: None, left: 1 << 20, needed: 1 << 30 },
                "could not add 3000 netns and 1 veth pair: ENOMEM: there is not enough memory for that",
                ["takes 1.0 GiB", "the machine has 1.0 MiB left", "draw fewer"],
            ),
            (
                Scarce::Memory { cgroup: Some("/user.slice".into()), left: 1 << 20, needed: 1 << 30 },
                "could not add 3000 netns and 1 veth pair: ENOMEM: there is not enough memory for that",
                ["cgroup `/user.slice` has 1.0 MiB left", "`memory.max`", "`MemoryMax=`"],
            ),
        ] {
            let shortage = shortage(scarce);
            assert_eq!(shortage.to_string(), error);
            for words in hint {
                assert!(shortage.hint().contains(words), "{words} is not in {}", shortage.hint());
            }
        }
    }

    #[test]
    fn guest_is_told_which_limit_and_no_figure_of_the_machine() {
        let refusal = Refusal::from(shortage(Scarce::Memory { cgroup: None, left: 77_777, needed: 88_888 }));
        assert_eq!((refusal.code, refusal.errno.as_ref().map(Errno::name)), (Code::Limit, Some("ENOMEM")));
        assert_eq!(refusal.for_guest().why, "ENOMEM: there is not enough memory for that");
    }

    #[test]
    fn limit_that_is_proposed_is_enough() {
        let needed = 200_001;
        assert!(shortage(Scarce::Netns { most: 1, needed }).hint().ends_with("=200001`"));
    }
}
