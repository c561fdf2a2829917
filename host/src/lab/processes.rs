//! Processes that keep namespaces of a lab alive from outside.

use std::collections::HashMap;
use std::fs;

use nix::sys::stat::fstat;

use super::{Client, Error};
use crate::topology::{NetnsName, harmless};

/// The namespaces of a lab, by the inodes that `/proc/PID/ns` shows.
#[derive(Debug, Default)]
pub struct Namespaces {
    netns: HashMap<u64, NetnsName>,
    /// The PID namespace of the lab's own processes, which end with it.
    pid: Option<u64>,
}

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

impl Namespaces {
    /// Asks a lab for its namespaces.
    pub(super) fn of(client: &Client) -> Result<Self, Error> {
        let (join, descriptors) = client.join(NetnsName::host())?;
        let pid = descriptors.get(1).and_then(|pid| fstat(pid).ok()).map(|stat| stat.st_ino);
        // Everybody is in the machine's own.
        let hosts = join.hosts.into_iter().filter(|host| !(join.on_host && host.netns.is_host()));
        Ok(Self { netns: hosts.map(|host| (host.inode, host.netns)).collect(), pid })
    }

    /// Lists the processes that were put here from outside, as far as this user can see them.
    pub fn holders(&self) -> Vec<Holder> {
        if self.netns.is_empty() {
            return Vec::new();
        }
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|entry| {
                let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
                let inode = |kind: &str| -> Option<u64> {
                    let link = fs::read_link(entry.path().join("ns").join(kind)).ok()?;
                    link.to_str()?.strip_prefix(kind)?.strip_prefix(":[")?.strip_suffix(']')?.parse().ok()
                };
                let netns = self.netns.get(&inode("net")?)?.clone();
                // One that ends meanwhile is in no namespace any more.
                let of_processes = inode("pid")?;
                if self.pid == Some(of_processes) {
                    return None;
                }
                let command = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                Some(Holder { pid, command: harmless(command.trim_end()), netns })
            })
            .collect()
    }
}
