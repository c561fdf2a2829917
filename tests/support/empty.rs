//! What is in a machine, and what of that the tool may leave there.
//!
//! Network namespaces are not looked for one by one: a process, a mount of it (`nsfs`) or a link whose peer is in it
//! is all that keeps one or shows of one, and each of these is in the list.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::{Kind, Machine};

/// A line for everything that a machine has: processes, mounts, files, links, addresses, routes, rules.
pub(crate) type Snapshot = BTreeSet<String>;

/// The directories that are looked through; of them the harness's own is left out, with the homes in it.
const DIRECTORIES: [&str; 2] = ["/run", "/tmp"];
const HARNESS: &str = "/run/machine";

/// Lists all that is in `machine`.
pub(super) fn look(machine: &Machine) -> Snapshot {
    let mut snapshot = network(machine);
    snapshot.extend(things(machine, &DIRECTORIES, |_| String::new()));
    snapshot
}

/// Lists what is in `machine` beside its network: processes, mounts, and the files that `paths` are or have below them, of which
/// `detail` says more.
pub(super) fn things(machine: &Machine, paths: &[&str], detail: impl Fn(&Path) -> String + Copy) -> Snapshot {
    let processes = machine.processes().into_iter().map(|(pid, command)| format!("process {pid}: {command}"));
    let mut snapshot: Snapshot = processes.chain(mounts(machine)).collect();
    for path in paths {
        files(machine, path, detail, &mut snapshot);
    }
    snapshot
}

/// Says what is in one snapshot and not in the other, without what the tool may leave.
pub(super) fn differences(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let left = after.difference(before).map(|line| format!("left: {line}"));
    let gone = before.difference(after).map(|line| format!("gone: {line}"));
    left.chain(gone).collect()
}

/// Says whether the tool may leave `path`, which saves it making the same again for the next lab.
///
/// That is its directory, `labs` in it, an empty lock in either, and root's /run/netns. A lab's own directory,
/// a socket or a record is not among them.
fn may_stay(path: &str, what: &str) -> bool {
    let user = Kind::User.uid();
    let places = [
        "/run/orchestrator",
        &format!("/run/user/{user}/orchestrator"),
        "/tmp/orchestrator-0",
        &format!("/tmp/orchestrator-{user}"),
    ];
    let Some(below) = places.iter().find_map(|place| path.strip_prefix(place)) else {
        return path == "/run/netns" && what == "directory";
    };
    match what {
        "directory" => ["", "/labs"].contains(&below),
        "empty file" => ["/lock", "/.lock", "/labs/lock", "/labs/.lock"].contains(&below),
        _ => false,
    }
}

/// Lists links, addresses, routes and rules, as `ip` words them.
fn network(machine: &Machine) -> Snapshot {
    let script = "
        printf '%s\\n' link address 'route show table all' rule | ip -o -batch -
        [ ! -d /proc/sys/net/ipv6 ] || ip -6 rule";
    let listed = machine.root_command("sh").args(&["-euc", script]).run();
    let lines = listed.success().stdout().lines();
    lines.map(|line| format!("network: {}", line.split_whitespace().collect::<Vec<_>>().join(" "))).collect()
}

/// Lists the mounts by what is mounted where.
fn mounts(machine: &Machine) -> Snapshot {
    let path = format!("/proc/{}/mountinfo", machine.holder().pid());
    let table = fs::read_to_string(path).expect("could not read the machine's mounts");
    let mounts = table.lines().filter_map(|line| {
        let (place, source) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        // `ip netns add` mounts the directory on itself once and for all.
        (point != "/run/netns" || root != "/netns").then(|| format!("mount: {root} of {source} on {point}"))
    });
    mounts.collect()
}

/// Lists `path` and what is below it, without following symlinks.
fn files(machine: &Machine, path: &str, detail: impl Fn(&Path) -> String + Copy, snapshot: &mut Snapshot) {
    let outside = machine.outside(path);
    // It may go between the listing of what it is in and this one.
    if path == HARNESS || fs::symlink_metadata(&outside).is_err() {
        return;
    }
    let what = describe(machine, &outside);
    if what == "directory" {
        for entry in fs::read_dir(&outside).into_iter().flatten().flatten() {
            let path = format!("{path}/{}", entry.file_name().to_string_lossy());
            files(machine, &path, detail, snapshot);
        }
    }
    if !may_stay(path, &what) {
        snapshot.insert(format!("file: {path} ({what}{})", detail(&outside)));
    }
}

/// Says who may do what with a file, and what is in it; of one that can't be read, how long it is.
pub(super) fn detail(path: &Path) -> String {
    let Ok(metadata) = fs::symlink_metadata(path) else { return String::new() };
    let account = format!(", {:o} {}:{}", metadata.mode(), metadata.uid(), metadata.gid());
    if !metadata.is_file() {
        return account;
    }
    let mut hasher = DefaultHasher::new();
    fs::read(path).unwrap_or_default().hash(&mut hasher);
    format!("{account}, {} bytes, {:016x}", metadata.len(), hasher.finish())
}

fn describe(machine: &Machine, path: &Path) -> String {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return "gone meanwhile".to_owned();
    };
    let kind = metadata.file_type();
    if kind.is_symlink() {
        let target = fs::read_link(path).unwrap_or_default();
        // An absolute target is looked up in the machine.
        let seen = path.parent().unwrap_or(path).join(&target);
        let seen = if target.is_absolute() { machine.holder().outside(&target) } else { seen };
        let dangling = if fs::symlink_metadata(seen).is_err() { ", dangling" } else { "" };
        return format!("symlink to {}{dangling}", target.display());
    }
    match () {
        () if kind.is_dir() => "directory",
        () if kind.is_socket() => "socket",
        () if kind.is_file() && metadata.len() == 0 => "empty file",
        () if kind.is_file() => "file",
        () => "special file",
    }
    .to_owned()
}
