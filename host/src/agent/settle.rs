//! Waiting until the links carry what they should.
//!
//! The kernel does part of the work of setting a link up later, in one queue (linkwatch): only then does a link send, and a
//! bridge forward. A first packet that comes earlier is lost, and an ARP request is repeated only after a second.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};

use super::held::Held;
use super::netns::{enter, on_a_visit};
use crate::kernel::{self, Socket};

/// Nobody waits longer for a link.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// Milliseconds.
const POLL: u8 = 2;

/// A netns, and which of its links may not be at rest; without a list it is any of them.
pub(super) type Restless = (Held, Option<BTreeSet<u32>>);

/// Waits until no link of these namespaces is on its way up, and no IPv6 address if `ipv6` is asked for; returns those that were
/// when the time was over. It goes on for as long as the asker is there.
pub(super) fn settle(
    namespaces: &[Restless],
    timeout: Duration,
    ipv6: bool,
    asker: BorrowedFd<'_>,
) -> io::Result<BTreeSet<String>> {
    let deadline = Instant::now() + timeout.min(LONGEST);
    on_a_visit(|| {
        let mut waiting = BTreeSet::new();
        for (netns, among) in namespaces {
            let counts = |index| netns.counts(index) && among.as_ref().is_none_or(|indexes| indexes.contains(&index));
            enter(netns)?;
            let socket = Socket::open()?;
            loop {
                let mut late = kernel::unsettled(&socket, counts, among.as_ref())?;
                if ipv6 {
                    let unready = kernel::unready_addresses(&socket, counts)?;
                    late.extend(unready.iter().map(ToString::to_string));
                }
                if late.is_empty() {
                    break;
                }
                if Instant::now() >= deadline {
                    waiting.extend(late.iter().map(|late| format!("{}/{late}", netns.name)));
                    break;
                }
                // Asks for nothing, so it tells only of the end of the channel.
                if poll(&mut [PollFd::new(asker, PollFlags::empty())], POLL).is_ok_and(|gone| gone > 0) {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
            }
        }
        Ok(waiting)
    })
}
