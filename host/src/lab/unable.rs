//! Why this machine or user can't have labs, and what to do about it.

use std::fs;
use std::sync::OnceLock;

use crate::topology::Errno;

/// Says which of the capabilities that labs of root need are missing.
pub(super) fn not_privileged() -> String {
    let missing: Vec<String> = super::missing_privileges().iter().map(ToString::to_string).collect();
    format!("this needs {}, which this process lacks: run it as root", missing.join(" and "))
}

/// Finds what forbids namespaces to an ordinary user, or to anybody, where the kernel says only `errno`.
pub fn hint(errno: &Errno, rootless: bool) -> Option<String> {
    explain(errno, rootless, sysctl)
}

/// The settings that a hint may need.
const SETTINGS: [&str; 7] = [
    "kernel.apparmor_restrict_unprivileged_userns",
    "kernel.unprivileged_userns_clone",
    "user.max_user_namespaces",
    "user.max_pid_namespaces",
    "user.max_mnt_namespaces",
    "user.max_net_namespaces",
    "user.max_uts_namespaces",
];

static KNOWN: OnceLock<[Option<i64>; SETTINGS.len()]> = OnceLock::new();

/// Reads these settings while this process may read files.
pub(super) fn remember_settings() {
    KNOWN.get_or_init(|| SETTINGS.map(read_sysctl));
}

/// Returns a setting of the kernel that is a number.
pub(super) fn sysctl(name: &str) -> Option<i64> {
    let known = SETTINGS.iter().position(|setting| *setting == name);
    match (KNOWN.get(), known) {
        (Some(values), Some(at)) => values[at],
        _ => read_sysctl(name),
    }
}

fn read_sysctl(name: &str) -> Option<i64> {
    fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/"))).ok()?.trim().parse().ok()
}

fn explain(errno: &Errno, rootless: bool, sysctl: impl Fn(&str) -> Option<i64>) -> Option<String> {
    match errno.name() {
        "EPERM" | "EACCES" if rootless => Some(why_not_rootless(sysctl)),
        "EPERM" | "EACCES" => {
            Some("this needs CAP_SYS_ADMIN and CAP_NET_ADMIN, which a container often takes from root".into())
        }
        "ENOSPC" => Some(full(sysctl)),
        "EMFILE" | "ENFILE" => Some("raise the limit of open files: `ulimit -Hn`, `sysctl fs.file-max`".into()),
        "EINVAL" => Some("this kernel is built without user, PID or network namespaces".into()),
        _ => None,
    }
}

/// Each of these is a way in which a distribution forbids user namespaces.
fn why_not_rootless(sysctl: impl Fn(&str) -> Option<i64>) -> String {
    if sysctl("kernel.apparmor_restrict_unprivileged_userns") == Some(1) {
        return "AppArmor forbids user namespaces to ordinary users (kernel.apparmor_restrict_unprivileged_userns is 1): \
                allow them to this program with an AppArmor profile that has `userns,`, set the sysctl to 0, or run as root"
            .into();
    }
    if sysctl("kernel.unprivileged_userns_clone") == Some(0) {
        return "user namespaces are forbidden to ordinary users (kernel.unprivileged_userns_clone is 0): \
                `sudo sysctl kernel.unprivileged_userns_clone=1`, or run as root"
            .into();
    }
    "something else forbids user namespaces, such as a container's seccomp profile: allow `unshare` and `clone` there, or \
     run as root with CAP_SYS_ADMIN and CAP_NET_ADMIN"
        .into()
}

fn full(sysctl: impl Fn(&str) -> Option<i64>) -> String {
    let limits = ["user", "pid", "mnt", "net", "uts"].map(|kind| format!("user.max_{kind}_namespaces"));
    let lowest = limits.iter().filter_map(|name| Some((sysctl(name)?, name))).min();
    match lowest {
        // A limit of a user namespace around this one may be lower, and can't be seen from here.
        Some((limit, _)) if limit > 100_000 => {
            "a limit on namespaces is reached, of a user namespace around this one: see `sysctl user.max_user_namespaces` and its siblings there, or run as root".into()
        }
        Some((limit, name)) => format!(
            "a limit on namespaces is reached; the lowest is {name}, which is {limit}: \
             raise it with `sudo sysctl {name}=100000`, or run as root"
        ),
        None => "a limit on namespaces is reached: see `sysctl user`".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint_where(errno: &'static str, setting: &'static str, value: i64) -> String {
        explain(&Errno::named(errno), true, |name| (name == setting).then_some(value)).unwrap()
    }

    #[test]
    fn each_way_to_forbid_user_namespaces_is_named_with_the_way_out() {
        for (errno, setting, value) in [
            ("EPERM", "kernel.apparmor_restrict_unprivileged_userns", 1),
            ("EACCES", "kernel.apparmor_restrict_unprivileged_userns", 1),
            ("EPERM", "kernel.unprivileged_userns_clone", 0),
            ("ENOSPC", "user.max_user_namespaces", 0),
            ("ENOSPC", "user.max_net_namespaces", 5),
        ] {
            let hint = hint_where(errno, setting, value);
            assert!(hint.contains(setting), "{hint}");
            assert!(hint.contains("or run as root"), "{hint}");
        }
    }

    #[test]
    fn where_no_setting_forbids_them_a_container_is_suspected() {
        assert!(hint_where("EPERM", "kernel.unprivileged_userns_clone", 1).contains("seccomp"));
    }

    #[test]
    fn root_without_capabilities_is_told_which() {
        let hint = explain(&Errno::named("EPERM"), false, |_| None).unwrap();
        assert!(hint.contains("CAP_SYS_ADMIN"), "{hint}");
    }
}
