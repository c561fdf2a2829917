//! Whether the machine's limits allow what a lab needs, found out before the first step.
//!
//! Refused is what can hardly be, with a little to spare: others may take what is left before the lab does, and there are limits that can't be
//! read here. The step that meets such a limit fails, and the lab is undone.

use std::fs;

use super::files::Files;
use super::memory::{self, Room};
use crate::plan::{Need, Scarce, Shortage};

/// What a lab may still take, as far as it could be read.
pub(super) struct Capacity {
    files: Option<Files>,
    /// `user.max_net_namespaces`: the lowest of those that count.
    netns: Option<u64>,
    memory: Vec<Room>,
}

impl Capacity {
    /// Reads it, and raises the limit of open files where this process may and need be. `outer_netns` is the limit of the user
    /// namespace around the lab's own.
    pub(super) fn read(need: Need, outer_netns: Option<u64>) -> Self {
        let netns = fs::read_to_string("/proc/sys/user/max_net_namespaces").ok();
        let netns = netns.and_then(|text| text.trim().parse().ok());
        Self {
            files: Files::read().ok().map(|files| files.raised_for(need.netns)),
            netns: netns.into_iter().chain(outer_netns).min(),
            memory: memory::rooms(need),
        }
    }

    /// Leaves memory out of account: what is about to go will make room.
    pub(super) fn without_memory(self) -> Self {
        Self { memory: Vec::new(), ..self }
    }

    /// Finds what there is too little of for a lab that has `has` namespaces of its own and needs more.
    pub(super) fn shortage(&self, need: Need, has: u64) -> Option<Shortage> {
        let scarce = self.files(need).or_else(|| self.netns(need, has)).or_else(|| self.memory(need))?;
        Some(Shortage { need, scarce })
    }

    /// Tells whether there are files for a socket in each new netns at the same time; what can't be read forbids nothing.
    pub(super) fn has_sockets_for(&self, need: Need) -> bool {
        self.files.is_none_or(|files| files.have_sockets_for(need.netns))
    }

    fn files(&self, need: Need) -> Option<Scarce> {
        let files = self.files.filter(|_| need.netns > 0)?;
        let needed = files.needed(need.netns);
        (needed > files.most).then_some(Scarce::Files { most: files.most, needed })
    }

    fn netns(&self, need: Need, has: u64) -> Option<Scarce> {
        let most = self.netns.filter(|_| need.netns > 0)?;
        let needed = has.saturating_add(need.netns);
        (needed > most).then_some(Scarce::Netns { most, needed })
    }

    fn memory(&self, need: Need) -> Option<Scarce> {
        self.memory.iter().find_map(|room| room.lack(need))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMPLE: Files = Files { open: 10, most: 1_000_000 };

    fn scarce(capacity: &Capacity, need: Need, has: u64) -> Option<Scarce> {
        capacity.shortage(need, has).map(|shortage| shortage.scarce)
    }

    #[test]
    fn files_are_short_by_those_that_are_open_and_some_to_spare() {
        let of = |most| Capacity { files: Some(Files { open: 10, most }), netns: None, memory: Vec::new() };
        let need = Need { netns: 100, veths: 100 };
        let needed = Files { open: 10, most: 0 }.needed(100);
        assert!(needed > 110);
        assert_eq!(scarce(&of(needed), need, 1), None);
        let most = needed - 1;
        assert_eq!(scarce(&of(most), need, 1), Some(Scarce::Files { most, needed }));
        // What adds none takes none.
        assert_eq!(scarce(&of(10), Need { netns: 0, veths: 100 }, 1), None);
    }

    #[test]
    fn namespaces_count_with_those_that_the_lab_has() {
        let of = |most| Capacity { files: Some(AMPLE), netns: Some(most), memory: Vec::new() };
        let need = Need { netns: 100, veths: 0 };
        assert_eq!(scarce(&of(101), need, 1), None);
        assert_eq!(scarce(&of(100), need, 1), Some(Scarce::Netns { most: 100, needed: 101 }));
        assert_eq!(scarce(&of(100), need, 0), None);
        assert_eq!(scarce(&of(0), Need { netns: 0, veths: 1 }, 1), None);
    }

    #[test]
    fn memory_is_short_wherever_there_is_too_little() {
        let of = |left| Capacity { files: Some(AMPLE), netns: None, memory: vec![Room::of_machine(left)] };
        let need = Need { netns: 100, veths: 100 };
        assert_eq!(scarce(&of(1 << 40), need, 1), None);
        assert!(matches!(scarce(&of(1 << 20), need, 1), Some(Scarce::Memory { cgroup: None, left: 1_048_576, .. })));
    }

    #[test]
    fn what_can_not_be_read_forbids_nothing() {
        let unknown = Capacity { files: None, netns: None, memory: Vec::new() };
        assert_eq!(scarce(&unknown, Need { netns: 1_000_000, veths: 1_000_000 }, 1), None);
    }
}
