//! From a step to what is asked of the kernel.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use super::standing::{Port, Standing};
use crate::kernel::{self, LinkSpec, Request, RouteSpec};
use crate::plan::{NewLink, NewRoute, Step};
use crate::topology::{Kind, LinkId, NetnsId, Place, Refusal};

/// Turns a step into requests to the kernel, and plays it on the model, which refuses what does not fit.
pub(super) fn requests(standing: &mut Standing, step: &Step) -> Result<(NetnsId, Vec<Request>), Refusal> {
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
            // On its way to the machine it is marked before it leaves.
            let mut requests: Vec<Request> = mark(standing, target, port).into_iter().collect();
            requests.push(kernel::set_netns(port.index, fd.as_fd(), name, *mac, moved.index));
            Ok((netns, requests))
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
            let up_at_once = *near_up && (near_port.quiet || !standing.has_ipv6(near_netns));
            let (near, far) = (spec(near, near_port), spec(far, far_port));
            let mut requests = vec![kernel::add_veth(&near, controller, up_at_once, &far, far_fd.as_fd())];
            requests.extend(mark(standing, near_netns, near_port));
            if far_netns == near_netns {
                requests.extend(mark(standing, far_netns, far_port));
            }
            if *near_up && !up_at_once {
                requests.extend(up(standing, near_id));
            }
            Ok((near_netns, requests))
        }
        Step::AddBridge { bridge } => {
            step.play(&mut standing.topology)?;
            let (id, netns) = standing.find(&bridge.place)?;
            let port = standing.add_port(id, netns);
            let mut requests = vec![kernel::add_bridge(&spec(bridge, port))];
            requests.extend(mark(standing, netns, port));
            Ok((netns, requests))
        }
        _ => {
            step.play(&mut standing.topology)?;
            change(standing, step)
        }
    }
}

/// Marks a link on the machine's own host. It goes with the request that makes the link, in one message, so that there is never a
/// link without its mark.
fn mark(standing: &Standing, netns: NetnsId, port: Port) -> Option<Request> {
    let mark = standing.mark.as_ref().filter(|_| standing.is_machine(netns))?;
    Some(kernel::set_alias(port.index, mark))
}

/// Turns a step that changes a link which stands into requests.
fn change(standing: &mut Standing, step: &Step) -> Result<(NetnsId, Vec<Request>), Refusal> {
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
        Step::SetUp { .. } => up(standing, id),
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
            if automatic && !standing.has_ipv6(netns) { vec![] } else { vec![kernel::add_address(index, *address)] }
        }
        Step::RemoveAddress { address, .. } => vec![kernel::remove_address(index, *address)],
        Step::AddRoute { route, .. } => vec![kernel::add_route(&route_spec(route, index, standing.is_machine(netns)))],
        Step::RemoveRoute { route, .. } => {
            vec![kernel::remove_route(&route_spec(route, index, standing.is_machine(netns)))]
        }
        _ => unreachable!("matched above"),
    };
    Ok((netns, requests))
}

fn spec(link: &NewLink, port: Port) -> LinkSpec<'_> {
    LinkSpec { index: port.index, name: &link.place.link, mac: link.mac, mtu: link.mtu }
}

fn route_spec(route: &NewRoute, link: u32, on_machine: bool) -> RouteSpec {
    let NewRoute { destination, gateway, metric, connected } = *route;
    RouteSpec { destination, gateway, link, metric, connected, on_machine }
}

/// Sets a link up, quietened before if that is still to be done.
fn up(standing: &mut Standing, id: LinkId) -> Vec<Request> {
    let link = standing.topology.standing(id);
    let speaks_ipv6 = link.is_some_and(|link| link.has_ipv6() && standing.has_ipv6(link.netns));
    let port = standing.port(id);
    let mut requests = Vec::with_capacity(2);
    if speaks_ipv6 && !port.quiet {
        requests.push(kernel::set_address_generation_off(port.index));
        port.quiet = true;
    }
    requests.push(kernel::set_up(port.index));
    requests
}
