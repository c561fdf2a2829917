//! Making namespaces and entering them: the one place of the agent that calls `unshare` and `setns`.
//!
//! A thread's netns is its own affair, so each caller is a thread that exists for this.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

use crate::kernel::{self, Socket};

/// How many namespaces the maker may be ahead of the builder.
const AHEAD: usize = 64;

/// A new netns.
pub(super) struct Made {
    pub(super) netns: OwnedFd,
    /// A socket that was opened there.
    pub(super) socket: Socket,
    /// Its links get no link-local address by themselves.
    pub(super) quiet: bool,
}

/// The maker: `order` a netns, and it comes out of `made`, in the order of the orders.
pub(super) struct Maker {
    order: Sender<bool>,
    made: Receiver<io::Result<Made>>,
}

impl Maker {
    /// Starts the maker's thread.
    pub(super) fn start() -> io::Result<Self> {
        let (order, orders) = channel::<bool>();
        let (finished, made): (SyncSender<io::Result<Made>>, _) = sync_channel(AHEAD);
        thread::Builder::new().name("maker".into()).spawn(move || {
            for hub in orders {
                if finished.send(make(hub)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { order, made })
    }

    /// Splits the maker into who orders and who takes.
    pub(super) fn split(self) -> (Sender<bool>, Receiver<io::Result<Made>>) {
        (self.order, self.made)
    }
}

/// Makes a netns, which the thread is in afterwards. A hub has quiet links from the start.
fn make(hub: bool) -> io::Result<Made> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let netns = File::open("/proc/thread-self/ns/net")?.into();
    let socket = Socket::open()?;
    let quiet = hub && kernel::has_ipv6() && kernel::turn_address_generation_off().is_ok();
    Ok(Made { netns, socket, quiet })
}

/// Puts the calling thread into a netns.
pub(super) fn enter(netns: &impl AsFd) -> io::Result<()> {
    Ok(setns(netns, CloneFlags::CLONE_NEWNET)?)
}

/// Runs `visit` on a thread that may go from netns to netns and ends with it.
pub(super) fn on_a_visit<T: Send>(visit: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(visit).join().expect("a visit does not panic"))
}
