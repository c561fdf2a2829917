//! Processes in namespaces that are to go.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use super::standing::Standing;
use crate::protocol::Occupant;
use crate::topology::{NetnsName, harmless};

/// Lists the processes in namespaces, as far as this process can see them.
pub(super) fn occupants<'a>(standing: &Standing, names: impl Iterator<Item = &'a NetnsName>) -> Vec<Occupant> {
    let inodes: HashMap<u64, NetnsName> = names
        .filter_map(|name| Some((standing.nodes[&standing.topology.find_netns(name).ok()?].inode, name.clone())))
        .collect();
    if inodes.is_empty() {
        return Vec::new();
    }
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut occupants: Vec<Occupant> = processes
        .filter_map(|process| {
            let pid = process.file_name().to_str()?.parse().ok()?;
            let netns = inodes.get(&fs::metadata(process.path().join("ns/net")).ok()?.ino())?.clone();
            let command = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            Some(Occupant { netns, pid, command: harmless(command.trim_end()) })
        })
        .collect();
    occupants.sort_by_key(|occupant| occupant.pid);
    occupants
}
