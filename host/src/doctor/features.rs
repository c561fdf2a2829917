//! What the kernel has of what labs use, tried by the agent's own hands.

use std::ffi::CStr;
use std::io;
use std::time::Instant;

use nix::libc;

use super::Check;
use super::child::{self, in_child};
use super::namespaces::{self, Tried};
use crate::agent::{self, Answers, Feature, Lack};

const GROUP: &str = "kernel";
/// The first kernel that has all that labs use.
const OLDEST: (u32, u32) = (5, 13);

/// How a feature is called, what it is for, and what to do where it is missing.
struct Words {
    feature: Feature,
    name: &'static str,
    used: &'static str,
    remedy: &'static str,
    needed: bool,
}

const FEATURES: [Words; 11] = [
    Words {
        feature: Feature::Veth,
        name: "veth",
        used: "pairs of links",
        remedy: "`sudo modprobe veth`, or a kernel with CONFIG_VETH",
        needed: true,
    },
    Words {
        feature: Feature::VethElsewhere,
        name: "veth into another netns",
        used: "made in its place, with a chosen index",
        remedy: "a newer kernel",
        needed: true,
    },
    Words {
        feature: Feature::Bridge,
        name: "bridge",
        used: "a switch",
        remedy: "`sudo modprobe bridge`, or a kernel with CONFIG_BRIDGE",
        needed: true,
    },
    Words {
        feature: Feature::MoveToIndex,
        name: "moving to a chosen index",
        used: "for links that a scenario moves (Linux 5.13)",
        remedy: "a kernel from 5.13 on; only scenarios that move links need it",
        needed: false,
    },
    Words {
        feature: Feature::Alias,
        name: "alias of a link",
        used: "marks what `--on-host` makes",
        remedy: "only `--on-host` needs it",
        needed: false,
    },
    Words {
        feature: Feature::Ipv6,
        name: "IPv6",
        used: "beside IPv4",
        remedy: "labs do without; to have it, boot without `ipv6.disable=1`, or with a kernel that has CONFIG_IPV6",
        needed: false,
    },
    Words {
        feature: Feature::QuietIpv6,
        name: "addrgenmode none",
        used: "no address comes that was not asked for",
        remedy: "a newer kernel",
        needed: true,
    },
    Words {
        feature: Feature::PingSockets,
        name: "ping sockets",
        used: "for `orchestrator ping` and scenarios that probe",
        remedy: "let `/proc/sys/net` be written to; a container often mounts it read-only",
        needed: false,
    },
    Words {
        feature: Feature::Proc,
        name: "mounting /proc",
        used: "shows a lab's own processes and settings",
        remedy: "labs do without; in docker, `--security-opt systempaths=unconfined` allows it",
        needed: false,
    },
    Words {
        feature: Feature::CloseRange,
        name: "close_range",
        used: "leaves no files open to a guest (Linux 5.9)",
        remedy: "a kernel from 5.9 on",
        needed: false,
    },
    Words {
        feature: Feature::Pidfd,
        name: "pidfd",
        used: "holds on to a process (Linux 5.3)",
        remedy: "a kernel from 5.3 on",
        needed: false,
    },
];

/// Tries the features in namespaces like a lab's, and says what came of it.
pub(super) fn checks(tried: &Tried, rootless: bool, deadline: Instant) -> Vec<Check> {
    let answers = if tried.suffices() { try_all(rootless, deadline) } else { Err(None) };
    let answer = |words: &Words| {
        match &answers {
            Ok(answers) => match answers.iter().find(|(feature, _)| *feature == words.feature) {
                Some((_, Ok(()))) => Check::yes(GROUP, words.name, words.used),
                Some((_, Err(lack))) => Check::no(GROUP, words.name, lack.to_string()).remedy(words.remedy),
                // It was not come to, which is because of another that is missing.
                None => return Check::unknown(GROUP, words.name, "what it would be tried with is missing"),
            },
            Err(None) => Check::unknown(GROUP, words.name, "without namespaces it can't be tried"),
            Err(Some(error)) => Check::unknown(GROUP, words.name, child::why_not(error)),
        }
        .needed(words.needed)
    };
    std::iter::once(version()).chain(FEATURES.iter().map(answer)).collect()
}

fn try_all(rootless: bool, deadline: Instant) -> Result<Answers, Option<io::Error>> {
    let failed = |error: io::Error| Lack::from(error);
    let answers = in_child(deadline, || {
        namespaces::enter_all(rootless).map_err(failed)?;
        // Only children are in a new PID namespace.
        in_child(deadline, || agent::features().map_err(failed)).map_err(failed)?
    });
    match answers {
        Ok(Ok(answers)) => Ok(answers),
        Ok(Err(lack)) => Err(Some(io::Error::other(lack.to_string()))),
        Err(error) => Err(Some(error)),
    }
}

fn version() -> Check {
    let name = "Linux 5.13 or newer";
    let Some(release) = release() else { return Check::unknown(GROUP, name, "it does not say") };
    match parse(&release) {
        Some(version) if version >= OLDEST => Check::yes(GROUP, name, release),
        Some(_) => Check::no(GROUP, name, release).remedy("a newer kernel; what labs would lack is tried below"),
        None => Check::unknown(GROUP, name, format!("`{release}` is no version")),
    }
}

/// Returns the release of the kernel that runs.
pub(super) fn release() -> Option<String> {
    // SAFETY: all zeros are a `utsname`, and the kernel fills it with strings that end.
    let release = unsafe {
        let mut names: libc::utsname = std::mem::zeroed();
        if libc::uname(&raw mut names) != 0 {
            return None;
        }
        CStr::from_ptr(names.release.as_ptr()).to_string_lossy().into_owned()
    };
    Some(release)
}

/// Reads the first two numbers of a release such as `6.8.0-31-generic`.
pub(crate) fn parse(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_all_sorts_are_compared_by_their_first_two_numbers() {
        for (release, version) in [("5.13.0", (5, 13)), ("6.8.0-31-generic", (6, 8)), ("7.0-rc1", (7, 0))] {
            assert_eq!(parse(release), Some(version));
        }
        assert_eq!(parse("unknown"), None);
        assert!((5, 9) < OLDEST && (6, 0) > OLDEST);
    }
}
