//! The limit of open files: the agent holds each netns by one.

use std::{fs, io};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::log::go_on;

/// Beside one a netns: what the builder, a look and some commands open for a moment.
const TO_SPARE: u64 = 12;

/// The open files of this process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Files {
    /// How many are open.
    pub(super) open: u64,
    /// How many may be.
    pub(super) most: u64,
}

impl Files {
    /// Counts them.
    pub(super) fn read() -> io::Result<Self> {
        let open = fs::read_dir("/proc/self/fd")?.count() as u64;
        let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
        // The directory itself was one.
        Ok(Self { open: open.saturating_sub(1), most: soft })
    }

    /// How many there will be with so many more namespaces.
    pub(super) fn needed(self, netns: u64) -> u64 {
        self.open.saturating_add(netns).saturating_add(TO_SPARE)
    }

    /// How many, if each of them has its socket at the same time.
    fn needed_with_sockets(self, netns: u64) -> u64 {
        self.needed(netns).saturating_add(netns)
    }

    /// Tells whether there are enough for that.
    pub(super) fn have_sockets_for(self, netns: u64) -> bool {
        self.needed_with_sockets(netns) <= self.most
    }

    /// Raises the hard limit for so many more namespaces, where it is too low and this process may: with CAP_SYS_RESOURCE, and up to
    /// `fs.nr_open`.
    pub(super) fn raised_for(self, netns: u64) -> Self {
        let raised = |most| setrlimit(Resource::RLIMIT_NOFILE, most, most).is_ok().then_some(Self { most, ..self });
        [self.needed_with_sockets(netns), self.needed(netns)]
            .into_iter()
            .filter(|most| *most > self.most)
            .find_map(raised)
            .unwrap_or(self)
    }
}

/// Raises the soft limit, which is often 1024, to the hard one.
pub(super) fn raise_soft_limit() {
    let raised =
        getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    go_on("raise the limit of open files", raised);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_stays_where_it_is_enough_or_can_not_be_raised_that_far() {
        let files = Files::read().unwrap();
        assert!(files.open > 0 && files.open < files.most);
        assert_eq!(files.raised_for(0).most, files.most);
        // No kernel lets `fs.nr_open` be so high.
        assert_eq!(files.raised_for(1 << 40).most, files.most);
    }

    #[test]
    fn sockets_are_the_first_to_be_done_without() {
        let files = Files { open: 10, most: 150 };
        assert!(files.have_sockets_for(50));
        assert!(!files.have_sockets_for(100));
        assert!(files.needed(100) <= files.most);
    }
}
