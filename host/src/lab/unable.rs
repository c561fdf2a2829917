//! Why this machine or user can't have labs, and what to do about it.

use std::fs;

use crate::topology::Errno;

fn sysctl(name: &str) -> Option<i64> {
    fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/"))).ok()?.trim().parse().ok()
}

/// Finds what forbids namespaces to an ordinary user, or to anybody, where the kernel says only `errno`.
pub(super) fn hint(errno: &Errno, rootless: bool) -> Option<String> {
    match errno.name() {
        "EPERM" | "EACCES" if rootless => Some(why_not_rootless()),
        "EPERM" | "EACCES" => {
            Some("this needs CAP_SYS_ADMIN and CAP_NET_ADMIN, which a container often takes from root".into())
        }
        "ENOSPC" => Some(full()),
        "EMFILE" | "ENFILE" => Some("raise the limit of open files: `ulimit -Hn`, `sysctl fs.file-max`".into()),
        "EINVAL" => Some("this kernel is built without user, PID or network namespaces".into()),
        _ => None,
    }
}

fn why_not_rootless() -> String {
    // Each of these is a way in which a distribution forbids user namespaces.
    if sysctl("kernel.apparmor_restrict_unprivileged_userns") == Some(1) {
        return "AppArmor forbids user namespaces to ordinary users (kernel.apparmor_restrict_unprivileged_userns is 1): \
                allow them to this program with an AppArmor profile that has `userns,`, set the sysctl to 0, or run as root"
            .into();
    }
    if sysctl("kernel.unprivileged_userns_clone") == Some(0) {
        return "user namespaces are forbidden to ordinary users: \
                `sudo sysctl kernel.unprivileged_userns_clone=1`, or run as root"
            .into();
    }
    if sysctl("user.max_user_namespaces") == Some(0) {
        return "user namespaces are turned off: `sudo sysctl user.max_user_namespaces=10000`, or run as root".into();
    }
    "something else forbids user namespaces, such as a container's seccomp profile: allow `unshare` and `clone` there, or \
     run as root with CAP_SYS_ADMIN and CAP_NET_ADMIN"
        .into()
}

fn full() -> String {
    let limits = ["user", "pid", "mnt", "net", "uts"].map(|kind| format!("user.max_{kind}_namespaces"));
    let lowest = limits.iter().filter_map(|name| Some((sysctl(name)?, name))).min();
    match lowest {
        Some((limit, name)) => format!(
            "a limit on namespaces is reached; the lowest is {name}, which is {limit}: \
             raise it with `sudo sysctl {name}=100000`"
        ),
        None => "a limit on namespaces is reached: see `sysctl user`".into(),
    }
}
