//! Making namespaces and entering them: the one place of the agent that calls `setns`.
//!
//! A thread's netns is its own affair, so each caller is a thread that exists for this.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

use super::log::go_on;
use crate::fault;
use crate::kernel::{self, Socket};

/// How many namespaces the maker may be ahead of the builder.
const AHEAD: usize = 64;
/// How many orders may wait for the maker.
const ORDERS: usize = 1024;

/// A netns that is to be made.
pub(super) struct Order {
    /// It has a bridge: its links are to be quiet from the start.
    pub(super) hub: bool,
    /// A socket is opened there at once, which is quicker than to come back for it.
    pub(super) with_socket: bool,
}

/// A new netns.
pub(super) struct Made {
    pub(super) netns: OwnedFd,
    /// A socket that was opened there.
    pub(super) socket: Option<Socket>,
    /// Its links get no link-local address by themselves.
    pub(super) quiet: bool,
}

/// The maker: `order` a netns, and it comes out of `made`, in the order of the orders.
pub(super) struct Maker {
    order: SyncSender<Order>,
    made: Receiver<io::Result<Made>>,
}

impl Maker {
    /// Starts the maker's thread.
    pub(super) fn start() -> io::Result<Self> {
        let (order, orders) = sync_channel::<Order>(ORDERS);
        let (finished, made) = sync_channel::<io::Result<Made>>(AHEAD);
        thread::Builder::new().name("maker".into()).spawn(move || {
            let mut can_set_defaults = true;
            for order in orders {
                let made = make(&order, &mut can_set_defaults);
                if finished.send(made).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { order, made })
    }

    /// Splits the maker into who orders and who takes.
    pub(super) fn split(self) -> (SyncSender<Order>, Receiver<io::Result<Made>>) {
        (self.order, self.made)
    }
}

/// Makes a netns, which the thread is in afterwards. Where settings can't be written it goes without, and says so once.
fn make(order: &Order, can_set_defaults: &mut bool) -> io::Result<Made> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    fault::point("netns made");
    if *can_set_defaults {
        *can_set_defaults = go_on("set the defaults of a netns", kernel::set_defaults()).is_some();
    }
    let quiet = order.hub && kernel::has_ipv6() && kernel::turn_address_generation_off().is_ok();
    let socket = if order.with_socket { Some(Socket::open()?) } else { None };
    Ok(Made { netns: here()?, socket, quiet })
}

/// Takes hold of the netns of this thread.
pub(super) fn here() -> io::Result<OwnedFd> {
    Ok(File::open("/proc/thread-self/ns/net")?.into())
}

/// Puts the calling thread into a netns.
pub(super) fn enter(netns: &impl AsFd) -> io::Result<()> {
    Ok(setns(netns, CloneFlags::CLONE_NEWNET)?)
}

/// Runs `visit` on a thread that may go from netns to netns and ends with it.
pub(super) fn on_a_visit<T: Send>(visit: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let visit = thread::Builder::new().name("visit".into()).spawn_scoped(scope, visit)?;
        // A panic has ended the agent already, by its hook.
        visit.join().unwrap_or_else(|_| Err(io::Error::other("the visit broke off")))
    })
}
