//! A netns of the lab as the agent's other threads see it.

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use crate::topology::NetnsName;

/// A netns and the agent's descriptor of it.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) name: NetnsName,
    pub(super) netns: Arc<OwnedFd>,
    /// The kernel configures the IPv6 of its links, as it was told.
    pub(super) autoconfiguration: bool,
    /// The indexes of the lab's links, where there are others: in the machine's own namespace.
    pub(super) own: Option<Arc<HashSet<u32>>>,
}

impl Held {
    /// Tells whether the link of an index is the lab's.
    pub(super) fn counts(&self, index: u32) -> bool {
        self.own.as_ref().is_none_or(|own| own.contains(&index))
    }
}

impl AsFd for Held {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.netns.as_fd()
    }
}
