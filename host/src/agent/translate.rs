//! From a step to what is asked of the kernel.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use super::standing::Standing;
use crate::kernel::{self, LinkSpec, Request, RouteSpec};
use crate::plan::{NewLink, NewRoute, Step};
use crate::topology::{Address, Kind, LinkId, NetnsId, Place, Refusal};

/// Requests to the kernel in one netns, in parts: a part is asked for only if the one before it was done, all of it.
///
/// The kernel goes on after a request that it refuses. On the machine's own host that must not be: a link that was not made, as
/// somebody else's has its index, would be followed by changes of that one.
pub(super) type Parts = (NetnsId, Vec<Vec<Request>>);

/// Turns a step into requests to the kernel, and plays it on the model, which refuses what does not fit.
pub(super) fn requests(standing: &mut Standing, step: &Step) -> Result<Parts, Refusal> {
    // What goes with the step is looked up before, what comes with it after it was played.
    match step {
        Step::RemoveLink { link } => {
            let (id, netns) = standing.find(link)?;
            let peer = standing.topology.peer(id).ok();
            let index = standing.index(id);
            step.play(&mut standing.topology)?;
            for gone in [Some(id), peer].into_iter().flatten() {
                standing.indexes.remove(&gone);
            }
            Ok((netns, vec![vec![kernel::remove_link(index)]]))
        }
        Step::SetNetns { link, target, name, mac } => {
            let (id, netns) = standing.find(link)?;
            let index = standing.index(id);
            step.play(&mut standing.topology)?;
            let target = standing.topology.find_netns(target)?;
            let moved = standing.add_index(id, target);
            let fd: Arc<OwnedFd> = standing.node(target).netns.clone();
            // On its way to the machine it is marked before it leaves.
            let marking = standing.mark.as_deref().filter(|_| standing.is_machine(target));
            let mut requests: Vec<Request> = marking.map(|mark| kernel::set_alias(index, mark)).into_iter().collect();
            requests.push(kernel::set_netns(index, fd.as_fd(), name, *mac, moved));
            Ok((netns, vec![requests]))
        }
        Step::SetName { link, name, mac } => {
            let (id, netns) = standing.find(link)?;
            step.play(&mut standing.topology)?;
            Ok((netns, vec![vec![kernel::set_name(standing.index(id), name, *mac)]]))
        }
        Step::AddVeth { near, near_controller, near_up, far, queues } => {
            step.play(&mut standing.topology)?;
            let (near_id, near_netns) = standing.find(&near.place)?;
            let (far_id, far_netns) = standing.find(&far.place)?;
            let controller = match near_controller {
                Some(name) => {
                    let bridge = standing.topology.find_link(near_netns, name)?;
                    Some(standing.index(bridge))
                }
                None => None,
            };
            let near_index = standing.add_index(near_id, near_netns);
            let far_index = standing.add_index(far_id, far_netns);
            let far_fd = standing.node(far_netns).netns.clone();
            // A link that is made up is too late for being quietened.
            let quietening = quieten(standing, near_id);
            let up_at_once = *near_up && quietening.is_empty();
            if standing.is_machine(far_netns) && !standing.is_machine(near_netns) {
                return Err(Refusal::invalid(step.act(), "an end on the machine itself has to be the near one"));
            }
            let (on_near, on_far) = (standing.is_machine(near_netns), standing.is_machine(far_netns));
            let (near, far) = (spec(near, near_index, on_near), spec(far, far_index, on_far));
            let mut making = vec![kernel::add_veth(&near, controller, up_at_once, &far, far_fd.as_fd(), *queues)];
            let mut rest = Vec::new();
            for link in [&near, &far] {
                mark(standing, link, &mut making, &mut rest);
            }
            if *near_up && !up_at_once {
                rest.extend(quietening);
                rest.push(kernel::set_up(near.index));
            }
            Ok((near_netns, parts(making, rest, on_near)))
        }
        Step::AddBridge { bridge } => {
            step.play(&mut standing.topology)?;
            let (id, netns) = standing.find(&bridge.place)?;
            let index = standing.add_index(id, netns);
            let on_machine = standing.is_machine(netns);
            let bridge = spec(bridge, index, on_machine);
            let (mut making, mut rest) = (vec![kernel::add_bridge(&bridge)], Vec::new());
            mark(standing, &bridge, &mut making, &mut rest);
            Ok((netns, parts(making, rest, on_machine)))
        }
        _ => {
            step.play(&mut standing.topology)?;
            change(standing, step)
        }
    }
}

/// Marks a link on the machine's own host, in the same message that makes it, so that there is never one without its mark. It is
/// found by its group, which it has from the first moment and leaves then: whatever else has its index or name has not.
fn mark(standing: &Standing, link: &LinkSpec<'_>, making: &mut Vec<Request>, rest: &mut Vec<Request>) {
    if let (Some(mark), Some(group)) = (&standing.mark, link.group) {
        making.push(kernel::set_group_alias(group, mark));
        rest.push(kernel::set_group(link.index, 0));
    }
}

fn parts(mut making: Vec<Request>, rest: Vec<Request>, on_machine: bool) -> Vec<Vec<Request>> {
    if on_machine {
        return vec![making, rest];
    }
    making.extend(rest);
    vec![making]
}

/// Turns a step that changes a link which stands into requests.
fn change(standing: &mut Standing, step: &Step) -> Result<Parts, Refusal> {
    let place = step.link().expect("`requests` has the steps that make links or namespaces");
    let (id, netns) = standing.find(place)?;
    let index = standing.index(id);
    let requests = match step {
        Step::SetUp { .. } => {
            let on_machine = standing.is_machine(netns);
            return Ok((netns, parts(quieten(standing, id), vec![kernel::set_up(index)], on_machine)));
        }
        Step::SetDown { .. } => vec![kernel::set_down(index)],
        Step::SetMtu { mtu, .. } => vec![kernel::set_mtu(index, *mtu)],
        Step::SetController { controller, .. } => {
            let bridge = match controller {
                Some(name) => standing.find(&Place { netns: place.netns.clone(), link: name.clone() })?.0,
                None => return Ok((netns, vec![vec![kernel::set_controller(index, 0)]])),
            };
            vec![kernel::set_controller(index, standing.index(bridge))]
        }
        Step::AddAddress { address, detect_duplicates, .. } => {
            // Without IPv6 in the kernel nobody misses the addresses that nobody asked for.
            let of_itself = Address { cidr: *address, automatic: true };
            let automatic = of_itself.is_ipv6() && standing.topology.holds(id, of_itself);
            let add = || kernel::add_address(index, *address, *detect_duplicates);
            if automatic && !standing.has_ipv6(netns) { vec![] } else { vec![add()] }
        }
        Step::RemoveAddress { address, .. } => vec![kernel::remove_address(index, *address)],
        Step::AddRoute { route, .. } => vec![kernel::add_route(&route_spec(route, index, standing.is_machine(netns)))],
        Step::RemoveRoute { route, .. } => {
            vec![kernel::remove_route(&route_spec(route, index, standing.is_machine(netns)))]
        }
        _ => unreachable!("`requests` has the steps that make, move or remove"),
    };
    Ok((netns, vec![requests]))
}

/// On the machine a new link is for a moment in a group of its own. Its number is the index, which the lab has once, with the
/// highest bit, which nobody's in `/etc/iproute2/group` has.
fn spec(link: &NewLink, index: u32, on_machine: bool) -> LinkSpec<'_> {
    let group = on_machine.then_some(index | 1 << 31);
    LinkSpec { index, name: &link.place.link, mac: link.mac, mtu: link.mtu, group }
}

fn route_spec(route: &NewRoute, link: u32, on_machine: bool) -> RouteSpec {
    let NewRoute { destination, gateway, metric, connected, source } = *route;
    RouteSpec { destination, gateway, link, metric, connected, source, on_machine }
}

/// Has the kernel give a link no link-local address when it comes up, unless its netns configures itself. It is asked each time: a
/// link that was without IPv6 for a while, as its MTU was too small, has forgotten.
fn quieten(standing: &mut Standing, id: LinkId) -> Vec<Request> {
    let Some(link) = standing.topology.standing(id) else { return Vec::new() };
    let (speaks, netns) = (link.has_ipv6() && link.kind != Kind::Loopback, link.netns);
    let wanted = standing.topology.is_autoconfigured(netns);
    if wanted || !speaks || !standing.has_ipv6(netns) || standing.node(netns).quiet {
        return Vec::new();
    }
    vec![kernel::set_address_generation_off(standing.index(id))]
}
