//! The maker and the builder, as one session at a time has them.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, channel};
use std::time::Duration;

use super::builder::{Builder, Work};
use super::netns::Order;
use crate::plan::{Step, StepFailure};

/// How often a session is told how far the builder is.
const TELLING: Duration = Duration::from_millis(100);

/// Who makes namespaces, and who does all else.
pub(super) struct Workshop {
    order: SyncSender<Order>,
    builder: Builder,
    /// Steps that were done at the last commit.
    committed: u64,
}

impl Workshop {
    pub(super) fn new(order: SyncSender<Order>, builder: Builder) -> Self {
        Self { order, builder, committed: 0 }
    }

    /// Begins anew after whatever failed before; from here on a failure leaves what has been done to be looked at.
    pub(super) fn begin_edit(&self) {
        let _ = self.builder.work.send(Work::Edit);
    }

    /// Gives steps to the builder. Its failures are told at the next commit.
    pub(super) fn feed(&self, steps: Vec<Step>, with_sockets: bool) {
        for step in steps {
            // The maker works ahead of the builder, which may be waiting for the kernel.
            if let Step::AddNetns { hub, .. } = step {
                let _ = self.order.send(Order { hub, with_socket: with_sockets });
            }
            let _ = self.builder.work.send(Work::Step(step));
        }
    }

    /// Waits until the builder is through with all steps, and tells now and then how many it is through with. There is no outcome
    /// if the builder has gone.
    pub(super) fn commit(&mut self, mut tell: impl FnMut(u64)) -> Option<Result<(), Box<StepFailure>>> {
        let (sender, outcome) = channel();
        let _ = self.builder.work.send(Work::Commit(sender));
        let outcome = loop {
            let done = self.builder.done.load(Ordering::Relaxed);
            match outcome.recv_timeout(TELLING) {
                Err(RecvTimeoutError::Timeout) => tell(done - self.committed),
                outcome => break outcome,
            }
        };
        self.committed = self.builder.done.load(Ordering::Relaxed);
        outcome.ok()
    }
}
