//! Random networks: segments of pairs and bridges, mostly set up as one would, and sometimes not.

use std::net::IpAddr;

use ipnet::IpNet;
use orchestrator::topology::{LinkId, NetnsId, Topology};

use crate::dice::Dice;
use crate::drawing::Drawing;

/// Draws a network.
pub(crate) fn draw(dice: &mut Dice) -> Drawing {
    let mut drawing = Drawing::new();
    let mut namespaces = vec![NetnsId::HOST];
    for n in 1..2 + dice.below(4) {
        namespaces.push(drawing.netns(&format!("n{n}")));
    }
    let members = draw_segments(dice, &mut drawing, &namespaces);
    let links: Vec<LinkId> = drawing.network.list_links().map(|(id, _)| id).collect();
    for link in links {
        if dice.chance(92) {
            drawing.up(link);
        }
    }
    draw_addresses(dice, &mut drawing, &members);
    for netns in &namespaces {
        if dice.chance(50) {
            drawing.forward(*netns);
        }
    }
    draw_routes(dice, &mut drawing, &namespaces);
    drawing
}

/// Returns what a network has worth pinging, and addresses that nobody has.
pub(crate) fn targets(network: &Topology) -> Vec<IpAddr> {
    let links = network.list_links();
    let mut targets: Vec<IpAddr> = links.flat_map(|(_, link)| &link.addresses).map(|held| held.cidr.addr()).collect();
    let odd = [
        "10.0.0.99",
        "2001:db8::99",
        "10.0.0.255",
        "0.0.0.0",
        "::",
        "fe80::99",
        "224.0.0.1",
        "10.9.9.9",
        "2001:db8:9::9",
    ];
    targets.extend(odd.map(|text| text.parse::<IpAddr>().unwrap()));
    targets.sort();
    targets.dedup();
    targets
}

/// Draws pairs and bridges, and returns the links that are to have addresses with the number of their network.
fn draw_segments(dice: &mut Dice, drawing: &mut Drawing, namespaces: &[NetnsId]) -> Vec<(usize, LinkId)> {
    let mut members = Vec::new();
    let mut bridges = Vec::new();
    let mut pairs = 0;
    let mut pair = |drawing: &mut Drawing, near: NetnsId, far: NetnsId| {
        pairs += 1;
        drawing.veth((near, &format!("near{pairs}")), (far, &format!("far{pairs}")))
    };
    for segment in 0..1 + dice.below(4) {
        let home = dice.pick(namespaces);
        if dice.chance(35) {
            let (near, far) = pair(drawing, home, dice.pick(namespaces));
            members.extend([(segment, near), (segment, far)]);
            continue;
        }
        let bridge = drawing.bridge(home, &format!("br{segment}"));
        if dice.chance(60) {
            members.push((segment, bridge));
        }
        for _ in 0..dice.below(4) {
            let (port, end) = pair(drawing, home, dice.pick(namespaces));
            drawing.port(bridge, port);
            members.push((segment, end));
            if dice.chance(5) {
                members.push((segment, port));
            }
        }
        // Each to one before it, so that there is no loop: a kernel would not come to rest.
        if !bridges.is_empty() && dice.chance(40) {
            let (other, there) = dice.pick(&bridges);
            let (near, far) = pair(drawing, home, there);
            drawing.port(bridge, near);
            drawing.port(other, far);
        }
        bridges.push((bridge, home));
    }
    members
}

fn draw_addresses(dice: &mut Dice, drawing: &mut Drawing, members: &[(usize, LinkId)]) {
    for (host, (segment, link)) in members.iter().enumerate() {
        // Some are in a network that is another segment's.
        let network = if dice.chance(95) { *segment } else { dice.below(4) };
        for count in 0..[1, 1, 1, 2, 0][dice.below(5)] {
            let (host, length) = (1 + host + 20 * count, if dice.chance(90) { 24 } else { 16 });
            drawing.address(*link, cidr(&format!("10.{network}.0.{host}/{length}")));
        }
        for count in 0..[1, 1, 1, 2, 0][dice.below(5)] {
            let (host, length) = (1 + host + 20 * count, if dice.chance(90) { 64 } else { 48 });
            drawing.address(*link, cidr(&format!("2001:db8:{network}::{host:x}/{length}")));
        }
    }
}

fn draw_routes(dice: &mut Dice, drawing: &mut Drawing, namespaces: &[NetnsId]) {
    let links = drawing.network.list_links();
    let addresses = links.flat_map(|(_, link)| &link.addresses).map(|held| held.cidr.addr());
    let gateways: Vec<IpAddr> = addresses.filter(|address| !address.is_loopback()).collect();
    if gateways.is_empty() {
        return;
    }
    for netns in namespaces {
        for _ in 0..dice.below(6) {
            let gateway = dice.pick(&gateways);
            let network = dice.below(5);
            let destination = match (gateway, dice.chance(40)) {
                (IpAddr::V4(_), true) => cidr("0.0.0.0/0"),
                (IpAddr::V4(_), false) => cidr(&format!("10.{network}.0.0/24")),
                (IpAddr::V6(_), true) => cidr("::/0"),
                (IpAddr::V6(_), false) => cidr(&format!("2001:db8:{network}::/64")),
            };
            let links: Vec<LinkId> = drawing.network.links_of(*netns).collect();
            match dice.below(6) {
                0 => drawing.route_on(dice.pick(&links), destination),
                1 => drawing.route_via(dice.pick(&links), destination, gateway),
                _ => drawing.route(*netns, destination, gateway),
            }
        }
    }
}

fn cidr(text: &str) -> IpNet {
    text.parse().unwrap()
}
