//! What a step does to the model.

use super::{NewLink, NewRoute, Step};
use crate::topology::{Destination, Place, Refusal, Topology};

impl Step {
    /// Plays the step on a rehearsal of the network, as the kernel will on the network itself.
    pub fn play(&self, network: &mut Topology) -> Result<(), Refusal> {
        match self {
            Self::AddNetns { netns, .. } => network.add_netns(netns.clone()).map(drop),
            Self::RemoveNetns { netns } => network.remove_netns(network.find_netns(netns)?),
            Self::SetForwarding { netns, on } => network.set_forwarding(network.find_netns(netns)?, *on),
            Self::SetAutoconfiguration { netns, on } => network.set_autoconfiguration(network.find_netns(netns)?, *on),
            Self::AddVeth { near, near_controller, near_up, far, queues } => {
                let near_netns = network.find_netns(&near.place.netns)?;
                let far_netns = network.find_netns(&far.place.netns)?;
                let (near_link, far_link) = (near.place.link.clone(), far.place.link.clone());
                let (a, b) = network.add_veth_with_queues(near_netns, near_link, far_netns, far_link, *queues)?;
                for (link, NewLink { mtu, .. }) in [(a, near), (b, far)] {
                    mtu.map_or(Ok(()), |mtu| network.set_mtu(link, mtu))?;
                }
                if let Some(bridge) = near_controller {
                    network.add_port(network.find_link(near_netns, bridge)?, a)?;
                }
                if *near_up { network.set_up(a) } else { Ok(()) }
            }
            Self::AddBridge { bridge: NewLink { place, mtu, .. } } => {
                let bridge = network.add_bridge(network.find_netns(&place.netns)?, place.link.clone())?;
                mtu.map_or(Ok(()), |mtu| network.set_mtu(bridge, mtu))
            }
            Self::RemoveLink { link } => network.remove_link(network.find_place(link)?),
            Self::SetNetns { link, target, name, .. } => {
                network.move_to(network.find_place(link)?, network.find_netns(target)?, name.clone())
            }
            Self::SetName { link, name, .. } => network.set_name(network.find_place(link)?, name.clone()),
            Self::SetUp { link } => network.set_up(network.find_place(link)?),
            Self::SetDown { link } => network.set_down(network.find_place(link)?),
            Self::SetMtu { link, mtu } => network.set_mtu(network.find_place(link)?, *mtu),
            Self::SetController { link, controller } => {
                let port = network.find_place(link)?;
                match controller {
                    Some(bridge) => {
                        let place = Place { netns: link.netns.clone(), link: bridge.clone() };
                        network.add_port(network.find_place(&place)?, port)
                    }
                    None => network.remove_port(port),
                }
            }
            Self::AddAddress { link, address, .. } => network.add_address(network.find_place(link)?, *address),
            Self::RemoveAddress { link, address } => network.remove_address(network.find_place(link)?, *address),
            Self::AddRoute { link, route } => {
                let over = network.find_place(link)?;
                let destination = Destination::Network(route.destination);
                if route.connected {
                    return network.add_connected_route(over, route.destination, route.metric, route.source);
                }
                match route.gateway {
                    Some(gateway) => network.add_route_via_metric(over, destination, gateway, route.metric),
                    None => network.add_route_on_link_metric(over, destination, route.metric),
                }
            }
            Self::RemoveRoute { link, route } => {
                let over = network.find_place(link)?;
                network.remove_route_over(over, route.destination, |found| NewRoute::from(found) == *route)
            }
        }
    }
}
