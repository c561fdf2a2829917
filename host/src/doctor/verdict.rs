//! The answer in one line: can this user build labs?

use std::fs;

use super::{Check, State, words};
use crate::lab::{self, Error};

const GROUP: &str = "labs";

/// Says whether there is a place for this user's labs.
pub(super) fn place() -> Check {
    let name = "directory for labs";
    match lab::place() {
        Ok(place) => Check::yes(GROUP, name, place.display().to_string()),
        Err(error) => {
            let remedy = match &error {
                Error::Directory { path, .. } => Some(format!("see to it, or remove it: `{}`", path.display())),
                _ => Some("set XDG_RUNTIME_DIR to a directory of yours that you can write to".into()),
            };
            let detail = match &error {
                Error::NoDirectory { source, .. } | Error::Io { source, .. } => format!("{error}: {}", words(source)),
                error => error.to_string(),
            };
            Check { remedy, ..Check::no(GROUP, name, detail) }
        }
    }
    .needed(true)
}

/// Says whether this program can be started once more, as a lab's agent.
pub(super) fn proc() -> Check {
    let name = "/proc";
    match fs::read_link("/proc/self/exe") {
        Ok(_) => Check::yes(GROUP, name, "by way of it a lab's agent is started"),
        Err(error) => Check::no(GROUP, name, words(&error)).remedy("`sudo mount -t proc proc /proc`"),
    }
    .needed(true)
}

/// Sums up what labs need.
pub(super) fn verdict(checks: &[Check], rootless: bool) -> Check {
    let name = "build labs";
    let named = |is_meant: &dyn Fn(&Check) -> bool| -> Vec<&str> {
        checks.iter().filter(|check| is_meant(check)).map(|check| check.name.as_str()).collect()
    };
    let missing = named(&|check| check.needed && check.state == State::No);
    let unknown = named(&|check| check.needed && check.state == State::Unknown);
    // All that scenarios ask for is of the kernel.
    let without = named(&|check| !check.needed && check.state == State::No && check.group == "kernel");
    if !missing.is_empty() {
        return Check::no(GROUP, name, format!("for want of: {}", missing.join(", "))).remedy("see these lines below");
    }
    if !unknown.is_empty() {
        return Check::unknown(GROUP, name, format!("as this is not known: {}", unknown.join(", ")));
    }
    let how = if rootless { "without root, in a user namespace" } else { "as root, without a user namespace" };
    if without.is_empty() {
        Check::yes(GROUP, name, how)
    } else {
        Check::yes(GROUP, name, format!("{how}; but not: {}", without.join(", "))).remedy("see these lines below")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(group: &'static str, state: State, needed: bool) -> Check {
        Check::new(group, format!("{group} {state:?}"), state, "").needed(needed)
    }

    #[test]
    fn only_what_labs_need_decides() {
        let of = |checks: &[Check]| verdict(checks, true);
        let fine = of(&[check("kernel", State::Yes, true), check("limits", State::No, false)]);
        assert_eq!((fine.state, &*fine.detail), (State::Yes, "without root, in a user namespace"));
        let unknown = [check("kernel", State::Unknown, true), check("kernel", State::No, false)];
        assert_eq!(of(&unknown).state, State::Unknown);
        let no = of(&[check("kernel", State::Unknown, true), check("namespaces", State::No, true)]);
        assert_eq!((no.state, &*no.detail), (State::No, "for want of: namespaces No"));
    }

    #[test]
    fn labs_that_lack_something_are_not_called_whole() {
        let lacking = verdict(&[check("kernel", State::No, false), check("limits", State::No, false)], false);
        assert_eq!(lacking.state, State::Yes);
        assert!(lacking.detail.ends_with("but not: kernel No"), "{}", lacking.detail);
    }
}
