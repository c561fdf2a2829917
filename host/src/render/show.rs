//! `orchestrator show`

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::table::{or_dash, table};
use crate::topology::harmless;
use crate::topology::observed::{Link, Netns, Route};

/// Lays a lab out, a table for each netns and its routes below.
pub fn show_tables(lab: &[Netns]) -> String {
    let heading = ["LINK", "KIND", "STATE", "MTU", "MAC", "CONTROLLER", "PEER", "ADDRESSES"];
    let mut text = String::new();
    for (at, netns) in lab.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        let notes = [(netns.forwarding, ", forwarding"), (netns.autoconfiguration, ", autoconfiguration")];
        let notes: String = notes.into_iter().filter_map(|(on, note)| on.then_some(note)).collect();
        let _ = writeln!(text, "netns {}{notes}", netns.name);
        text += &table("  ", heading, netns.links.iter().map(cells));
        for route in &netns.routes {
            let _ = writeln!(text, "  route {}", harmless(&route.to_string()));
        }
    }
    text
}

/// The kernel takes names from others too, so what it shows is escaped.
fn cells(link: &Link) -> [String; 8] {
    let state = match (link.up, link.carrier) {
        (false, _) => "down",
        (true, false) => "no carrier",
        (true, true) => "up",
    };
    let addresses: Vec<String> = link.addresses.iter().map(|address| harmless(&address.whole())).collect();
    let peer = link.peer.as_ref().map(|peer| format!("{}/{}", peer.netns, harmless(&peer.link)));
    [
        harmless(&link.name),
        harmless(&link.kind),
        state.into(),
        link.mtu.to_string(),
        harmless(&link.mac),
        or_dash(link.controller.as_deref().map(harmless)),
        or_dash(peer),
        if addresses.is_empty() { "-".into() } else { addresses.join(" ") },
    ]
}

/// Returns a lab as an object.
pub fn show_json(name: &str, lab: &[Netns]) -> Value {
    json!({ "name": name, "netns": lab.iter().map(netns_json).collect::<Vec<_>>() })
}

/// Returns a netns as an object.
pub(super) fn netns_json(netns: &Netns) -> Value {
    json!({
        "name": netns.name,
        "forwarding": netns.forwarding,
        "autoconfiguration": netns.autoconfiguration,
        "links": netns.links.iter().map(link_json).collect::<Vec<_>>(),
        "routes": netns.routes.iter().map(route_json).collect::<Vec<_>>(),
    })
}

fn link_json(link: &Link) -> Value {
    json!({
        "name": link.name,
        "kind": link.kind,
        "mac": link.mac,
        "mtu": link.mtu,
        "queues": link.queues,
        "up": link.up,
        "controller": link.controller,
        "peer": link.peer.as_ref().map(|peer| json!({ "netns": peer.netns, "link": peer.link })),
        "addresses": link.addresses.iter().map(|address| address.cidr).collect::<Vec<_>>(),
    })
}

fn route_json(route: &Route) -> Value {
    let destination = match route.destination.prefix_len() {
        0 => "default".to_owned(),
        _ => route.destination.to_string(),
    };
    let mut value = json!({
        "destination": destination,
        "gateway": route.gateway,
        "link": route.link,
        "metric": route.metric,
    });
    // Nothing that a scenario draws has it.
    if !route.rest.is_empty() {
        value["rest"] = json!(route.rest);
    }
    value
}
