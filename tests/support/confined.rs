//! An `orchestrator` that may not do all that it needs.
//!
//! Limits of namespaces belong to a user namespace, so they are set in one more than the machine has, and no setting of the
//! real machine changes.

use super::{Command, Kind, Machine};

/// Begins an `orchestrator` of the labs' owner in one more user namespace, after a script that is root there.
pub(crate) fn confined<'m>(m: &'m Machine, script: &str, args: &[&str]) -> Command<'m> {
    let uid = m.kind().uid();
    let (options, drop): (&[String], _) = match m.kind() {
        Kind::Root => (&["--map-root-user".to_owned()], ""),
        Kind::User => (
            &[format!("--map-user={uid}"), format!("--map-group={uid}"), "--keep-caps".to_owned()],
            "setpriv --inh-caps=-all --ambient-caps=-all -- ",
        ),
    };
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let script = format!("{script}\nexec {drop}orchestrator \"$@\"");
    m.command("unshare").arg("--user").args(&options).args(&["--mount", "--", "sh", "-euc", &script, "sh"]).args(args)
}

/// Begins an `orchestrator` whose user may have so many network namespaces, and has one beside the lab's.
pub(crate) fn crowded<'m>(m: &'m Machine, most: u32, args: &[&str]) -> Command<'m> {
    let script = format!(
        "echo {most} >/proc/sys/user/max_net_namespaces
        : >other; unshare --net=other true"
    );
    confined(m, &script, args)
}

/// Begins an `orchestrator` that may have so many open files, and may not raise that limit.
pub(crate) fn with_files<'m>(m: &'m Machine, most: u32, args: &[&str]) -> Command<'m> {
    let drop = match m.kind() {
        Kind::Root => "setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource -- ",
        Kind::User => "",
    };
    let script = format!("ulimit -n {most}; exec {drop}orchestrator \"$@\"");
    m.command("sh").args(&["-c", &script, "sh"]).args(args)
}

/// Begins an `orchestrator` that may make no user namespace (EPERM), as the kernel allows none under a changed root, after
/// `script`.
pub(crate) fn forbidden<'m>(m: &'m Machine, script: &str, args: &[&str]) -> Command<'m> {
    let script = format!(
        "{script}
        mkdir -p root; mount -n --rbind / root
        exec chroot root setpriv --inh-caps=-all --ambient-caps=-all -- orchestrator \"$@\""
    );
    confined(m, &script, args)
}

/// Does something while a file system of the owner of the labs is mounted.
#[track_caller]
pub(crate) fn mounted(m: &Machine, options: &str, place: &str, act: impl FnOnce()) {
    // Where there is one uid only, what the machine's root mounts is the user's own.
    let script = "mount -n -t tmpfs -o $0,mode=700,uid=$2 fs $1 2>/dev/null || mount -n -t tmpfs -o $0,mode=700 fs $1";
    m.root_command("sh").args(&["-euc", script, options, place, &m.kind().uid().to_string()]).run().success();
    act();
    m.root_command("umount").args(&["-n", place]).run().success();
}
