//! Whether the links and addresses of a netns have come to rest.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::net::{IpAddr, Ipv6Addr};

use nix::libc::ENODEV;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use rtnetlink::packet_route::link::{
    BridgePortState, InfoBridgePort, InfoKind, InfoPortData, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, State,
};
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::Socket;
use super::link::all_links;

/// The table in which the kernel has a netns's own addresses.
const TABLE_LOCAL: u8 = 255;

/// Lists the links, of those whose index `counts`, that are up and have a carrier, but do not carry frames yet: the kernel's own
/// bookkeeping (linkwatch) is behind, or their bridge, which is up, does not forward from them yet.
///
/// These are asked for once more one by one, at which newer kernels catch up with their bookkeeping at once. With `among` no others are
/// looked at, which is quicker where they are few of many.
pub fn unsettled(
    socket: &Socket,
    counts: impl Fn(u32) -> bool,
    among: Option<&BTreeSet<u32>>,
) -> io::Result<Vec<String>> {
    let objects = match among {
        None => socket.dump(all_links())?,
        Some(indexes) => links_and_bridges(socket, indexes)?,
    };
    let links = objects.iter().filter_map(|object| match object {
        RouteNetlinkMessage::NewLink(link) if link.header.flags.contains(LinkFlags::Up) => Some(link),
        _ => None,
    });
    let up: HashSet<u32> = links.clone().map(|link| link.header.index).collect();
    let mut waiting_for = Vec::new();
    for link in links.filter(|link| counts(link.header.index) && waiting(link, &up).is_some()) {
        if let Some(again) = one_link(socket, link.header.index)? {
            waiting_for.extend(waiting(&again, &up));
        }
    }
    Ok(waiting_for)
}

/// Asks for links, and for the bridges that they are ports of.
fn links_and_bridges(socket: &Socket, indexes: &BTreeSet<u32>) -> io::Result<Vec<RouteNetlinkMessage>> {
    let ask = |index: &u32| one_link(socket, *index).transpose();
    let mut links: Vec<LinkMessage> = indexes.iter().filter_map(ask).collect::<io::Result<_>>()?;
    let bridges: BTreeSet<u32> = links.iter().flat_map(|link| &link.attributes).filter_map(bridge_of).collect();
    let bridges: Vec<LinkMessage> = bridges.difference(indexes).filter_map(ask).collect::<io::Result<_>>()?;
    links.extend(bridges);
    Ok(links.into_iter().map(RouteNetlinkMessage::NewLink).collect())
}

fn bridge_of(attribute: &LinkAttribute) -> Option<u32> {
    if let LinkAttribute::Controller(index) = attribute { Some(*index) } else { None }
}

/// Asks for a link; one that has gone is none, and is not waited for.
fn one_link(socket: &Socket, index: u32) -> io::Result<Option<LinkMessage>> {
    let mut request = LinkMessage::default();
    request.header.index = index;
    match socket.get(RouteNetlinkMessage::GetLink(request)) {
        Ok(Some(RouteNetlinkMessage::NewLink(link))) => Ok(Some(link)),
        Ok(_) => Ok(None),
        Err(error) if error.raw_os_error() == Some(ENODEV) => Ok(None),
        Err(error) => Err(error),
    }
}

fn waiting(link: &LinkMessage, up: &HashSet<u32>) -> Option<String> {
    if !link.header.flags.contains(LinkFlags::LowerUp) {
        return None;
    }
    let (mut name, mut state, mut forwards, mut bridge, mut kind) = (None, State::Unknown, true, None, None);
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = Some(text),
            LinkAttribute::OperState(found) => state = *found,
            LinkAttribute::Controller(index) => bridge = Some(index),
            LinkAttribute::LinkInfo(infos) => {
                forwards = !infos.iter().any(is_blocked_port);
                kind = infos.iter().find_map(|info| if let LinkInfo::Kind(kind) = info { Some(kind) } else { None });
            }
            _ => {}
        }
    }
    // Only a veth waits for its state: `lo` has none, and a bridge sends as soon as it has a carrier.
    let operational = kind != Some(&InfoKind::Veth) || state == State::Up;
    let blocked = !forwards && bridge.is_some_and(|index| up.contains(index));
    if operational && !blocked { None } else { name.cloned() }
}

fn is_blocked_port(info: &LinkInfo) -> bool {
    let LinkInfo::PortData(InfoPortData::BridgePort(port)) = info else { return false };
    port.iter().any(|info| matches!(info, InfoBridgePort::State(state) if *state != BridgePortState::Forwarding))
}

/// Lists the IPv6 addresses that do not receive yet: the kernel gives an address its local route, and joins the group at which
/// neighbours ask for it, in a work queue, and after duplicate detection if there is any. Of those on a link whose index `counts`.
pub fn unready_addresses(socket: &Socket, counts: impl Fn(u32) -> bool) -> io::Result<Vec<Ipv6Addr>> {
    let mut request = AddressMessage::default();
    request.header.family = AddressFamily::Inet6;
    let mut addresses = Vec::new();
    for object in socket.dump(RouteNetlinkMessage::GetAddress(request))? {
        let RouteNetlinkMessage::NewAddress(message) = object else { continue };
        if !counts(message.header.index) || is_duplicate(&message) {
            continue;
        }
        addresses.extend(message.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Address(IpAddr::V6(address)) => Some(*address),
            _ => None,
        }));
    }
    let mut request = RouteMessage::default();
    request.header.address_family = AddressFamily::Inet6;
    let mut local = HashSet::new();
    for object in socket.dump(RouteNetlinkMessage::GetRoute(request))? {
        let RouteNetlinkMessage::NewRoute(route) = object else { continue };
        if route.header.table == TABLE_LOCAL {
            local.extend(route.attributes.iter().find_map(|attribute| match attribute {
                RouteAttribute::Destination(RouteAddress::Inet6(address)) => Some(*address),
                _ => None,
            }));
        }
    }
    addresses.retain(|address| !local.contains(address));
    Ok(addresses)
}

/// Tells whether duplicate detection has found that somebody else has the address: it will never receive.
fn is_duplicate(address: &AddressMessage) -> bool {
    let flags = address.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Flags(flags) => Some(*flags),
        _ => None,
    });
    flags.is_some_and(|flags| flags.contains(AddressFlags::Dadfailed))
}
