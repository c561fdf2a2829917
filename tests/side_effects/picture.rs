//! A network in words, of a kernel and of the model alike, so that the two can be compared.

use std::collections::BTreeMap;

use ipnet::IpNet;
use orchestrator::topology::{LinkId, NetnsId, Topology};
use serde_json::Value;

use crate::support::link_local;

/// Every netns by its name.
pub(crate) type Network = BTreeMap<String, Netns>;

/// What a netns has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Netns {
    /// Its links by name.
    pub(crate) links: BTreeMap<String, Link>,
    /// Its main table: destination, the words that follow, and the link.
    pub(crate) routes: Vec<Route>,
    /// It forwards, in IPv4 and in IPv6.
    pub(crate) forwarding: bool,
}

/// What a link has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) kind: String,
    pub(crate) up: bool,
    pub(crate) mtu: u64,
    pub(crate) mac: String,
    pub(crate) controller: Option<String>,
    /// How many queues for sending it has.
    pub(crate) queues: u64,
    /// Its addresses and, of an IPv4 one, whether it is secondary.
    pub(crate) addresses: BTreeMap<IpNet, bool>,
}

/// A route in the words of `ip -d route`, but for its destination and its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) destination: IpNet,
    pub(crate) link: String,
    pub(crate) rest: String,
}

impl Link {
    /// Returns the address that is made from its MAC address.
    pub(crate) fn link_local(&self) -> IpNet {
        IpNet::new(link_local(&self.mac).into(), 64).expect("a prefix length of IPv6")
    }

    pub(crate) fn has_link_local(&self) -> bool {
        self.addresses.contains_key(&self.link_local())
    }
}

/// Returns what the model has.
pub(crate) fn of_model(network: &Topology) -> Network {
    network.list_netns().map(|(id, netns)| (netns.name.to_string(), netns_of_model(network, id))).collect()
}

fn netns_of_model(network: &Topology, id: NetnsId) -> Netns {
    let links = network.links_of(id).map(|link| link_of_model(network, link)).collect();
    let listed = network.list_routes(id).expect("the netns stands");
    let routes = listed.into_iter().map(|route| {
        let gateway = route.gateway.map(|gateway| format!("via {gateway} ")).unwrap_or_default();
        let source = route.source.map(|source| format!(" src {source}")).unwrap_or_default();
        let metric = if route.metric == 0 { String::new() } else { format!(" metric {}", route.metric) };
        let rest = format!("{gateway}proto {} scope {}{source}{metric}", route.protocol, route.scope);
        Route { destination: route.destination, link: route.link.unwrap_or_default(), rest }
    });
    let forwarding = network.netns(id, String::new).expect("the netns stands").forwarding;
    Netns { links, routes: by_destination(routes.collect()), forwarding }
}

fn link_of_model(network: &Topology, id: LinkId) -> (String, Link) {
    let link = network.standing(id).expect("the link stands");
    let held = link.addresses.iter().enumerate().map(|(at, address)| {
        let network = address.cidr.trunc();
        let mut earlier = link.addresses.iter().take(at);
        let secondary = !address.is_ipv6() && earlier.any(|other| other.cidr.trunc() == network);
        (address.cidr, secondary)
    });
    let shown = Link {
        kind: link.kind.word().to_owned(),
        up: link.up,
        mtu: link.mtu.bytes.into(),
        mac: link.mac.to_string(),
        queues: link.queues.into(),
        controller: link.controller.map(|bridge| network.place_of(bridge).link.to_string()),
        addresses: held.collect(),
    };
    (link.name.to_string(), shown)
}

/// Returns what a kernel has, out of `ip -j -d address`, `ip -j -d route show table all` and `ip -j netconf`.
pub(crate) fn of_kernel(links: &[Value], routes: &[Value], settings: &[Value]) -> Netns {
    let forwards = settings.iter().filter(|setting| setting["interface"] == "all").map(|all| all["forwarding"] == true);
    let forwards: Vec<bool> = forwards.collect();
    assert!(matches!(forwards[..], [four, six] if four == six), "IPv4 and IPv6 forward alike: {settings:?}");

    let main = routes.iter().filter(|route| route["table"] == "main" && route["type"] == "unicast");
    let routes = main.map(|route| {
        let mut rest = String::new();
        for (key, word) in [("gateway", "via"), ("protocol", "proto"), ("scope", "scope"), ("prefsrc", "src")] {
            if route[key].is_string() {
                rest += &format!("{word} {} ", text(route, key));
            }
        }
        if route["metric"].is_u64() {
            rest += &format!("metric {}", route["metric"]);
        }
        Route { destination: destination(route), link: text(route, "dev").to_owned(), rest: rest.trim().to_owned() }
    });
    let links = links.iter().map(link_of_kernel).collect();
    Netns { links, routes: by_destination(routes.collect()), forwarding: forwards[0] }
}

fn link_of_kernel(link: &Value) -> (String, Link) {
    let held = link["addr_info"].as_array().into_iter().flatten().map(|address| {
        let cidr = format!("{}/{}", text(address, "local"), address["prefixlen"]);
        let cidr: IpNet = cidr.parse().unwrap_or_else(|_| panic!("`ip` shows an address `{cidr}`"));
        (cidr, address["secondary"] == true && !cidr.addr().is_ipv6())
    });
    let loopback = text(link, "link_type") == "loopback";
    let shown = Link {
        kind: if loopback { "loopback" } else { text(&link["linkinfo"], "info_kind") }.to_owned(),
        up: has_flag(link, "UP"),
        mtu: link["mtu"].as_u64().unwrap_or_default(),
        mac: text(link, "address").to_owned(),
        controller: link["master"].as_str().map(str::to_owned),
        queues: link["num_tx_queues"].as_u64().unwrap_or_default(),
        addresses: held.collect(),
    };
    (text(link, "ifname").to_owned(), shown)
}

fn has_flag(link: &Value, flag: &str) -> bool {
    link["flags"].as_array().is_some_and(|flags| flags.iter().any(|other| other == flag))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// Reads a destination, which `ip` shortens; of `default` the family is seen by what only IPv6 has.
fn destination(route: &Value) -> IpNet {
    let shown = text(route, "dst");
    let everywhere = if route["pref"].is_string() { "::/0" } else { "0.0.0.0/0" };
    let network = if shown == "default" { everywhere } else { shown };
    let host = || network.parse().map(|address: std::net::IpAddr| address.into());
    network.parse().or_else(|_| host()).unwrap_or_else(|_| panic!("`ip` shows a route to `{shown}`"))
}

/// Puts IPv4 before IPv6 and sorts; routes to one destination stay in the order in which they are tried.
fn by_destination(mut routes: Vec<Route>) -> Vec<Route> {
    routes.sort_by_key(|route| route.destination);
    routes
}

/// Words a netns, a link a line, `lo` first, then its main table:
///
/// ```text
/// lo up 127.0.0.1/8 ::1/128
/// eth0 up mtu 1400 master br0 172.16.0.2/24 172.16.0.3/24(secondary) link-local
/// default via 172.16.0.1 dev eth0
/// ```
///
/// `link-local` is the address made from a link's MAC address, with its route. An MTU is said if it is not the usual one.
pub(crate) fn words(netns: &Netns) -> Vec<String> {
    let mut lines: Vec<String> = netns.links.iter().map(|(name, link)| link_words(name, link)).collect();
    lines.sort_by_key(|line| !line.starts_with("lo "));
    let own = |route: &&Route| {
        let on_link = route.rest.starts_with("proto kernel ") && is_link_local(&route.destination);
        on_link
            && route.destination.prefix_len() == 64
            && netns.links.get(&route.link).is_some_and(Link::has_link_local)
    };
    lines.extend(netns.routes.iter().filter(|route| !own(route)).map(route_words));
    lines.extend(netns.forwarding.then(|| "forwards".to_owned()));
    lines
}

fn link_words(name: &str, link: &Link) -> String {
    let mut line = format!("{name} {}", if link.up { "up" } else { "down" });
    if link.mtu != if link.kind == "loopback" { 65_536 } else { 1500 } {
        line += &format!(" mtu {}", link.mtu);
    }
    if let Some(controller) = &link.controller {
        line += &format!(" master {controller}");
    }
    if link.queues != 1 {
        line += &format!(" numtxqueues {}", link.queues);
    }
    let own = link.link_local();
    for (address, secondary) in link.addresses.iter().filter(|(address, _)| **address != own) {
        line += &format!(" {address}{}", if *secondary { "(secondary)" } else { "" });
    }
    if link.has_link_local() && link.kind != "loopback" {
        line += " link-local";
    }
    line
}

/// Words a route as `ip route` does, which leaves out what is usual.
fn route_words(route: &Route) -> String {
    let destination = match route.destination {
        network if network.prefix_len() == 0 => "default".to_owned(),
        network if network.prefix_len() == network.max_prefix_len() => network.addr().to_string(),
        network => network.to_string(),
    };
    let (gateway, rest) = match route.rest.split_once("proto ") {
        Some((gateway, rest)) => (gateway, format!(" proto {rest}")),
        None => ("", route.rest.clone()),
    };
    let rest = rest.replace(" proto boot", "").replace(" scope global", "");
    format!("{destination} {gateway}dev {}{rest}", route.link)
}

/// Takes from both what a kernel with address generation of its own does otherwise than the model, by intent:
///
/// - A link that is up and has no carrier is not ready, and gets no link-local address; in the model it has one.
/// - A port of a bridge has a link-local address; in the model it has none.
/// - Link-local addresses, and so their routes, come in the order in which links carry.
///
/// Where a link is up, carries and is no port, both must have it.
pub(crate) fn alike(kernel: &mut Network, model: &mut Network, carries: impl Fn(&str, &str) -> bool) {
    for (name, ours) in model {
        let Some(theirs) = kernel.get_mut(name) else { continue };
        let excepted = |(link, shown): &(&String, &Link)| shown.controller.is_some() || !carries(name, link);
        let excepted: Vec<String> = ours.links.iter().filter(excepted).map(|(link, _)| link.clone()).collect();
        for netns in [ours, theirs] {
            for link in &excepted {
                if let Some(shown) = netns.links.get_mut(link) {
                    shown.addresses.retain(|address, _| !is_link_local(address));
                }
            }
            netns.routes.retain(|route| !(is_link_local(&route.destination) && excepted.contains(&route.link)));
            netns.routes.sort_by_key(|route| is_link_local(&route.destination).then(|| route.link.clone()));
            netns.routes.sort_by_key(|route| route.destination);
        }
    }
}

fn is_link_local(network: &IpNet) -> bool {
    matches!(network, IpNet::V6(network) if network.addr().is_unicast_link_local())
}
