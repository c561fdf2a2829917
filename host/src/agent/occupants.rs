//! Processes in namespaces that are to go.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use super::standing::Standing;
use crate::plan::Step;
use crate::protocol::Occupant;
use crate::topology::{NetnsName, harmless};

/// Lists the processes in the namespaces that steps remove, as far as this process can see them.
pub(super) fn occupants(standing: &Standing, steps: &[Step]) -> Vec<Occupant> {
    let going = steps.iter().filter_map(|step| if let Step::RemoveNetns { netns } = step { Some(netns) } else { None });
    let inodes: HashMap<u64, NetnsName> = going
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
