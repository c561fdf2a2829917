//! What only somebody else puts in a netns: routes and addresses with parts that no step gives them.

use std::collections::HashMap;
use std::io;

use rtnetlink::packet_route::address::AddressMessage;
use rtnetlink::packet_route::route::{
    RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteMetric, RouteNextHop, RoutePreference, RouteVia,
};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::link::all_links;
use super::observe::{address, ip, link, route};
use super::{BatchError, Request, Socket};
use crate::topology::observed;

/// More removals than this do not go into one message.
const BATCH: usize = 256;

/// Says in the words of `ip route` what a route has that an [`observed::Route`] has no place for.
pub(super) fn rest_of_route(message: &RouteMessage, names: &HashMap<u32, String>) -> String {
    let mut words = Vec::new();
    if message.header.tos != 0 {
        words.push(format!("tos {:#04x}", message.header.tos));
    }
    if message.header.flags.contains(RouteFlags::Onlink) {
        words.push("onlink".into());
    }
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Source(from) => {
                let length = message.header.source_prefix_length;
                words.extend(ip(from).map(|from| format!("from {from}/{length}")));
            }
            RouteAttribute::Via(via) => words.push(via_words(via)),
            RouteAttribute::Metrics(metrics) => words.extend(metrics.iter().map(metric_words)),
            RouteAttribute::MultiPath(hops) => words.extend(hops.iter().map(|hop| hop_words(hop, names))),
            RouteAttribute::Preference(RoutePreference::Low) => words.push("pref low".into()),
            RouteAttribute::Preference(RoutePreference::High) => words.push("pref high".into()),
            RouteAttribute::EncapType(kind) => words.push(format!("encap {kind}")),
            RouteAttribute::Realm(_) => words.push("realm".into()),
            RouteAttribute::NhId(id) => words.push(format!("nhid {id}")),
            RouteAttribute::CacheInfo(cache) if cache.expires != 0 => words.push("expires".into()),
            _ => {}
        }
    }
    words.join(" ")
}

fn via_words(via: &RouteVia) -> String {
    match via {
        RouteVia::Inet(gateway) => format!("via inet {gateway}"),
        RouteVia::Inet6(gateway) => format!("via inet6 {gateway}"),
        _ => "via another family".into(),
    }
}

fn metric_words(metric: &RouteMetric) -> String {
    match metric {
        RouteMetric::Lock(_) => "lock".into(),
        RouteMetric::Mtu(mtu) => format!("mtu {mtu}"),
        RouteMetric::Advmss(bytes) => format!("advmss {bytes}"),
        RouteMetric::Window(bytes) => format!("window {bytes}"),
        RouteMetric::Hoplimit(hops) => format!("hoplimit {hops}"),
        RouteMetric::InitCwnd(packets) => format!("initcwnd {packets}"),
        RouteMetric::InitRwnd(packets) => format!("initrwnd {packets}"),
        RouteMetric::CcAlgo(name) => format!("congctl {name}"),
        _ => "metrics".into(),
    }
}

fn hop_words(hop: &RouteNextHop, names: &HashMap<u32, String>) -> String {
    let mut words = "nexthop".to_owned();
    for attribute in &hop.attributes {
        match attribute {
            RouteAttribute::Gateway(gateway) => {
                words.extend(ip(gateway).map(|gateway| format!(" via {gateway}")));
            }
            RouteAttribute::Via(via) => words.push_str(&format!(" {}", via_words(via))),
            _ => {}
        }
    }
    if let Some(link) = names.get(&hop.interface_index) {
        words.push_str(&format!(" dev {link}"));
    }
    words.push_str(&format!(" weight {}", u16::from(hop.hops) + 1));
    words
}

/// Removes the addresses and routes of the netns of `socket` that are chosen, whatever parts they have: each by the message in which
/// the kernel shows it. Returns the first that it refuses to remove.
pub fn remove_chosen(
    socket: &Socket,
    is_address: impl Fn(&str, &observed::Address) -> bool,
    is_route: impl Fn(&observed::Route) -> bool,
) -> io::Result<Option<BatchError>> {
    let mut names = HashMap::new();
    for object in socket.dump(all_links())? {
        if let RouteNetlinkMessage::NewLink(message) = object {
            let (raw, _) = link(&message);
            names.insert(raw.index, raw.link.name);
        }
    }
    let mut removals = Vec::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut request = RouteMessage::default();
        request.header.address_family = family;
        for object in socket.dump(RouteNetlinkMessage::GetRoute(request))? {
            let RouteNetlinkMessage::NewRoute(mut message) = object else { continue };
            if route(&message, &names).is_some_and(|route| is_route(&route)) {
                // Whether there is a carrier is no part of it.
                message.header.flags &= RouteFlags::Onlink;
                debug_assert_eq!(message.header.table, RouteHeader::RT_TABLE_MAIN);
                removals.push(Request::change(RouteNetlinkMessage::DelRoute(message)));
            }
        }
    }
    for object in socket.dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()))? {
        let RouteNetlinkMessage::NewAddress(message) = object else { continue };
        let name = names.get(&message.header.index);
        if name.zip(address(&message)).is_some_and(|(link, address)| is_address(link, &address)) {
            removals.push(Request::change(RouteNetlinkMessage::DelAddress(message)));
        }
    }
    let mut refused = None;
    while !removals.is_empty() {
        let rest = removals.split_off(removals.len().min(BATCH));
        // One may go with another.
        let batch = removals.into_iter().map(Request::unless_gone).collect();
        refused = refused.or(socket.batch(batch).err());
        removals = rest;
    }
    Ok(refused)
}
