//! The machine's own network namespace: what is there, and which links are a lab's.

use std::collections::HashMap;
use std::io;

use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage};
use rtnetlink::packet_route::link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, Prop};
use rtnetlink::packet_route::route::{RouteAttribute, RouteHeader, RouteMessage, RouteType};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::Socket;
use super::link::all_links;
use super::observe::{address, ip, kind_word, network};
use crate::plan::{MachineLink, MachineRoute};

/// A link of the netns with its index.
#[derive(Debug)]
pub struct IndexedLink {
    /// Its index.
    pub index: u32,
    /// Its group (`ip link set group`).
    pub group: u32,
    /// All else.
    pub link: MachineLink,
}

/// Lists the links of a netns with their marks, without addresses.
pub fn marked_links(socket: &Socket) -> io::Result<Vec<IndexedLink>> {
    let objects = socket.dump(all_links())?;
    let links = objects.iter().filter_map(|object| match object {
        RouteNetlinkMessage::NewLink(message) => Some(link(message)),
        _ => None,
    });
    Ok(links.collect())
}

/// Reads the links of a netns with their addresses, and the routes of all its tables.
pub fn read_machine(socket: &Socket) -> io::Result<(Vec<IndexedLink>, Vec<MachineRoute>)> {
    let mut links = marked_links(socket)?;
    let positions: HashMap<u32, usize> = links.iter().enumerate().map(|(at, link)| (link.index, at)).collect();
    for object in socket.dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()))? {
        let RouteNetlinkMessage::NewAddress(message) = object else { continue };
        let Some(at) = positions.get(&message.header.index) else { continue };
        let found = &mut links[*at].link.addresses;
        found.extend(address(&message).map(|address| address.cidr));
        // The other end of a point-to-point link is reached by a route, which is read too.
        found.extend(peer(&message));
    }
    let names: HashMap<u32, String> = links.iter().map(|link| (link.index, link.link.name.clone())).collect();
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
    Ok((links, routes))
}

fn link(message: &LinkMessage) -> IndexedLink {
    let loopback = message.header.flags.contains(LinkFlags::Loopback);
    let kind = if loopback { "loopback" } else { "device" }.to_owned();
    let mut link = MachineLink { kind, ..MachineLink::default() };
    let mut group = 0;
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::IfAlias(alias) => link.alias = Some(alias.clone()),
            LinkAttribute::Group(number) => group = *number,
            LinkAttribute::PropList(properties) => {
                link.other_names.extend(properties.iter().filter_map(|property| match property {
                    Prop::AltIfName(name) => Some(name.clone()),
                    _ => None,
                }));
            }
            LinkAttribute::LinkInfo(infos) => {
                let kind =
                    infos.iter().find_map(|info| if let LinkInfo::Kind(kind) = info { Some(kind) } else { None });
                if let Some(kind) = kind.filter(|kind| **kind != InfoKind::Other(String::new())) {
                    link.kind = kind_word(kind);
                }
            }
            _ => {}
        }
    }
    IndexedLink { index: message.header.index, group, link }
}

fn peer(message: &AddressMessage) -> Option<ipnet::IpNet> {
    let local = message.attributes.iter().any(|attribute| matches!(attribute, AddressAttribute::Local(_)));
    let far = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Address(address) if local => Some(*address),
        _ => None,
    })?;
    ipnet::IpNet::new(far, message.header.prefix_len).ok()
}

/// Reads a route that says where a network is, or that it is nowhere.
fn route(message: &RouteMessage, names: &HashMap<u32, String>) -> Option<MachineRoute> {
    let header = &message.header;
    let kind = match header.kind {
        RouteType::Unicast => "",
        RouteType::Local => "local ",
        RouteType::BlackHole => "blackhole ",
        RouteType::Unreachable => "unreachable ",
        RouteType::Prohibit => "prohibit ",
        RouteType::Throw => "throw ",
        _ => return None,
    };
    let destination = network(message)?;
    let mut route =
        MachineRoute { destination, link: None, gateways: Vec::new(), words: format!("{kind}{destination}") };
    let mut table = u32::from(header.table);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Gateway(gateway) => {
                let gateway = ip(gateway)?;
                route.words += &format!(" via {gateway}");
                route.gateways.push(gateway);
            }
            RouteAttribute::MultiPath(hops) => {
                let attributes = hops.iter().flat_map(|hop| &hop.attributes);
                route.gateways.extend(attributes.filter_map(|attribute| match attribute {
                    RouteAttribute::Gateway(gateway) => ip(gateway),
                    _ => None,
                }));
            }
            RouteAttribute::Oif(index) => route.link = names.get(index).cloned(),
            RouteAttribute::Table(number) => table = *number,
            _ => {}
        }
    }
    if let Some(link) = &route.link {
        route.words += &format!(" dev {link}");
    }
    if table != u32::from(RouteHeader::RT_TABLE_MAIN) {
        route.words += &format!(" table {table}");
    }
    Some(route)
}
