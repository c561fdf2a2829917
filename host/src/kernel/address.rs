//! `ip address`

use std::io;

use ipnet::IpNet;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Request, Socket};

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

/// `ip address add CIDR nodad`: usable at once, as nobody else is on the lab's links. Without `nodad` if duplicates are to be
/// detected.
pub fn add_address(index: u32, cidr: IpNet, detect_duplicates: bool) -> Request {
    let mut message = message(index, cidr);
    if cidr.addr().is_ipv6() && !detect_duplicates {
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    }
    Request::create(RouteNetlinkMessage::NewAddress(message))
}

/// `ip -6 address flush scope link`
pub fn drop_link_local(socket: &Socket) -> io::Result<()> {
    let mut request = AddressMessage::default();
    request.header.family = AddressFamily::Inet6;
    let mut removals = Vec::new();
    for object in socket.dump(RouteNetlinkMessage::GetAddress(request))? {
        let RouteNetlinkMessage::NewAddress(address) = object else { continue };
        if address.header.scope == AddressScope::Link
            && let Some(found) = super::observe::address(&address)
        {
            removals.push(remove_address(address.header.index, found.cidr));
        }
    }
    if removals.is_empty() {
        return Ok(());
    }
    socket.batch(removals).map_err(|refusal| io::Error::other(refusal.errno.to_string()))
}

/// `ip address del CIDR`
pub fn remove_address(index: u32, cidr: IpNet) -> Request {
    Request::change(RouteNetlinkMessage::DelAddress(message(index, cidr)))
}
