//! The netlink messages of the star, made with rtnetlink's types.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsRawFd;

use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use rtnetlink::packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoData, InfoKind, InfoVeth, LinkAttribute, LinkMessage,
};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::{LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth};

use super::socket::{CHANGE, CREATE};

pub(super) const LO: u32 = 1;
/// The bridge in the host, and the only link of a node. Indexes are chosen, so that nothing has to be asked.
pub(super) const BR0: u32 = 2;
pub(super) const CETH: u32 = 2;

/// The index of a container's port in the host.
pub(super) fn veth(container: u32) -> u32 {
    BR0 + container
}

/// A message, and what it may do.
pub(super) type Request = (RouteNetlinkMessage, u16);

/// Asks for a link.
pub(super) fn get_link(link: u32) -> Request {
    let mut request = LinkMessage::default();
    request.header.index = link;
    (RouteNetlinkMessage::GetLink(request), CHANGE)
}

pub(super) fn set_up(link: u32) -> Request {
    (RouteNetlinkMessage::SetLink(LinkUnspec::new_with_index(link).up().build()), CHANGE)
}

pub(super) fn add_bridge() -> Request {
    let bridge = LinkMessageBuilder::<LinkBridge>::new_with_info_kind(InfoKind::Bridge).index(BR0).name("br0");
    (RouteNetlinkMessage::NewLink(bridge.build()), CREATE)
}

pub(super) fn add_veth(container: u32, netns: &File) -> Request {
    let far = one_queue(LinkMessageBuilder::<LinkUnspec>::default())
        .index(CETH)
        .name(format!("ceth{container}"))
        .setns_by_fd(netns.as_raw_fd());
    let near = one_queue(LinkMessageBuilder::<LinkVeth>::new_with_info_kind(InfoKind::Veth))
        .index(veth(container))
        .name(format!("veth{container}"))
        .set_info_data(InfoData::Veth(InfoVeth::Peer(far.build())))
        .controller(BR0)
        .up();
    (RouteNetlinkMessage::NewLink(near.build()), CREATE)
}

fn one_queue<T>(builder: LinkMessageBuilder<T>) -> LinkMessageBuilder<T> {
    builder.append_extra_attribute(LinkAttribute::NumTxQueues(1)).append_extra_attribute(LinkAttribute::NumRxQueues(1))
}

pub(super) fn set_address_generation_off(link: u32) -> Request {
    let mode = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
    let attribute = LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![mode])]);
    (RouteNetlinkMessage::SetLink(LinkUnspec::new_with_index(link).append_extra_attribute(attribute).build()), CHANGE)
}

/// Without duplicate detection in IPv6.
pub(super) fn add_address(link: u32, address: IpAddr, prefix: u8) -> Request {
    let mut message = AddressMessage::default();
    message.header.index = link;
    message.header.prefix_len = prefix;
    message.header.family = if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
    if address.is_ipv6() {
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    }
    (RouteNetlinkMessage::NewAddress(message), CREATE)
}

pub(super) fn add_default_route(link: u32, gateway: Ipv4Addr) -> Request {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet;
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::Boot;
    message.header.scope = RouteScope::Universe;
    message.header.kind = RouteType::Unicast;
    message.attributes = vec![RouteAttribute::Gateway(RouteAddress::Inet(gateway)), RouteAttribute::Oif(link)];
    (RouteNetlinkMessage::NewRoute(message), CREATE)
}
