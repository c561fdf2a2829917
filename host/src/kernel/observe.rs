//! `ip link`, `ip address` and `ip route` without a verb: what stands in a netns.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;

use ipnet::IpNet;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope};
use rtnetlink::packet_route::link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, State};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteNextHopFlags, RouteProtocol, RouteScope, RouteType,
};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::Socket;
use super::link::all_links;
use super::others::rest_of_route;
use crate::topology::{MacAddress, observed};

/// A link with the numbers that tie it to others.
#[derive(Debug)]
pub struct RawLink {
    /// Its index in its netns.
    pub index: u32,
    /// The index of a veth's peer, and the number of its netns if that is another one.
    pub peer: Option<(u32, Option<i32>)>,
    /// All else.
    pub link: observed::Link,
}

/// What stands in one netns.
#[derive(Debug)]
pub struct RawNetns {
    /// Its links by index.
    pub links: Vec<RawLink>,
    /// Its main table.
    pub routes: Vec<observed::Route>,
    /// It forwards packets that are not for itself.
    pub forwarding: bool,
}

/// Reads all of a netns, in which both `socket` and this thread are.
pub fn observe(socket: &Socket) -> io::Result<RawNetns> {
    let mut links = Vec::new();
    for object in socket.dump(all_links())? {
        if let RouteNetlinkMessage::NewLink(message) = object {
            links.push(link(&message));
        }
    }
    links.sort_by_key(|(link, _)| link.index);
    let names: HashMap<u32, String> = links.iter().map(|(raw, _)| (raw.index, raw.link.name.clone())).collect();
    let mut links: Vec<RawLink> = links
        .into_iter()
        .map(|(mut raw, controller)| {
            raw.link.controller = controller.and_then(|index| names.get(&index).cloned());
            raw
        })
        .collect();
    let positions: HashMap<u32, usize> = links.iter().enumerate().map(|(at, raw)| (raw.index, at)).collect();
    for object in socket.dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()))? {
        let RouteNetlinkMessage::NewAddress(message) = object else { continue };
        if let (Some(at), Some(address)) = (positions.get(&message.header.index), address(&message)) {
            links[*at].link.addresses.push(address);
        }
    }
    let mut routes = Vec::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut request = RouteMessage::default();
        request.header.address_family = family;
        for object in socket.dump(RouteNetlinkMessage::GetRoute(request))? {
            if let RouteNetlinkMessage::NewRoute(message) = object {
                routes.extend(route(&message, &names));
            }
        }
    }
    // Where `/proc` can't be read nobody can have changed it either.
    let forwarding = super::forwards().unwrap_or_default();
    Ok(RawNetns { links, routes, forwarding })
}

pub(super) fn link(message: &LinkMessage) -> (RawLink, Option<u32>) {
    let flags = message.header.flags;
    let loopback = flags.contains(LinkFlags::Loopback);
    let mut link = observed::Link {
        name: String::new(),
        kind: if loopback { "loopback" } else { "unknown" }.into(),
        mac: String::new(),
        mtu: 0,
        up: flags.contains(LinkFlags::Up),
        carrier: flags.contains(LinkFlags::LowerUp),
        queues: 1,
        oper_state: "UNKNOWN".into(),
        controller: None,
        peer: None,
        addresses: Vec::new(),
    };
    let (mut controller, mut peer, mut peer_netns) = (None, None, None);
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
            LinkAttribute::NumTxQueues(queues) => link.queues = *queues,
            LinkAttribute::Address(bytes) => {
                if let Ok(octets) = <[u8; 6]>::try_from(bytes.as_slice()) {
                    link.mac = MacAddress(octets).to_string();
                }
            }
            LinkAttribute::OperState(state) => link.oper_state = oper_state(*state),
            LinkAttribute::Controller(index) => controller = Some(*index),
            LinkAttribute::Link(index) => peer = Some(*index),
            LinkAttribute::LinkNetNsId(id) => peer_netns = Some(*id),
            LinkAttribute::LinkInfo(infos) => {
                for info in infos {
                    if let LinkInfo::Kind(kind) = info {
                        link.kind = kind_word(kind);
                    }
                }
            }
            _ => {}
        }
    }
    let peer = peer.filter(|_| link.kind == "veth").map(|index| (index, peer_netns));
    (RawLink { index: message.header.index, peer, link }, controller)
}

pub(super) fn kind_word(kind: &InfoKind) -> String {
    match kind {
        InfoKind::Veth => "veth".into(),
        InfoKind::Bridge => "bridge".into(),
        other => other.to_string(),
    }
}

fn oper_state(state: State) -> String {
    match state {
        State::Up => "UP".into(),
        State::Down => "DOWN".into(),
        State::LowerLayerDown => "LOWERLAYERDOWN".into(),
        State::Dormant => "DORMANT".into(),
        State::NotPresent => "NOTPRESENT".into(),
        State::Testing => "TESTING".into(),
        _ => "UNKNOWN".into(),
    }
}

pub(super) fn address(message: &AddressMessage) -> Option<observed::Address> {
    let (mut local, mut prefix, mut flags) = (None, None, AddressFlags::empty());
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(address) => local = Some(*address),
            AddressAttribute::Address(address) => prefix = Some(*address),
            AddressAttribute::Flags(all) => flags = *all,
            _ => {}
        }
    }
    let cidr = IpNet::new(local.or(prefix)?, message.header.prefix_len).ok()?;
    let scope = match message.header.scope {
        AddressScope::Universe => "global".into(),
        AddressScope::Link => "link".into(),
        AddressScope::Host => "host".into(),
        AddressScope::Site => "site".into(),
        other => u8::from(other).to_string(),
    };
    let secondary = flags.contains(AddressFlags::Secondary) && !cidr.addr().is_ipv6();
    let (tentative, dynamic) = (flags.contains(AddressFlags::Tentative), !flags.contains(AddressFlags::Permanent));
    let peer = prefix.filter(|prefix| local.is_some_and(|local| local != *prefix));
    let rest = peer.map_or_else(String::new, |peer| format!("peer {peer}/{}", message.header.prefix_len));
    Some(observed::Address { cidr, scope, secondary, tentative, dynamic, rest })
}

pub(super) fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

/// Returns the network that a route leads to; a default route names none.
pub(super) fn network(message: &RouteMessage) -> Option<IpNet> {
    let destination = message.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Destination(address) => Some(address),
        _ => None,
    });
    match destination {
        Some(address) => IpNet::new(ip(address)?, message.header.destination_prefix_length).ok(),
        None => Some(crate::topology::Destination::everywhere(message.header.address_family == AddressFamily::Inet6)),
    }
}

/// Reads a route of the main table that leads somewhere; the others are the kernel's own.
pub(super) fn route(message: &RouteMessage, names: &HashMap<u32, String>) -> Option<observed::Route> {
    let header = &message.header;
    if header.table != RouteHeader::RT_TABLE_MAIN || header.kind != RouteType::Unicast {
        return None;
    }
    let mut route = observed::Route {
        destination: network(message)?,
        gateway: None,
        link: None,
        protocol: match header.protocol {
            RouteProtocol::Kernel => "kernel".into(),
            RouteProtocol::Boot => "boot".into(),
            RouteProtocol::Static => "static".into(),
            RouteProtocol::Ra => "ra".into(),
            other => u8::from(other).to_string(),
        },
        scope: match header.scope {
            RouteScope::Link => "link".into(),
            RouteScope::Host => "host".into(),
            _ => "global".into(),
        },
        source: None,
        metric: 0,
        // `RTNH_F_LINKDOWN` is in the lowest byte of `rtm_flags`.
        link_down: header.flags.bits() & u32::from(RouteNextHopFlags::Linkdown.bits()) != 0,
        rest: rest_of_route(message, names),
    };
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Gateway(address) => route.gateway = ip(address),
            RouteAttribute::PrefSource(address) => route.source = ip(address),
            RouteAttribute::Oif(index) => route.link = names.get(index).cloned(),
            RouteAttribute::Priority(metric) => route.metric = *metric,
            _ => {}
        }
    }
    Some(route)
}
