//! How large labs can become here.

use std::io;

use nix::sys::inotify::{InitFlags, Inotify};
use nix::sys::resource::{Resource, getrlimit};

use super::{Check, settings};
use crate::topology::Limits;

const GROUP: &str = "limits";
/// The agent holds one descriptor a netns, and these.
const OTHER_DESCRIPTORS: u64 = 64;
/// A machine where not even a lab of this size fits has a limit that is too low.
const SMALL: u64 = 100;
/// Two that talk know each other.
const NEIGHBOURS_A_NETNS: u64 = 2;
/// What a kernel has in the place of infinity is beyond this.
const UNLIMITED: u64 = 1 << 40;

/// The kinds of namespaces, and how many labs take; `None` for what their size decides.
const NAMESPACES: [(&str, Option<&str>); 5] = [
    ("user", Some("a lab without root takes one")),
    ("pid", Some("a lab takes one")),
    ("mnt", Some("a lab takes one, each `exec` another")),
    ("net", None),
    ("uts", Some("each `exec` takes one")),
];

/// Says what limits there are, and what they allow.
pub(super) fn checks() -> Vec<Check> {
    let mut checks = vec![descriptors(), files()];
    checks.extend(NAMESPACES.map(namespaces));
    checks.push(watches());
    checks.push(neighbours("IPv4 neighbours", "net.ipv4.neigh.default.gc_thresh3"));
    checks.push(neighbours("IPv6 neighbours", "net.ipv6.neigh.default.gc_thresh3"));
    checks
}

/// The largest lab that `run` builds without further flags.
fn largest() -> u64 {
    Limits::default().netns as u64
}

/// Says how large a lab a limit allows, and how to have a larger one.
fn allows(name: &str, found: impl std::fmt::Display, netns: u64, way: impl Into<String>) -> Check {
    let detail = if netns >= largest() {
        format!("{found}: enough for any lab")
    } else {
        format!("{found}: labs of up to {netns} netns")
    };
    match netns {
        _ if netns >= largest() => Check::yes(GROUP, name, detail),
        SMALL.. => Check::yes(GROUP, name, detail).remedy(format!("for larger ones: {}", way.into())),
        _ => Check::no(GROUP, name, detail).remedy(way),
    }
}

fn shown(number: u64) -> String {
    if number >= UNLIMITED { "unlimited".into() } else { number.to_string() }
}

fn descriptors() -> Check {
    let name = "open files of a process";
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((_, hard)) => {
            let way = "raise the hard limit: `ulimit -Hn` as root, `nofile` in /etc/security/limits.conf, or \
                       `LimitNOFILE=` of a service";
            allows(name, shown(hard), hard.saturating_sub(OTHER_DESCRIPTORS), way)
        }
        Err(error) => Check::unknown(GROUP, name, format!("{error:?}")),
    }
}

fn files() -> Check {
    let setting = "fs.file-max";
    match settings::number(setting) {
        Ok(max) => allows(setting, shown(max), max, format!("`sudo sysctl {setting}=1000000`")),
        Err(error) => Check::unknown(GROUP, setting, settings::why_not(&error)),
    }
}

/// A limit of one kind of namespace. Those that are around this user namespace may be lower, and can't be seen from here.
fn namespaces((kind, taken): (&str, Option<&str>)) -> Check {
    let setting = format!("user.max_{kind}_namespaces");
    let way = format!("`sudo sysctl {setting}=100000`");
    match settings::number(&setting) {
        Ok(max) => match taken {
            None => allows(&setting, shown(max), max.saturating_sub(1), way),
            Some(taken) if max > 0 => Check::yes(GROUP, setting, format!("{}: {taken}", shown(max))),
            Some(taken) => Check::no(GROUP, setting, format!("0: {taken}")).remedy(way),
        },
        Err(error) => Check::unknown(GROUP, setting, settings::why_not(&error)),
    }
}

/// An agent has one watch, by which it sees that its directory has gone.
fn watches() -> Check {
    let (name, setting) = ("inotify instances", "fs.inotify.max_user_instances");
    let max = settings::number(setting).map_or_else(|_| "unknown".into(), shown);
    match Inotify::init(InitFlags::IN_CLOEXEC) {
        Ok(_) => Check::yes(GROUP, name, format!("{max}: a lab takes one")),
        Err(nix::Error::EMFILE) => Check::no(GROUP, name, format!("all {max} are taken; labs do without"))
            .remedy(format!("`sudo sysctl {setting}=1024`")),
        Err(error) => {
            Check::no(GROUP, name, format!("{error:?}; labs do without")).remedy("a kernel with CONFIG_INOTIFY_USER")
        }
    }
}

/// The kernel keeps one table a family for all namespaces, and shows its size only in the machine's own.
fn neighbours(name: &str, setting: &str) -> Check {
    match settings::number(setting) {
        Ok(max) => {
            let enough = (largest() * NEIGHBOURS_A_NETNS).next_power_of_two();
            let way = format!("`sudo sysctl {setting}={enough}`");
            let check = allows(name, shown(max), max / NEIGHBOURS_A_NETNS, way);
            Check { detail: check.detail.replace("netns", "netns that all talk"), ..check }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Check::unknown(GROUP, name, "only the machine's own netns shows it")
        }
        Err(error) => Check::unknown(GROUP, name, format!("{setting}: {}", settings::why_not(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn limits_are_told_by_the_labs_that_they_allow() {
        let check = allows("files", 20_000, 19_936, "more");
        assert_eq!((check.state, &*check.detail, check.remedy), (State::Yes, "20000: enough for any lab", None));
        let check = allows("files", 1024, 960, "more");
        assert_eq!((check.state, &*check.detail), (State::Yes, "1024: labs of up to 960 netns"));
        assert_eq!(check.remedy.as_deref(), Some("for larger ones: more"));
        let check = allows("files", 64, 0, "more");
        assert_eq!((check.state, check.remedy.as_deref()), (State::No, Some("more")));
    }
}
