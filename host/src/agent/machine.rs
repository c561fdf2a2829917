//! The machine's own network namespace, where a lab is on its host (`--on-host`): reading it, and taking the lab out of it.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::peers::peers;
use crate::fault;
use crate::kernel::{self, IndexedLink, Socket};
use crate::plan::{Machine, Mark};
use crate::protocol::journal::{self, Entry, Opening};
use crate::protocol::{Undone, traces};

/// Links may come back to be removed: one whose peer is going, say. Then they are looked for again, so many times.
const ROUNDS: usize = 5;
/// So many are put into the group of those that go with one message.
const BATCH: usize = 256;
/// The first of the groups for links that go; nobody else's in `/etc/iproute2/group`.
const GOING: u32 = 0x6f72_6300;

/// Reads what stands in the network namespace of this thread, and the names of `ip netns`. Changes nothing.
pub fn read_machine() -> io::Result<Machine> {
    let (links, routes) = kernel::read_machine(&Socket::open()?)?;
    let links = links.into_iter().map(|link| link.link).collect();
    Ok(Machine { links, routes, netns: traces::names(), peers: peers() })
}

/// Chooses the index that the first link of a lab gets here.
///
/// It is far from those that the kernel gives, and drawn by lot, as other labs have chosen before. Were an index taken, the link would
/// be refused.
pub(super) fn first_index() -> u32 {
    const LOWEST: u32 = 1 << 20;
    // Below the largest that the kernel takes are all that a lab may ever use.
    const HIGHEST: u32 = 1 << 30;
    let lot = u32::try_from(RandomState::new().hash_one(std::process::id()) >> 32).unwrap_or_default();
    LOWEST + lot % (HIGHEST - LOWEST)
}

/// Returns the inode of the network namespace of this thread.
pub(super) fn this_netns() -> io::Result<u64> {
    Ok(fs::metadata("/proc/thread-self/ns/net")?.ino())
}

/// Finds a process in a network namespace.
fn process_in(netns: u64) -> Option<u32> {
    let is_there = |pid: &u32| fs::metadata(format!("/proc/{pid}/ns/net")).is_ok_and(|found| found.ino() == netns);
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|process| process.file_name().to_str()?.parse().ok()).find(is_there)
}

/// Removes what a lab whose agent has ended, or is ending, has in the network namespace of this thread: the links with its mark,
/// with which their addresses and routes go. Nothing else is touched, whatever it is called.
pub fn undo(directory: &Path, lab: &str) -> Undone {
    let mut undone = Undone::default();
    let beginning = Mark::beginning(lab);
    let journal = match journal::read(directory) {
        // It may have been there once.
        Ok(journal) => journal.unwrap_or_default(),
        Err(error) => {
            undone.left.push(format!("its journal can't be read: {error}"));
            return undone;
        }
    };
    let mark = match journal.opening {
        Some(Opening { on_machine: None, .. }) => return undone,
        Some(Opening { boot, .. }) if boot != journal::this_boot() => return undone,
        Some(Opening { on_machine: Some(on_machine), .. }) => {
            if this_netns().ok() != Some(on_machine.netns) {
                let there = match process_in(on_machine.netns) {
                    Some(pid) => format!("`nsenter --net=/proc/{pid}/ns/net orchestrator down {lab}` removes it there"),
                    None => "its links can be removed there".into(),
                };
                undone.left.push(format!(
                    "it was built in another network namespace than this one, with inode {}; {there}",
                    on_machine.netns
                ));
                return undone;
            }
            Some(on_machine.mark)
        }
        None => None,
    };
    if let Some(line) = journal.damaged {
        undone.notes.push(format!(
            "line {line} of its journal is damaged; its links were looked for by their alias (`{beginning}...`)"
        ));
    }
    let is_own = |link: &IndexedLink| match (&link.link.alias, &mark) {
        (Some(alias), Some(mark)) => alias == mark,
        (Some(alias), None) => alias.strip_prefix(&beginning).is_some_and(has_no_agent),
        (None, _) => false,
    };
    take_out(is_own, journal.entries, &mut undone);
    undone
}

/// The same for an agent's own lab, whose mark it knows whatever has become of the journal.
pub(super) fn undo_own(directory: &Path, mark: &str) -> Undone {
    let mut undone = Undone::default();
    let noted = journal::read(directory).ok().flatten().unwrap_or_default().entries;
    take_out(|link| link.link.alias.as_deref() == Some(mark), noted, &mut undone);
    undone
}

fn take_out(is_own: impl Fn(&IndexedLink) -> bool, noted: Vec<Entry>, undone: &mut Undone) {
    match remove(is_own) {
        Err(error) => undone.left.push(format!("the machine's links can't be read: {error}")),
        Ok((left, others)) => {
            undone.left.extend(left);
            let stays = |name: &String| others.iter().any(|link| link.link.name == *name);
            let mut without_mark: Vec<String> = noted
                .into_iter()
                .filter_map(|entry| if let Entry::Link(name) = entry { Some(name) } else { None })
                .filter(stays)
                .collect();
            without_mark.sort();
            without_mark.dedup();
            undone.notes.extend(without_mark.into_iter().map(|name| {
                format!(
                    "there is a link `{name}` without the lab's alias: it is somebody else's now, and was left alone"
                )
            }));
        }
    }
}

/// Tells whether the agent that chose this end of a mark has ended. Somebody else may have a lab of the same name.
fn has_no_agent(id: &str) -> bool {
    let agent = id.split_once('-').and_then(|(pid, _)| pid.parse::<u32>().ok());
    let name = agent.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).ok());
    name.is_none_or(|name| name.trim_end() != "orchestrator")
}

/// Removes the links that `is_own` picks. Returns those that are left, with what the kernel says, and all others.
fn remove(is_own: impl Fn(&IndexedLink) -> bool) -> io::Result<(Vec<String>, Vec<IndexedLink>)> {
    let socket = Socket::open()?;
    let mut said = None;
    for _ in 0..ROUNDS {
        let (own, others): (Vec<_>, Vec<_>) = kernel::marked_links(&socket)?.into_iter().partition(|link| is_own(link));
        if own.is_empty() {
            return Ok((Vec::new(), others));
        }
        let is_free = |group: &u32| others.iter().all(|link| link.group != *group);
        let group = (GOING..).find(is_free).expect("there are more groups than links");
        said = None;
        for some in own.chunks(BATCH) {
            // The kernel goes on after one that has gone meanwhile, or that it refuses.
            let requests = some.iter().map(|link| kernel::set_group(link.index, group)).collect();
            said = said.or(socket.batch(requests).err());
        }
        fault::point("links to go grouped");
        said = socket.batch(vec![kernel::remove_group(group)]).err().or(said);
        fault::point("links removed");
    }
    let (own, others): (Vec<_>, Vec<_>) = kernel::marked_links(&socket)?.into_iter().partition(|link| is_own(link));
    let said = said.map(|error| format!(": {error}")).unwrap_or_default();
    Ok((own.into_iter().map(|link| format!("link `{}` could not be removed{said}", link.link.name)).collect(), others))
}
