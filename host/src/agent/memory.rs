//! How much memory the kernel has left for namespaces and links: that of the machine, and of each cgroup that this process is in.

use std::fs;
use std::path::{Component, Path};

use crate::plan::{Need, Scarce};

const KIB: u64 = 1 << 10;
/// What a netns, and a veth pair, take of the machine at the least: some three quarters of what they take of Linux 6.18.
const TAKEN: (u64, u64) = (150 * KIB, 60 * KIB);
/// What of it a cgroup is charged: the kernel counts less than half.
const CHARGED: (u64, u64) = (64 * KIB, 40 * KIB);

/// Below this it is not worth the time to look: a machine that lacks it can hardly have come so far.
const SMALL: u64 = 16 << 20;

/// Where memory is limited, and what is left there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// The cgroup; `None` is the machine.
    cgroup: Option<String>,
    /// Bytes, if all is given up that can be.
    left: u64,
}

impl Room {
    #[cfg(test)]
    pub(super) fn of_machine(left: u64) -> Self {
        Self { cgroup: None, left }
    }

    /// Says that what is needed surely does not fit.
    pub(super) fn lack(&self, need: Need) -> Option<Scarce> {
        let needed = bytes(need, if self.cgroup.is_some() { CHARGED } else { TAKEN });
        (needed > self.left).then(|| Scarce::Memory { cgroup: self.cgroup.clone(), left: self.left, needed })
    }
}

fn bytes(need: Need, (netns, veth): (u64, u64)) -> u64 {
    need.netns.saturating_mul(netns).saturating_add(need.veths.saturating_mul(veth))
}

/// Reads what is left, as far as it can be read and matters: of the machine, then from the outermost cgroup inwards.
pub(super) fn rooms(need: Need) -> Vec<Room> {
    if bytes(need, TAKEN) < SMALL {
        return Vec::new();
    }
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let meminfo = read("/proc/meminfo");
    // Kernel memory is never swapped out; what can be makes room for it.
    let swap = field(&meminfo, "SwapFree:").unwrap_or(0).saturating_mul(KIB);
    let machine = field(&meminfo, "MemAvailable:")
        .map(|left| Room { cgroup: None, left: left.saturating_mul(KIB).saturating_add(swap) });
    machine.into_iter().chain(cgroups(&read("/proc/self/cgroup"), Path::new("/sys/fs/cgroup"), swap)).collect()
}

/// Where a version of cgroups has its figures.
struct Hierarchy {
    /// Below the mount point.
    directory: &'static str,
    limit: &'static str,
    usage: &'static str,
    /// What `memory.stat` calls that which can be given up.
    caches: &'static [&'static str],
}

/// The kernel's cgroup-v1/memory.rst.
const V1: Hierarchy = Hierarchy {
    directory: "memory",
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    caches: &["total_inactive_file", "total_active_file"],
};
/// The kernel's cgroup-v2.rst.
const V2: Hierarchy = Hierarchy {
    directory: "",
    limit: "memory.max",
    usage: "memory.current",
    caches: &["inactive_file", "active_file", "slab_reclaimable"],
};

/// Reads the cgroups of a process and those around them, from the text of its `/proc/PID/cgroup` (cgroups(7)).
pub(crate) fn cgroups(of_process: &str, mount: &Path, swap: u64) -> Vec<Room> {
    let lines = of_process.lines().filter_map(|line| {
        let (_, line) = line.split_once(':')?;
        let (controllers, path) = line.split_once(':')?;
        match controllers {
            "" => Some((V2, path)),
            _ => controllers.split(',').any(|name| name == "memory").then_some((V1, path)),
        }
    });
    let mut rooms = Vec::new();
    for (hierarchy, path) in lines {
        let path = Path::new(path);
        // It is outside of what this process sees (cgroup_namespaces(7)).
        if path.components().any(|part| part == Component::ParentDir) {
            continue;
        }
        let around: Vec<&Path> = path.ancestors().collect();
        rooms.extend(around.into_iter().rev().filter_map(|cgroup| hierarchy.room(cgroup, mount, swap)));
    }
    rooms
}

impl Hierarchy {
    /// Reads one cgroup. The root has no figures, and `max` for a limit is none.
    fn room(&self, cgroup: &Path, mount: &Path, swap: u64) -> Option<Room> {
        let directory = mount.join(self.directory).join(cgroup.strip_prefix("/").ok()?);
        let read = |file: &str| fs::read_to_string(directory.join(file)).ok();
        let number = |file: &str| read(file)?.trim().parse::<u64>().ok();
        let (limit, usage) = (number(self.limit)?, number(self.usage)?);
        let stat = read("memory.stat")?;
        let caches: u64 = self.caches.iter().filter_map(|name| field(&stat, name)).sum();
        let left = limit.saturating_sub(usage.saturating_sub(caches)).saturating_add(swap);
        Some(Room { cgroup: Some(cgroup.display().to_string()), left })
    }
}

/// Finds a number by the word before it.
pub(crate) fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == name).then(|| words.next()?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn write(directory: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(directory).unwrap();
        for (name, text) in files {
            fs::write(directory.join(name), text).unwrap();
        }
    }

    fn room(cgroup: &str, left: u64) -> Room {
        Room { cgroup: Some(cgroup.into()), left }
    }

    #[test]
    fn each_cgroup_around_a_process_has_its_room() {
        let mount = tempfile::tempdir().unwrap();
        let at = |path: &str| mount.path().join(path);
        // As in a container: the root of what is seen is limited too.
        write(
            mount.path(),
            &[
                ("memory.max", "104857600\n"),
                ("memory.current", "52428800\n"),
                (
                    "memory.stat",
                    "anon 9\nfile 30\ninactive_file 10485760\nactive_file 1048576\nslab_reclaimable 1048576\n",
                ),
            ],
        );
        write(&at("a"), &[("memory.max", "max\n"), ("memory.current", "1\n"), ("memory.stat", "")]);
        write(&at("a/b"), &[("memory.max", "2097152\n"), ("memory.current", "3145728\n"), ("memory.stat", "")]);
        let found = cgroups("0::/a/b\n", mount.path(), 0);
        assert_eq!(found, [room("/", 62 * MIB), room("/a/b", 0)]);
        assert_eq!(cgroups("0::/a/b\n", mount.path(), MIB)[1], room("/a/b", MIB));
        // A process may be in a cgroup that is not seen here.
        assert_eq!(cgroups("0::/../c\n", &at("a"), 0), []);
    }

    #[test]
    fn first_version_of_cgroups_is_read_too() {
        let mount = tempfile::tempdir().unwrap();
        write(
            &mount.path().join("memory/a"),
            &[
                ("memory.limit_in_bytes", "10485760\n"),
                ("memory.usage_in_bytes", "5242880\n"),
                ("memory.stat", "inactive_file 7\ntotal_inactive_file 1048576\ntotal_active_file 1048576\n"),
            ],
        );
        let of_process = "9:name=systemd:/x\n4:cpuset,memory:/a\n3:cpu:/a\n0::/\n";
        assert_eq!(cgroups(of_process, mount.path(), 0), [room("/a", 7 * MIB)]);
    }

    #[test]
    fn only_what_surely_does_not_fit_is_lacking() {
        let need = Need { netns: 1000, veths: 1000 };
        assert_eq!(Room::of_machine(bytes(need, TAKEN)).lack(need), None);
        assert!(Room::of_machine(bytes(need, TAKEN) - 1).lack(need).is_some());
        assert_eq!(room("/a", bytes(need, CHARGED)).lack(need), None);
        assert!(room("/a", bytes(need, CHARGED) - 1).lack(need).is_some());
    }

    #[test]
    fn this_machine_has_memory_left() {
        let found = rooms(Need { netns: 1000, veths: 0 });
        assert_eq!(found.first().map(|room| room.cgroup.clone()), Some(None));
        assert!(found[0].left > 0);
        assert_eq!(rooms(Need { netns: 2, veths: 2 }), []);
    }
}
