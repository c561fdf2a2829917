//! What a picture of a lab has in it, whichever language it is written in.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

use crate::topology::observed::{Link, Netns, Route};
use crate::topology::{QUEUES, harmless};

/// More routes than this are counted and not shown.
const ROUTES: usize = 4;
/// What the kernel gives most links.
const USUAL_MTU: u32 = 1500;

/// A picture: a box for each netns, and lines between the ends of veths.
pub(super) struct Drawing {
    pub(super) boxes: Vec<NetnsBox>,
    pub(super) wires: Vec<Wire>,
}

/// A netns.
pub(super) struct NetnsBox {
    pub(super) name: String,
    /// What is told below its name.
    pub(super) notes: Vec<String>,
    pub(super) shapes: Vec<Shape>,
}

/// A link, with its ports if it is a bridge.
pub(super) struct Shape {
    pub(super) link: LinkShape,
    pub(super) is_bridge: bool,
    pub(super) ports: Vec<LinkShape>,
}

/// What is shown of one link.
pub(super) struct LinkShape {
    /// A number that no other link of the picture has.
    pub(super) id: usize,
    pub(super) name: String,
    /// Its addresses, and what is unusual.
    pub(super) notes: Vec<String>,
    pub(super) up: bool,
}

/// A veth, by its two ends.
pub(super) struct Wire {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Both ends are up.
    pub(super) carries: bool,
}

/// Draws a lab.
pub(super) fn drawing(lab: &[Netns]) -> Drawing {
    let links = || lab.iter().flat_map(|netns| netns.links.iter().map(move |link| (netns, link)));
    let ids: HashMap<(&str, &str), (usize, bool)> = links()
        .enumerate()
        .map(|(id, (netns, link))| ((netns.name.as_str(), link.name.as_str()), (id, link.up)))
        .collect();
    let id_of = |netns: &Netns, link: &str| ids[&(netns.name.as_str(), link)].0;
    let wires = links().filter_map(|(netns, link)| {
        let peer = link.peer.as_ref()?;
        let (to, peer_up) = *ids.get(&(peer.netns.as_str(), peer.link.as_str()))?;
        let from = id_of(netns, &link.name);
        (from < to).then_some(Wire { from, to, carries: link.up && peer_up })
    });
    let boxes = lab.iter().map(|netns| {
        let shape = |link: &Link| link_shape(id_of(netns, &link.name), link);
        let names: HashSet<&str> = netns.links.iter().map(|link| link.name.as_str()).collect();
        let is_port = |link: &&Link| link.controller.as_deref().is_some_and(|bridge| names.contains(bridge));
        let mut ports: HashMap<&str, Vec<LinkShape>> = HashMap::new();
        for port in netns.links.iter().filter(is_port) {
            ports.entry(port.controller.as_deref().unwrap_or_default()).or_default().push(shape(port));
        }
        let others = netns.links.iter().filter(|link| !is_port(link)).filter(|link| is_worth_showing(link));
        let shapes = others.map(|link| Shape {
            link: shape(link),
            is_bridge: link.kind == "bridge",
            ports: ports.remove(link.name.as_str()).unwrap_or_default(),
        });
        NetnsBox { name: netns.name.to_string(), notes: netns_notes(netns), shapes: shapes.collect() }
    });
    let mut boxes: Vec<NetnsBox> = boxes.collect();
    // Every lab has its host, whether or not anything is in it.
    if boxes.len() > 1 {
        boxes.retain(|netns| netns.name != "host" || !netns.shapes.is_empty());
    }
    Drawing { boxes, wires: wires.collect() }
}

/// `lo` is in every netns: it is shown where it has an address that is not in every netns.
fn is_worth_showing(link: &Link) -> bool {
    link.kind != "loopback" || !addresses(link).is_empty()
}

fn link_shape(id: usize, link: &Link) -> LinkShape {
    let mut notes = addresses(link);
    if link.kind != "loopback" && link.mtu != USUAL_MTU {
        notes.push(format!("mtu {}", link.mtu));
    }
    if link.queues != QUEUES {
        notes.push(format!("{} queues", link.queues));
    }
    if !link.up {
        notes.push("down".into());
    }
    LinkShape { id, name: harmless(&link.name), notes, up: link.up }
}

/// Lists the addresses of a link without those that it has by itself.
fn addresses(link: &Link) -> Vec<String> {
    let own = match link.kind.as_str() {
        "loopback" => {
            [Some("127.0.0.1/8".parse().expect("an address")), Some(IpNet::from(IpAddr::from(Ipv6Addr::LOCALHOST)))]
        }
        _ => [link_local(&link.mac), None],
    };
    let others = link.addresses.iter().filter(|address| !own.contains(&Some(address.cidr)));
    others.map(|address| address.cidr.to_string()).collect()
}

/// Returns the address that a link makes from its MAC address.
pub(crate) fn link_local(mac: &str) -> Option<IpNet> {
    let mut octets = [0; 6];
    let mut parts = mac.split(':');
    for octet in &mut octets {
        *octet = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    let address = crate::topology::MacAddress(octets).link_local();
    IpNet::new(address.into(), 64).ok()
}

fn netns_notes(netns: &Netns) -> Vec<String> {
    let asked: Vec<&Route> = netns.routes.iter().filter(|route| route.protocol != "kernel").collect();
    let shown = if asked.len() > ROUTES { ROUTES - 1 } else { asked.len() };
    let mut notes = Vec::new();
    if netns.forwarding {
        notes.push("forwarding".into());
    }
    if netns.autoconfiguration {
        notes.push("autoconfiguration".into());
    }
    notes.extend(asked[..shown].iter().map(|route| route_note(route)));
    if shown < asked.len() {
        notes.push(format!("and {} more routes", asked.len() - shown));
    }
    notes
}

/// Says where a route leads and through whom, or over what.
fn route_note(route: &Route) -> String {
    let destination = match route.destination.prefix_len() {
        0 => "default".into(),
        _ => route.destination.to_string(),
    };
    match (route.gateway, &route.link) {
        (Some(IpAddr::V6(gateway)), Some(link)) if gateway.is_unicast_link_local() => {
            format!("{destination} via {gateway} dev {}", harmless(link))
        }
        (Some(gateway), _) => format!("{destination} via {gateway}"),
        (None, Some(link)) => format!("{destination} dev {}", harmless(link)),
        (None, None) => destination,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{lab, link, netns_name, route};
    use super::*;

    #[test]
    fn ports_are_in_their_bridge_and_lines_join_the_ends_of_veths() {
        let Drawing { boxes, wires } = drawing(&lab());
        let [br0, v2] = &boxes[0].shapes[..] else { panic!("two shapes in the host") };
        assert!(br0.is_bridge && br0.ports.len() == 1 && !v2.is_bridge);
        let lines: Vec<_> = wires.iter().map(|wire| (wire.from, wire.to, wire.carries)).collect();
        let (eth0, class) = (&boxes[1].shapes[0].link, &boxes[2].shapes[0].link);
        assert_eq!(lines, [(br0.ports[0].id, eth0.id, true), (v2.link.id, class.id, false)]);
        assert_eq!(class.notes, ["mtu 9000", "down"]);
    }

    #[test]
    fn what_every_netns_has_is_left_out() {
        let drawn = drawing(&lab());
        assert_eq!(drawn.boxes[1].shapes.len(), 1, "no `lo`");
        assert_eq!(drawn.boxes[1].shapes[0].link.notes, ["10.0.0.2/24"], "no link-local address");
        let mut lab = lab();
        lab[0].links.truncate(1);
        assert_eq!(drawing(&lab).boxes[0].name, "red", "no empty host");
        lab[0].links[0] = link("lo", "loopback", &["127.0.0.1/8", "10.9.9.9/32"]);
        assert_eq!(drawing(&lab).boxes[0].shapes[0].link.notes, ["10.9.9.9/32"]);
    }

    #[test]
    fn routes_that_were_asked_for_are_told_until_they_are_too_many() {
        let mut netns = lab().remove(1);
        netns.forwarding = true;
        assert_eq!(netns_notes(&netns), ["forwarding", "default via 10.0.0.1"]);
        netns.routes.push(route("::/0", "fe80::1", "eth0"));
        netns.routes.extend((1..4).map(|n| route(&format!("10.{n}.0.0/16"), "10.0.0.1", "eth0")));
        assert_eq!(
            netns_notes(&netns)[2..],
            ["default via fe80::1 dev eth0", "10.1.0.0/16 via 10.0.0.1", "and 2 more routes"]
        );
    }

    #[test]
    fn name_that_no_lab_gives_does_no_harm() {
        let mut lab = lab();
        lab[1].links[1].peer.as_mut().unwrap().link = "gone".into();
        lab[0].links[2].controller = Some("elsewhere".into());
        lab[1].name = netns_name("blue");
        lab[0].links[3].name = "a\u{1b}[31m".into();
        let Drawing { boxes, wires } = drawing(&lab);
        let shown: Vec<&str> = boxes[0].shapes.iter().map(|shape| shape.link.name.as_str()).collect();
        assert_eq!(shown, ["br0", "veth1", "a\\u{1b}[31m"]);
        assert_eq!(wires.len(), 1);
    }
}
