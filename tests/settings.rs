//! What a new netns copies from the machine is made what the model counts on.

use std::fs;

use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, geteuid};
use orchestrator::kernel;
use orchestrator::topology::settings::{CONF, IPV4, IPV6};

/// What distributions and container engines set.
const SET: [(&str, &str); 6] = [
    ("ipv4/conf/all/forwarding", "1"),
    ("ipv4/conf/default/rp_filter", "2"),
    ("ipv4/conf/all/promote_secondaries", "1"),
    ("ipv4/conf/default/promote_secondaries", "1"),
    ("ipv4/conf/lo/arp_ignore", "1"),
    ("ipv6/conf/default/disable_ipv6", "1"),
];

fn path(setting: &str) -> String {
    format!("/proc/sys/net/{setting}")
}

/// Runs `test` in a process of its own in a new netns, and returns its status.
fn in_new_netns(test: fn() -> i32) -> i32 {
    // SAFETY: the child unshares, reads and writes files, and ends without running what its parent has registered.
    match unsafe { fork() }.expect("fork") {
        ForkResult::Child => {
            let user = if geteuid().is_root() { CloneFlags::empty() } else { CloneFlags::CLONE_NEWUSER };
            let status = if unshare(user | CloneFlags::CLONE_NEWNET).is_ok() { test() } else { 100 };
            // SAFETY: as above.
            unsafe { nix::libc::_exit(status) }
        }
        ForkResult::Parent { child } => match waitpid(child, None).expect("wait for the child") {
            WaitStatus::Exited(_, status) => status,
            other => panic!("the child ended by {other:?}"),
        },
    }
}

/// New namespaces copy the machine's settings, which no test may change. So a new netns is changed before it is looked at.
fn change_and_set_defaults() -> i32 {
    if SET.iter().any(|(setting, value)| fs::write(path(setting), value).is_err()) {
        return 101;
    }
    let is_set =
        |(setting, value): &(&str, &str)| fs::read_to_string(path(setting)).is_ok_and(|now| now.trim() == *value);
    if !SET.iter().all(is_set) {
        return 102;
    }
    if kernel::set_defaults().is_err() {
        return 103;
    }
    let settings = |family: &'static str, settings: &'static [&'static str]| {
        CONF.into_iter()
            .flat_map(move |conf| settings.iter().map(move |setting| format!("{family}/conf/{conf}/{setting}")))
    };
    let mut all = settings("ipv4", &IPV4).chain(settings("ipv6", &IPV6));
    let wrong = all.position(|setting| fs::read_to_string(path(&setting)).is_ok_and(|now| now.trim() != "0"));
    wrong.map_or(0, |at| i32::try_from(at).unwrap_or(99) + 1)
}

#[test]
fn settings_that_a_netns_copied_from_the_machine_are_made_the_documented_defaults() {
    assert_eq!(
        in_new_netns(change_and_set_defaults),
        0,
        "the n-th setting differs, or from 100 on the test could not be tried"
    );
}
