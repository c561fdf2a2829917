//! Processes that keep namespaces of a lab alive from outside.

use std::collections::HashMap;
use std::fs;

use super::{Client, Error};
use crate::topology::NetnsName;

/// A process in a netns of a lab.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Its PID.
    pub pid: u32,
    /// Its name, escaped.
    pub command: String,
    /// The netns that it is in.
    pub netns: NetnsName,
}

/// Returns the namespaces of a lab by the inodes that `/proc/PID/ns/net` shows.
pub(super) fn netns_inodes(client: &Client) -> Result<HashMap<u64, NetnsName>, Error> {
    let (join, _) = client.join(NetnsName::host())?;
    Ok(join.hosts.into_iter().map(|host| (host.inode, host.netns)).collect())
}

/// Lists the processes that this user can see in these namespaces.
pub fn holders(inodes: &HashMap<u64, NetnsName>) -> Vec<Holder> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let link = fs::read_link(entry.path().join("ns/net")).ok()?;
            let inode: u64 = link.to_str()?.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok()?;
            let netns = inodes.get(&inode)?.clone();
            let command = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            Some(Holder { pid, command: command.trim_end().escape_debug().to_string(), netns })
        })
        .collect()
}
