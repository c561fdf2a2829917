//! Waiting until the links carry what they should.
//!
//! The kernel does part of the work of setting a link up later, in one queue (linkwatch): only then does a link send, and a
//! bridge forward. A first packet that comes earlier is lost, and an ARP request is repeated only after a second.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::netns::{enter, on_a_visit};
use crate::kernel::{self, Socket};
use crate::topology::NetnsName;

/// Nobody waits longer for a link.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
const POLL: Duration = Duration::from_millis(2);

/// Waits until no link of these namespaces is on its way up; returns those that were when the time was over.
pub(super) fn settle(namespaces: &[(NetnsName, Arc<OwnedFd>)], timeout: Duration) -> io::Result<BTreeSet<String>> {
    let deadline = Instant::now() + timeout.min(LONGEST);
    on_a_visit(|| {
        let mut waiting = BTreeSet::new();
        for (name, netns) in namespaces {
            enter(netns)?;
            let socket = Socket::open()?;
            loop {
                let links = kernel::unsettled(&socket)?;
                if links.is_empty() {
                    break;
                }
                if Instant::now() >= deadline {
                    waiting.extend(links.iter().map(|link| format!("{name}/{link}")));
                    break;
                }
                sleep(POLL);
            }
        }
        Ok(waiting)
    })
}
