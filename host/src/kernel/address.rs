//! `ip address`

use ipnet::IpNet;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::Request;

fn message(index: u32, cidr: IpNet) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.index = index;
    message.header.prefix_len = cidr.prefix_len();
    message.header.family = if cidr.addr().is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    if cidr.addr().is_loopback() {
        message.header.scope = AddressScope::Host;
    }
    message.attributes = vec![AddressAttribute::Local(cidr.addr()), AddressAttribute::Address(cidr.addr())];
    message
}

/// `ip address add CIDR nodad`: usable at once, as nobody else is on the lab's links.
pub fn add_address(index: u32, cidr: IpNet) -> Request {
    let mut message = message(index, cidr);
    if cidr.addr().is_ipv6() {
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    }
    Request::create(RouteNetlinkMessage::NewAddress(message))
}

/// `ip address del CIDR`
pub fn remove_address(index: u32, cidr: IpNet) -> Request {
    Request::change(RouteNetlinkMessage::DelAddress(message(index, cidr)))
}
