//! The builder: does the steps, one netns at a time, all that one netns needs in one message.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::log::go_on;
use super::netns::{Made, enter};
use super::outside::Outside;
use super::standing::Standing;
use super::translate::requests;
use crate::fault;
use crate::kernel::{self, Request};
use crate::plan::{Step, StepFailure};
use crate::protocol::STEPS_AHEAD;
use crate::topology::{Errno, LinkId, LinkName, NetnsId, NetnsName, Refusal};

/// More requests than this do not go into one message.
const BATCH: usize = 256;

/// What the builder is told.
pub(super) enum Work {
    Step(Step),
    /// Forget what failed before. From here on the maker goes on after a failure, as it will be wanted again.
    Edit,
    /// Finish what was begun, and say how all went so far.
    Commit(Sender<Result<(), Box<StepFailure>>>),
}

/// The builder, as the session has it.
pub(super) struct Builder {
    pub(super) work: SyncSender<Work>,
    /// The steps that it is through with.
    pub(super) done: Arc<AtomicU64>,
}

/// Starts the builder's thread.
pub(super) fn start(
    standing: Arc<Mutex<Standing>>,
    outside: Arc<Outside>,
    made: Receiver<io::Result<Made>>,
) -> io::Result<Builder> {
    let (sender, work) = sync_channel(STEPS_AHEAD);
    let done = Arc::new(AtomicU64::new(0));
    let count = done.clone();
    thread::Builder::new().name("builder".into()).spawn(move || {
        let mut builder = Thread {
            standing,
            outside,
            made: Some(made),
            batch: Batch::default(),
            displaced: false,
            failed: None,
            editing: false,
        };
        for work in work {
            match work {
                Work::Step(step) => {
                    builder.step(step);
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Work::Edit => (builder.failed, builder.editing) = (None, true),
                Work::Commit(answer) => {
                    builder.flush();
                    builder.settle_neighbours();
                    lock(&builder.standing).close_sockets();
                    fault::point("all built");
                    // Whoever asked may have gone; the lab ends then.
                    let _ = answer.send(builder.failed.clone().map_or(Ok(()), Err));
                }
            }
        }
    })?;
    Ok(Builder { work: sender, done })
}

/// Requests for one netns, and the step that each belongs to.
#[derive(Default)]
struct Batch {
    netns: Option<NetnsId>,
    requests: Vec<Request>,
    steps: Vec<Step>,
    step_of: Vec<usize>,
}

struct Thread {
    standing: Arc<Mutex<Standing>>,
    outside: Arc<Outside>,
    /// Where namespaces come from, for as long as any are wanted.
    made: Option<Receiver<io::Result<Made>>>,
    batch: Batch,
    /// A link has got another place since the last commit, and with it another MAC address.
    displaced: bool,
    /// The first step that failed; nothing is done after it.
    failed: Option<Box<StepFailure>>,
    /// The lab stands, and will after a failure.
    editing: bool,
}

fn lock(standing: &Mutex<Standing>) -> MutexGuard<'_, Standing> {
    standing.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Thread {
    fn step(&mut self, step: Step) {
        if self.failed.is_some() {
            // What was made for it is nobody's, and the maker waits for it to be taken.
            if matches!(step, Step::AddNetns { .. }) {
                drop(self.made.as_ref().map(Receiver::recv));
            }
        } else if let Err(failure) = self.try_step(&step) {
            self.fail(failure);
        }
    }

    /// Notes the first failure. Nobody takes namespaces any more, so the maker must not go on: it would wait for that, then the
    /// session for the maker, and nobody would come to the commit.
    fn fail(&mut self, failure: Box<StepFailure>) {
        self.failed = Some(failure);
        if !self.editing {
            self.made = None;
        }
    }

    fn try_step(&mut self, step: &Step) -> Result<(), Box<StepFailure>> {
        let refused = |refusal: Refusal| refused(step, refusal);
        let failed = |error: io::Error| failure(step, &error);
        if self.editing && fault::fails("step of an edit") {
            return Err(failed(io::Error::from_raw_os_error(nix::libc::EIO)));
        }
        match step {
            Step::AddNetns { netns, .. } => {
                // Waited for without the lock: others look meanwhile.
                let made = self.made.as_ref().and_then(|made| made.recv().ok());
                let made = made.ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?.map_err(failed)?;
                let mut standing = lock(&self.standing);
                step.play(&mut standing.topology).map_err(refused)?;
                let id = standing.topology.find_netns(netns).map_err(refused)?;
                standing.hold(id, made);
                Ok(())
            }
            Step::RemoveNetns { netns } => {
                let id = lock(&self.standing).topology.find_netns(netns).map_err(refused)?;
                self.remove_netns(step, id).map_err(refused)
            }
            Step::SetForwarding { netns, on } => {
                // It may hang on what was asked for before, and is no netlink message.
                self.flush();
                let mut standing = lock(&self.standing);
                step.play(&mut standing.topology).map_err(refused)?;
                let id = standing.topology.find_netns(netns).map_err(refused)?;
                enter(&standing.node(id).netns).and_then(|()| kernel::set_forwarding(*on)).map_err(failed)
            }
            Step::SetAutoconfiguration { netns, on } => {
                self.flush();
                self.set_autoconfiguration(step, netns, *on)
            }
            _ => {
                self.displaced |= matches!(step, Step::SetName { .. } | Step::SetNetns { .. });
                let (netns, parts) = {
                    let mut standing = lock(&self.standing);
                    requests(&mut standing, step).map_err(refused)?
                };
                let in_parts = parts.len() > 1;
                for (at, part) in parts.into_iter().enumerate() {
                    self.push(netns, step, part);
                    if in_parts {
                        self.flush();
                    }
                    if at == 0 {
                        self.quieten_on_machine(step);
                    }
                }
                Ok(())
            }
        }
    }

    /// Has all links of a netns lose their link-local addresses, and the kernel make them, or not.
    fn set_autoconfiguration(&self, step: &Step, netns: &NetnsName, on: bool) -> Result<(), Box<StepFailure>> {
        let mut standing = lock(&self.standing);
        step.play(&mut standing.topology).map_err(|refusal| refused(step, refusal))?;
        let id = standing.topology.find_netns(netns).map_err(|refusal| refused(step, refusal))?;
        if !standing.has_ipv6(id) {
            return Ok(());
        }
        standing.disturb_by(id, std::slice::from_ref(step));
        let node = standing.node(id);
        // Where it is off, it is off for whatever link comes.
        node.quiet = !on;
        let netns = node.netns.clone();
        let mut drop_all = || {
            let dropped = standing.socket(id).and_then(kernel::drop_link_local);
            standing.spare_socket(id);
            dropped
        };
        let generate = || enter(&netns).and_then(|()| kernel::set_address_generation(on));
        // The kernel may make one at any time while it does so at all.
        let done = if on { drop_all().and_then(|()| generate()) } else { generate().and_then(|()| drop_all()) };
        done.map_err(|error| failure(step, &error))
    }

    /// Has the machine take no router's word for it from a link that a step has just brought there: whatever runs in the lab could
    /// give it an address and a default route (RFC 4861, section 6.3.4).
    fn quieten_on_machine(&mut self, step: &Step) {
        let links = on_host(step);
        if links.is_empty() || !lock(&self.standing).topology.is_on_machine() {
            return;
        }
        self.flush();
        if self.failed.is_some() {
            return;
        }
        let host = lock(&self.standing).node(NetnsId::HOST).netns.clone();
        for link in links {
            let refused = self.outside.act(|| enter(&host).and_then(|()| kernel::refuse_advertisements(&link)));
            go_on("have the machine refuse router advertisements", refused);
        }
    }

    /// Removes a netns, and its veths by name: the kernel takes its time to remove the peers of a netns that has gone.
    fn remove_netns(&mut self, step: &Step, id: NetnsId) -> Result<(), Refusal> {
        let peers: Vec<LinkId> = {
            let standing = lock(&self.standing);
            standing.topology.links_of(id).filter_map(|link| standing.topology.peer(link).ok()).collect()
        };
        for peer in &peers {
            let (netns, request) = {
                let standing = lock(&self.standing);
                let link = standing.topology.link(*peer, || step.act())?;
                (link.netns, kernel::remove_link(standing.index(*peer)))
            };
            if netns != id {
                self.push(netns, step, vec![request]);
            }
        }
        self.flush();
        lock(&self.standing).remove_netns(id, step)
    }

    /// Has every netns forget where its neighbours were, if a link has got another MAC address: they would be looked for at the
    /// old one for up to a minute.
    fn settle_neighbours(&mut self) {
        if !std::mem::take(&mut self.displaced) || self.failed.is_some() {
            return;
        }
        let mut standing = lock(&self.standing);
        let ids: Vec<NetnsId> = standing.nodes.keys().copied().collect();
        for id in ids {
            let held = standing.held(id);
            let counts = |index| held.counts(index);
            let forgotten = standing.socket(id).and_then(|socket| kernel::forget_neighbours(socket, counts));
            go_on("have neighbours forgotten", forgotten);
            standing.spare_socket(id);
        }
    }

    fn push(&mut self, netns: NetnsId, step: &Step, requests: Vec<Request>) {
        if self.batch.netns != Some(netns) || self.batch.requests.len() + requests.len() > BATCH {
            self.flush();
            self.batch.netns = Some(netns);
        }
        let at = self.batch.steps.len();
        self.batch.step_of.extend(requests.iter().map(|_| at));
        self.batch.requests.extend(requests);
        self.batch.steps.push(step.clone());
    }

    /// Sends what has gathered.
    fn flush(&mut self) {
        let Batch { netns, requests, steps, step_of } = std::mem::take(&mut self.batch);
        let Some(netns) = netns.filter(|_| !requests.is_empty() && self.failed.is_none()) else { return };
        let mut standing = lock(&self.standing);
        if self.editing {
            standing.disturb_by(netns, &steps);
        } else {
            standing.disturb();
        }
        // In a lab that stands somebody else may have removed what a step is to remove.
        let requests = if self.editing { requests.into_iter().map(Request::unless_gone).collect() } else { requests };
        let is_on_machine = standing.topology.is_on_machine();
        let outcome = match standing.socket(netns) {
            Ok(socket) => {
                // Nothing must come to the machine once the lab is being taken out of it.
                let sent =
                    if is_on_machine { self.outside.act(|| socket.batch(requests)) } else { socket.batch(requests) };
                sent.map_err(|error| {
                    let step = steps[step_of[error.index.min(step_of.len() - 1)]].clone();
                    Box::new(StepFailure { step, errno: error.errno, text: error.text })
                })
            }
            Err(error) => Err(failure(&steps[0], &error)),
        };
        standing.spare_socket(netns);
        drop(standing);
        fault::point("batch sent");
        if let Err(failure) = outcome {
            self.fail(failure);
        }
    }
}

/// The links of the host that a step makes, brings there, or gives IPv6 anew. One that is to come up may have got it anew before, as
/// a bridge does by its ports.
fn on_host(step: &Step) -> Vec<LinkName> {
    let anew = if let Step::SetMtu { link, .. } | Step::SetUp { link } = step { Some(link.clone()) } else { None };
    // One that is renamed is there already.
    let taken = if let Step::SetName { .. } = step { Vec::new() } else { step.taken() };
    let places = taken.into_iter().chain(anew);
    places.filter(|place| place.netns.is_host()).map(|place| place.link).collect()
}

fn refused(step: &Step, refusal: Refusal) -> Box<StepFailure> {
    let errno = refusal.errno.unwrap_or(Errno::EINVAL);
    Box::new(StepFailure { step: step.clone(), errno, text: Some(refusal.why) })
}

fn failure(step: &Step, error: &io::Error) -> Box<StepFailure> {
    let errno = kernel::errno_of(error.raw_os_error().unwrap_or(nix::libc::EIO));
    let text = kernel::explain(&errno).map(str::to_owned);
    Box::new(StepFailure { step: step.clone(), errno, text })
}
