//! A machine's network as `ip -j` shows it, without what is by chance: one line for each thing, so that a difference is short.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::planned;
use crate::support::Machine;

/// For each netns, the host with them: links with their addresses, the main table of both families, the settings of the links, and
/// how `ip netns list-id` numbers the others.
const LOOK: &str = r#"
mkdir -p /run/netns
ln -s "/proc/$$/ns/net" /run/netns/host
for path in /run/netns/*; do
    name=${path#/run/netns/}
    echo "\"$name\""
    printf '%s\n' address 'route show table main' netconf 'netns list-id' | ip -n "$name" -j -d -batch -
    ip -n "$name" -6 -j -d route show table main
done
rm /run/netns/host
"#;

/// What a link has that comes by chance, or that `run --on-host` has to have: the number, and its mark.
const BY_CHANCE: [&str; 5] = ["ifindex", "link_index", "link_netnsid", "link", "ifalias"];
/// What follows from the order in which ports came to a bridge. On the machine its end of a veth is made first, as it is marked, so
/// that order is another one there.
const OF_A_PORT_NUMBER: [&str; 3] = ["id", "no", "designated_port"];
/// The number by which the routes of `run --on-host` are known.
const PROTOCOL: &str = "157";

/// A network as it was seen.
pub(crate) struct Seen(BTreeMap<String, Netns>);

struct Netns {
    links: Vec<Value>,
    routes: Vec<Value>,
    settings: Vec<Value>,
    /// The names of other netns by their numbers.
    others: BTreeMap<u64, String>,
}

/// Looks at the whole network of a machine.
#[track_caller]
pub(crate) fn look(m: &Machine) -> Seen {
    let printed = m.root_command("sh").args(&["-euc", LOOK]).run();
    let values: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_str(printed.success().stdout()).into_iter().collect();
    let values = values.unwrap_or_else(|error| panic!("`ip -j` printed no JSON ({error}): {printed}"));
    let mut seen = BTreeMap::new();
    for netns in values.chunks(6) {
        let [Value::String(name), links, routes, settings, others, routes6] = netns else {
            panic!("`ip -j` printed something else: {printed}")
        };
        let list = |value: &Value| value.as_array().expect("a list").clone();
        let numbered = |other: &Value| Some((other["nsid"].as_u64()?, other["name"].as_str()?.to_owned()));
        let netns = Netns {
            links: list(links),
            routes: list(routes).into_iter().chain(list(routes6)).collect(),
            settings: list(settings),
            others: list(others).iter().filter_map(numbered).collect(),
        };
        seen.insert(name.clone(), netns);
    }
    Seen(seen)
}

impl Seen {
    /// Returns all that was seen, one line each, but for what is by chance.
    pub(crate) fn lines(&self) -> BTreeSet<String> {
        let mut lines = BTreeSet::new();
        for (name, netns) in &self.0 {
            lines.insert(format!("{name}: netns"));
            lines.extend(netns.links.iter().map(|link| format!("{name}: link {}", self.without_chance(name, link))));
            lines.extend(netns.settings.iter().map(|settings| format!("{name}: settings {settings}")));
            let mut ways: HashMap<&str, u32> = HashMap::new();
            for route in &netns.routes {
                // Of the ways to one destination the first is taken.
                let number = ways.entry(route["dst"].as_str().unwrap_or_default()).or_default();
                *number += 1;
                lines.insert(format!("{name}: route {number} {}", by_anybody(name, route)));
            }
        }
        lines
    }

    fn without_chance(&self, netns: &str, link: &Value) -> Value {
        let mut link = link.clone();
        link["peer"] = self.peer(netns, &link);
        let fields = link.as_object_mut().expect("an object");
        fields.retain(|key, _| !BY_CHANCE.contains(&key.as_str()));
        // Which of the two depends on whose number the peer's is in this netns (`default_operstate`).
        if fields["operstate"] == "LOWERLAYERDOWN" {
            fields["operstate"] = json!("DOWN");
        }
        for data in ["info_data", "info_slave_data"] {
            if let Some(data) = fields.get_mut("linkinfo").and_then(|info| info.get_mut(data)?.as_object_mut()) {
                data.retain(|key, _| !key.ends_with("_timer") && !OF_A_PORT_NUMBER.contains(&key.as_str()));
            }
        }
        link
    }

    /// Returns where the other end of a veth is.
    fn peer(&self, netns: &str, link: &Value) -> Value {
        if let Some(name) = link["link"].as_str() {
            return json!({ "netns": netns, "link": name });
        }
        let (Some(index), Some(number)) = (link["link_index"].as_u64(), link["link_netnsid"].as_u64()) else {
            return Value::Null;
        };
        let other = self.0[netns].others.get(&number);
        let peer = other.and_then(|name| self.0[name].links.iter().find(|link| link["ifindex"] == index));
        json!({ "netns": other, "link": peer.map(|peer| &peer["ifname"]) })
    }

    /// Says what is not at rest yet: the kernel decides on carriers a moment later.
    pub(crate) fn unrest(&self) -> Vec<String> {
        let links = self.0.iter().flat_map(|(name, netns)| netns.links.iter().map(move |link| (name, link)));
        links.filter(|(_, link)| !is_at_rest(link)).map(|(name, link)| format!("{name}: not at rest: {link}")).collect()
    }

    /// Returns the same as `topology` of `plan --format json`, were the host a private one.
    pub(crate) fn topology(&self) -> Value {
        let netns = self.0.iter().map(|(name, netns)| {
            // Both families forward, or neither.
            let of_all = netns.settings.iter().filter(|settings| settings["interface"] == "all");
            let forwarding: BTreeSet<bool> = of_all.filter_map(|settings| settings["forwarding"].as_bool()).collect();
            let links: Vec<Value> = netns.links.iter().map(|link| self.planned_link(name, link)).collect();
            let routes: Vec<Value> = netns.routes.iter().map(planned_route).collect();
            let forwarding = forwarding == BTreeSet::from([true]);
            // None of these networks asks for it.
            let autoconfiguration = false;
            json!({ "name": name, "forwarding": forwarding, "autoconfiguration": autoconfiguration, "links": links, "routes": routes })
        });
        let mut topology = planned::on_private_host(&json!({ "netns": netns.collect::<Vec<_>>() }));
        planned::sort(&mut topology);
        topology
    }

    fn planned_link(&self, netns: &str, link: &Value) -> Value {
        let kind = if link["link_type"] == "loopback" { &link["link_type"] } else { &link["linkinfo"]["info_kind"] };
        let addresses = link["addr_info"].as_array().expect("a list").iter();
        let addresses: Vec<String> = addresses
            .map(|address| format!("{}/{}", address["local"].as_str().unwrap_or_default(), address["prefixlen"]))
            .collect();
        json!({
            "name": link["ifname"],
            "kind": kind,
            "mac": link["address"],
            "mtu": link["mtu"],
            "queues": link["num_tx_queues"],
            "up": has_flag(link, "UP"),
            "controller": link["master"],
            "peer": self.peer(netns, link),
            "addresses": addresses,
        })
    }
}

fn planned_route(route: &Value) -> Value {
    let destination = route["dst"].as_str().unwrap_or_default();
    let host = if destination.contains(':') { "/128" } else { "/32" };
    let length = if destination.contains('/') || destination == "default" { "" } else { host };
    json!({
        "destination": format!("{destination}{length}"),
        "gateway": route["gateway"],
        "link": route["dev"],
        "metric": route["metric"].as_u64().unwrap_or_default(),
    })
}

/// Returns a route as if the host were not the machine.
fn by_anybody(netns: &str, route: &Value) -> Value {
    let mut route = route.clone();
    if netns == "host" && route["protocol"] == PROTOCOL {
        route["protocol"] = json!("boot");
    }
    route
}

fn has_flag(link: &Value, flag: &str) -> bool {
    link["flags"].as_array().is_some_and(|flags| flags.iter().any(|other| other == flag))
}

fn is_at_rest(link: &Value) -> bool {
    let (up, carries) = (has_flag(link, "UP"), has_flag(link, "LOWER_UP"));
    let state = link["operstate"].as_str().unwrap_or_default();
    let settled = match (up, carries) {
        (true, true) => ["UP", "UNKNOWN"].contains(&state),
        _ => ["DOWN", "LOWERLAYERDOWN"].contains(&state),
    };
    let tentative = link["addr_info"].as_array().into_iter().flatten().any(|address| address["tentative"] == true);
    settled && !tentative
}
