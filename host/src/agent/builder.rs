//! The builder: does the steps, one netns at a time, all that one netns needs in one message.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::netns::Made;
use super::standing::{Port, Standing};
use crate::kernel::{self, LinkSpec, Request, RouteSpec};
use crate::plan::{NewLink, NewRoute, Step, StepFailure};
use crate::topology::{Kind, LinkId, NetnsId, Place, Refusal};

/// More requests than this do not go into one message.
const BATCH: usize = 256;

/// What the builder is told.
pub(super) enum Work {
    Step(Step),
    /// Finish what was begun, and say how all went so far.
    Commit(Sender<Result<(), StepFailure>>),
}

/// Starts the builder's thread.
pub(super) fn start(
    standing: Arc<Mutex<Standing>>,
    made: Receiver<io::Result<Made>>,
    ipv6: bool,
) -> io::Result<Sender<Work>> {
    let (sender, work) = channel();
    thread::Builder::new().name("builder".into()).spawn(move || {
        let mut builder = Builder { standing, made, ipv6, batch: Batch::default(), failed: None };
        for work in work {
            match work {
                Work::Step(step) => builder.step(step),
                Work::Commit(answer) => {
                    builder.flush();
                    // Whoever asked may have gone; the lab ends then.
                    let _ = answer.send(builder.failed.clone().map_or(Ok(()), Err));
                }
            }
        }
    })?;
    Ok(sender)
}

/// Requests for one netns, and the step that each belongs to.
#[derive(Default)]
struct Batch {
    netns: Option<NetnsId>,
    requests: Vec<Request>,
    steps: Vec<Step>,
    step_of: Vec<usize>,
}

struct Builder {
    standing: Arc<Mutex<Standing>>,
    made: Receiver<io::Result<Made>>,
    ipv6: bool,
    batch: Batch,
    /// The first step that failed; nothing is done after it.
    failed: Option<StepFailure>,
}

fn lock(standing: &Mutex<Standing>) -> MutexGuard<'_, Standing> {
    standing.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Builder {
    fn step(&mut self, step: Step) {
        if self.failed.is_none()
            && let Err(failure) = self.try_step(&step)
        {
            self.failed = Some(failure);
        }
    }

    fn try_step(&mut self, step: &Step) -> Result<(), StepFailure> {
        let refused = |refusal: Refusal| StepFailure {
            step: step.clone(),
            errno: refusal.errno.unwrap_or(crate::topology::Errno::EINVAL),
            text: Some(refusal.why),
        };
        let failed = |error: io::Error| failure(step, &error);
        match step {
            Step::AddNetns { netns, .. } => {
                // Waited for without the lock: others look meanwhile.
                let made = self.made.recv().map_err(|_| failed(io::ErrorKind::BrokenPipe.into()))?.map_err(failed)?;
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
            _ => {
                let (netns, requests) = {
                    let mut standing = lock(&self.standing);
                    requests(&mut standing, step, self.ipv6).map_err(refused)?
                };
                self.push(netns, step, requests);
                Ok(())
            }
        }
    }

    /// Removes a netns, and its veths by name: the kernel takes its time to remove the peers of a netns that has gone.
    fn remove_netns(&mut self, step: &Step, id: NetnsId) -> Result<(), Refusal> {
        let (peers, links) = {
            let standing = lock(&self.standing);
            let links: Vec<LinkId> = standing.topology.links_of(id).collect();
            let peers: Vec<LinkId> = links.iter().filter_map(|link| standing.topology.peer(*link).ok()).collect();
            (peers, links)
        };
        for peer in &peers {
            let (netns, request) = {
                let standing = lock(&self.standing);
                let link = standing.topology.link(*peer, || step.act())?;
                (link.netns, kernel::remove_link(standing.ports[peer].index))
            };
            if netns != id {
                self.push(netns, step, vec![request]);
            }
        }
        self.flush();
        let mut standing = lock(&self.standing);
        step.play(&mut standing.topology)?;
        for link in links.iter().chain(&peers) {
            standing.ports.remove(link);
        }
        standing.nodes.remove(&id);
        Ok(())
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
        standing.restless = true;
        let outcome = match standing.socket(netns) {
            Ok(socket) => socket.batch(requests).map_err(|error| StepFailure {
                step: steps[step_of[error.index.min(step_of.len() - 1)]].clone(),
                errno: error.errno,
                text: error.text,
            }),
            Err(error) => Err(failure(&steps[0], &error)),
        };
        // A socket a netns would double the descriptors of a large lab; those of hubs are wanted again and again.
        if let Some(node) = standing.nodes.get_mut(&netns)
            && !node.quiet
        {
            node.socket = None;
        }
        drop(standing);
        if let Err(failure) = outcome {
            self.failed = Some(failure);
        }
    }
}

fn failure(step: &Step, error: &io::Error) -> StepFailure {
    let errno = kernel::errno_of(error.raw_os_error().unwrap_or(nix::libc::EIO));
    let text = kernel::explain(&errno).map(str::to_owned);
    StepFailure { step: step.clone(), errno, text }
}

/// Turns a step into requests to the kernel, and plays it on the model, which refuses what does not fit.
fn requests(standing: &mut Standing, step: &Step, ipv6: bool) -> Result<(NetnsId, Vec<Request>), Refusal> {
    // What goes with the step is looked up before, what comes with it after it was played.
    match step {
        Step::RemoveLink { link } => {
            let (id, netns) = standing.find(link)?;
            let peer = standing.topology.peer(id).ok();
            let port = *standing.port(id);
            step.play(&mut standing.topology)?;
            for gone in [Some(id), peer].into_iter().flatten() {
                standing.ports.remove(&gone);
            }
            Ok((netns, vec![kernel::remove_link(port.index)]))
        }
        Step::SetNetns { link, target, name, mac } => {
            let (id, netns) = standing.find(link)?;
            let port = *standing.port(id);
            step.play(&mut standing.topology)?;
            let target = standing.topology.find_netns(target)?;
            let moved = standing.add_port(id, target);
            let fd: Arc<OwnedFd> = standing.node(target).netns.clone();
            Ok((netns, vec![kernel::set_netns(port.index, fd.as_fd(), name, *mac, moved.index)]))
        }
        Step::SetName { link, name, mac } => {
            let (id, netns) = standing.find(link)?;
            step.play(&mut standing.topology)?;
            Ok((netns, vec![kernel::set_name(standing.port(id).index, name, *mac)]))
        }
        Step::AddVeth { near, near_controller, near_up, far } => {
            step.play(&mut standing.topology)?;
            let (near_id, near_netns) = standing.find(&near.place)?;
            let (far_id, far_netns) = standing.find(&far.place)?;
            let controller = match near_controller {
                Some(name) => {
                    let bridge = standing.topology.find_link(near_netns, name)?;
                    Some(standing.port(bridge).index)
                }
                None => None,
            };
            let near_port = standing.add_port(near_id, near_netns);
            let far_port = standing.add_port(far_id, far_netns);
            let far_fd = standing.node(far_netns).netns.clone();
            // A link that is made up is too late for being quietened.
            let up_at_once = *near_up && (near_port.quiet || !ipv6);
            let (near, far) = (spec(near, near_port), spec(far, far_port));
            let mut requests = vec![kernel::add_veth(&near, controller, up_at_once, &far, far_fd.as_fd())];
            if *near_up && !up_at_once {
                requests.extend(up(standing, near_id, ipv6));
            }
            Ok((near_netns, requests))
        }
        Step::AddBridge { bridge } => {
            step.play(&mut standing.topology)?;
            let (id, netns) = standing.find(&bridge.place)?;
            let port = standing.add_port(id, netns);
            Ok((netns, vec![kernel::add_bridge(&spec(bridge, port))]))
        }
        _ => {
            step.play(&mut standing.topology)?;
            change(standing, step, ipv6)
        }
    }
}

/// Turns a step that changes a link which stands into requests.
fn change(standing: &mut Standing, step: &Step, ipv6: bool) -> Result<(NetnsId, Vec<Request>), Refusal> {
    let place = match step {
        Step::SetUp { link }
        | Step::SetDown { link }
        | Step::SetMtu { link, .. }
        | Step::SetController { link, .. }
        | Step::AddAddress { link, .. }
        | Step::RemoveAddress { link, .. }
        | Step::AddRoute { link, .. }
        | Step::RemoveRoute { link, .. } => link,
        _ => unreachable!("`requests` has the steps that make, move or remove"),
    };
    let (id, netns) = standing.find(place)?;
    let index = standing.port(id).index;
    let requests = match step {
        Step::SetUp { .. } => up(standing, id, ipv6),
        Step::SetDown { .. } => vec![kernel::set_down(index)],
        Step::SetMtu { mtu, .. } => {
            let link = standing.topology.link(id, || step.act())?;
            if !link.has_ipv6() && link.kind != Kind::Loopback {
                // The kernel forgets what it knew of the link's IPv6, unless its netns is quiet as a whole.
                let quiet = standing.node(netns).quiet;
                standing.port(id).quiet = quiet;
            }
            vec![kernel::set_mtu(index, *mtu)]
        }
        Step::SetController { controller, .. } => {
            let bridge = match controller {
                Some(name) => standing.find(&Place { netns: place.netns.clone(), link: name.clone() })?.0,
                None => return Ok((netns, vec![kernel::set_controller(index, 0)])),
            };
            vec![kernel::set_controller(index, standing.port(bridge).index)]
        }
        Step::AddAddress { address, .. } => {
            // Without IPv6 in the kernel nobody misses the addresses that nobody asked for.
            let automatic = standing
                .topology
                .list_addresses(id)?
                .iter()
                .any(|held| held.cidr == *address && held.automatic && held.is_ipv6());
            if automatic && !ipv6 { vec![] } else { vec![kernel::add_address(index, *address)] }
        }
        Step::RemoveAddress { address, .. } => vec![kernel::remove_address(index, *address)],
        Step::AddRoute { route, .. } => vec![kernel::add_route(&route_spec(route, index))],
        Step::RemoveRoute { route, .. } => vec![kernel::remove_route(&route_spec(route, index))],
        _ => unreachable!("matched above"),
    };
    Ok((netns, requests))
}

fn spec(link: &NewLink, port: Port) -> LinkSpec<'_> {
    LinkSpec { index: port.index, name: &link.place.link, mac: link.mac, mtu: link.mtu }
}

fn route_spec(route: &NewRoute, link: u32) -> RouteSpec {
    let NewRoute { destination, gateway, metric, connected } = *route;
    RouteSpec { destination, gateway, link, metric, connected }
}

/// Sets a link up, quietened before if that is still to be done.
fn up(standing: &mut Standing, id: LinkId, ipv6: bool) -> Vec<Request> {
    let speaks_ipv6 = ipv6 && standing.topology.standing(id).is_some_and(crate::topology::Link::has_ipv6);
    let port = standing.port(id);
    let mut requests = Vec::with_capacity(2);
    if speaks_ipv6 && !port.quiet {
        requests.push(kernel::set_address_generation_off(port.index));
        port.quiet = true;
    }
    requests.push(kernel::set_up(port.index));
    requests
}
