//! `ip route`

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::Request;

/// A route of the main table.
pub struct RouteSpec {
    /// The network that it leads to.
    pub destination: IpNet,
    /// The router that it leads through.
    pub gateway: Option<IpAddr>,
    /// The index of the link that it leads over.
    pub link: u32,
    /// Its metric.
    pub metric: u32,
    /// It comes with an address.
    pub connected: bool,
    /// The address that packets get which choose none.
    pub source: Option<Ipv4Addr>,
    /// It is in the machine's own namespace.
    pub on_machine: bool,
}

/// The `proto` of a lab's routes among the machine's, so that everybody can see whose they are; nobody else's in
/// `/etc/iproute2/rt_protos`. In a namespace of its own a lab's routes are `boot`, as those of `ip route add`.
const PROTOCOL: RouteProtocol = RouteProtocol::Other(157);

fn route_address(address: IpAddr) -> RouteAddress {
    match address {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    }
}

fn message(route: &RouteSpec) -> RouteMessage {
    let ipv6 = route.destination.addr().is_ipv6();
    let mut message = RouteMessage::default();
    message.header.address_family = if ipv6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    message.header.destination_prefix_length = route.destination.prefix_len();
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = match route {
        RouteSpec { connected: true, .. } => RouteProtocol::Kernel,
        RouteSpec { on_machine: true, .. } => PROTOCOL,
        _ => RouteProtocol::Boot,
    };
    message.header.kind = RouteType::Unicast;
    let on_link = route.gateway.is_none() && !ipv6;
    message.header.scope = if on_link { RouteScope::Link } else { RouteScope::Universe };
    message.attributes.push(RouteAttribute::Destination(route_address(route.destination.addr())));
    message.attributes.push(RouteAttribute::Oif(route.link));
    if let Some(gateway) = route.gateway {
        message.attributes.push(RouteAttribute::Gateway(route_address(gateway)));
    }
    if let Some(source) = route.source {
        message.attributes.push(RouteAttribute::PrefSource(RouteAddress::Inet(source)));
    }
    if route.metric != 0 {
        message.attributes.push(RouteAttribute::Priority(route.metric));
    }
    message
}

/// `ip route add`, and `append` for one that comes with an address: other links may have the same.
pub fn add_route(route: &RouteSpec) -> Request {
    let message = RouteNetlinkMessage::NewRoute(message(route));
    if route.connected { Request::append(message) } else { Request::create(message) }
}

/// `ip route del`
pub fn remove_route(route: &RouteSpec) -> Request {
    Request::change(RouteNetlinkMessage::DelRoute(message(route)))
}
