//! What can confine the process that runs a guest.

use std::ptr;

use nix::libc::{self, SYS_landlock_create_ruleset, c_long, syscall};

use super::Check;
use crate::sandbox;

const GROUP: &str = "guest's process";

/// Of landlock_create_ruleset(2): asks for the version of Landlock and makes nothing.
const LANDLOCK_CREATE_RULESET_VERSION: libc::c_uint = 1;

/// Says what there is.
pub(super) fn checks() -> Vec<Check> {
    vec![identity(), seccomp(), landlock()]
}

fn identity() -> Check {
    let name = "a uid of its own";
    match sandbox::other_identity() {
        Ok(uid) => Check::yes(GROUP, name, format!("one that nobody has, such as {uid}")),
        Err(sandbox::NoOther::NotAllowed) => Check::no(GROUP, name, "it keeps this user's uid, and drops all else")
            .remedy("only CAP_SETUID and CAP_SETGID change it: run as root"),
        Err(sandbox::NoOther::NotMapped) => Check::no(GROUP, name, "no unused uid is mapped into this user namespace")
            .remedy("map more than a few uids into it: 65536 are usual"),
    }
}

fn seccomp() -> Check {
    let name = "seccomp in this kernel";
    match sandbox::find_seccomp() {
        Ok(()) => Check::yes(GROUP, name, "with filters"),
        Err(error) => Check::no(GROUP, name, named(error)).remedy("a kernel from 4.14 on, with CONFIG_SECCOMP_FILTER"),
    }
}

fn landlock() -> Check {
    let name = "Landlock in this kernel";
    let nothing: *const libc::c_void = ptr::null();
    // SAFETY: only asks for the version, and points to nothing.
    let answer = unsafe { syscall(SYS_landlock_create_ruleset, nothing, 0usize, LANDLOCK_CREATE_RULESET_VERSION) };
    match answered(answer) {
        Ok(version) => Check::yes(GROUP, name, format!("version {version} of its interface{}", lacks(version))),
        Err(nix::Error::EOPNOTSUPP) => Check::no(GROUP, name, "it has been left out at boot")
            .remedy("add `landlock` to the list of the boot parameter `lsm=`"),
        Err(error) => Check::no(GROUP, name, named(error))
            .remedy("a kernel from 5.13 on, with CONFIG_SECURITY_LANDLOCK; a container's seccomp profile may hide it"),
    }
}

/// Says what a version of Landlock does not know of what a guest's process gives up by it.
fn lacks(version: c_long) -> &'static str {
    match version {
        ..4 => ", for files alone: neither TCP ports, abstract sockets nor signals",
        4..6 => ", without abstract sockets and signals",
        _ => "",
    }
}

fn answered(answer: c_long) -> nix::Result<c_long> {
    nix::errno::Errno::result(answer)
}

fn named(error: nix::Error) -> String {
    format!("{error:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_landlock_does_not_know_is_said() {
        assert!(lacks(3).contains("TCP ports"));
        assert!(lacks(5).contains("signals") && !lacks(5).contains("TCP"));
        assert_eq!(lacks(6), "");
    }
}
