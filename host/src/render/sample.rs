//! A small lab for the tests of what is printed: a bridge in the host, a container behind it, and one that is down.

use crate::topology::NetnsName;
use crate::topology::observed::{Address, Link, Netns, Peer, Route};

pub(super) fn link(name: &str, kind: &str, cidrs: &[&str]) -> Link {
    let address = |cidr: &&str| Address {
        cidr: cidr.parse().expect("an address"),
        scope: "global".into(),
        secondary: false,
        tentative: false,
        dynamic: false,
        rest: String::new(),
    };
    let loopback = kind == "loopback";
    Link {
        name: name.into(),
        kind: kind.into(),
        mac: if loopback { "00:00:00:00:00:00" } else { "02:5e:10:00:53:01" }.into(),
        mtu: if loopback { 65_536 } else { 1500 },
        up: true,
        carrier: true,
        queues: 1,
        oper_state: "UP".into(),
        controller: None,
        peer: None,
        addresses: cidrs.iter().map(address).collect(),
    }
}

pub(super) fn veth(name: &str, netns: &str, peer: &str, cidrs: &[&str]) -> Link {
    Link { peer: Some(Peer { netns: netns_name(netns), link: peer.into() }), ..link(name, "veth", cidrs) }
}

pub(super) fn netns_name(text: &str) -> NetnsName {
    NetnsName::parse(text).expect("a name")
}

pub(super) fn route(destination: &str, gateway: &str, link: &str) -> Route {
    Route {
        destination: destination.parse().expect("a network"),
        gateway: Some(gateway.parse().expect("an address")),
        link: Some(link.into()),
        protocol: "boot".into(),
        scope: "global".into(),
        source: None,
        metric: 0,
        link_down: false,
        rest: String::new(),
    }
}

/// `red` hangs on `br0` and has a way out, `end`'s only link is down.
pub(super) fn lab() -> Vec<Netns> {
    let lo = || link("lo", "loopback", &["127.0.0.1/8", "::1/128"]);
    let port = Link { controller: Some("br0".into()), ..veth("veth1", "red", "eth0", &[]) };
    let eth0 = veth("eth0", "host", "veth1", &["10.0.0.2/24", "fe80::5e:10ff:fe00:5301/64"]);
    let netns = |name: &str, links: Vec<Link>, routes: Vec<Route>| Netns {
        name: netns_name(name),
        links,
        routes,
        forwarding: false,
        autoconfiguration: false,
    };
    vec![
        netns(
            "host",
            vec![lo(), link("br0", "bridge", &["10.0.0.1/24"]), port, veth("v2", "end", "class", &[])],
            vec![],
        ),
        netns("red", vec![lo(), eth0], vec![route("0.0.0.0/0", "10.0.0.1", "eth0")]),
        netns("end", vec![lo(), Link { up: false, mtu: 9000, ..veth("class", "host", "v2", &[]) }], vec![]),
    ]
}
