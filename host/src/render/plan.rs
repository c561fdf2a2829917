//! `orchestrator plan`: what will stand, and the steps that lead there.

use std::fmt::Write as _;

use ipnet::IpNet;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::show::{netns_json, show_tables};
use crate::plan::{NewLink, NewRoute, Step};
use crate::topology::observed::Netns;
use crate::topology::{LinkName, Place};

/// Lays a plan out: the network as `orchestrator show` will, then the steps in the words of `ip`, then how much that is.
pub fn plan_table(digest: &str, lab: &[Netns], steps: &[Step]) -> String {
    let mut text = show_tables(lab);
    if !steps.is_empty() {
        text.push_str("\nsteps\n");
    }
    let width = steps.len().to_string().len();
    for (at, step) in steps.iter().enumerate() {
        let _ = writeln!(text, "  {:width$}  {step}", at + 1);
    }
    let links = || lab.iter().flat_map(|netns| &netns.links);
    let counts = [
        (lab.len(), "netns", "netns"),
        (links().filter(|link| link.kind != "loopback").count(), "link", "links"),
        (links().map(|link| link.addresses.len()).sum(), "address", "addresses"),
        (lab.iter().map(|netns| netns.routes.len()).sum(), "route", "routes"),
        (steps.len(), "step", "steps"),
    ];
    let counts = counts.map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }));
    let _ = writeln!(text, "\n{}\n{digest}", counts.join(", "));
    text
}

/// Returns a plan as an object: `digest`, `topology` and `steps`.
///
/// A step is an object with `step`, the name of its kind, `ip`, the same as a command, and what it is done with, by the names that
/// the WIT has for it.
pub fn plan_json(digest: &str, topology: Value, steps: &[Step]) -> Value {
    let steps: Vec<Value> = steps.iter().map(step_json).collect();
    json!({ "digest": digest, "topology": topology, "steps": steps })
}

/// Returns a network as an object that is the same however it was drawn: every list is sorted, save the IPv4 addresses of a link,
/// whose order counts, as the first of a network is the primary one.
pub fn topology_json(lab: &[Netns]) -> Value {
    let mut lab = lab.to_vec();
    lab.sort_by(|a, b| a.name.cmp(&b.name));
    for netns in &mut lab {
        netns.links.sort_by(|a, b| a.name.cmp(&b.name));
        for link in &mut netns.links {
            link.addresses.sort_by_key(|address| match address.cidr {
                IpNet::V4(_) => None,
                IpNet::V6(cidr) => Some(cidr),
            });
        }
        netns.routes.sort_by_cached_key(|route| (route.destination, route.metric, route.link.clone(), route.gateway));
    }
    json!({ "netns": lab.iter().map(netns_json).collect::<Vec<_>>() })
}

/// Returns `sha256:` and the SHA-256 of a network as `jq -cjS .topology` prints it.
pub fn digest(topology: &Value) -> String {
    let mut text = String::new();
    write_sorted(topology, &mut text);
    Sha256::digest(text).iter().fold("sha256:".to_owned(), |mut digest, byte| {
        let _ = write!(digest, "{byte:02x}");
        digest
    })
}

/// Writes JSON without blanks and with the keys of each object sorted, whichever way the object keeps them.
fn write_sorted(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            write_list(text, ['{', '}'], fields, |text, (key, value)| {
                let _ = write!(text, "{}:", Value::from(key.as_str()));
                write_sorted(value, text);
            });
        }
        Value::Array(items) => write_list(text, ['[', ']'], items, |text, item| write_sorted(item, text)),
        other => {
            let _ = write!(text, "{other}");
        }
    }
}

fn write_list<T>(
    text: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    mut write_item: impl FnMut(&mut String, T),
) {
    text.push(open);
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        write_item(text, item);
    }
    text.push(close);
}

fn step_json(step: &Step) -> Value {
    let (kind, on, more) = match step {
        Step::AddNetns { netns, .. } => ("add-netns", json!({ "netns": netns }), json!({})),
        Step::RemoveNetns { netns } => ("remove-netns", json!({ "netns": netns }), json!({})),
        Step::SetForwarding { netns, on } => ("set-forwarding", json!({ "netns": netns }), json!({ "on": on })),
        Step::SetAutoconfiguration { netns, on } => {
            ("set-autoconfiguration", json!({ "netns": netns }), json!({ "on": on }))
        }
        Step::AddVeth { near, near_controller, near_up, far, queues } => {
            let peer = new_link(far);
            let more = json!({ "controller": near_controller, "up": near_up, "peer": peer, "queues": queues });
            ("add-veth", new_link(near), more)
        }
        Step::AddBridge { bridge } => ("add-bridge", new_link(bridge), json!({})),
        Step::RemoveLink { link } => ("remove-link", place(link), json!({})),
        Step::SetNetns { link, target, name, mac } => {
            ("set-netns", place(link), json!({ "target": target, "name": name, "mac": mac.to_string() }))
        }
        Step::SetName { link, name, mac } => ("set-name", place(link), json!({ "name": name, "mac": mac.to_string() })),
        Step::SetUp { link } => ("set-up", place(link), json!({})),
        Step::SetDown { link } => ("set-down", place(link), json!({})),
        Step::SetMtu { link, mtu } => ("set-mtu", place(link), json!({ "mtu": mtu })),
        Step::SetController { link, controller } => {
            ("set-controller", place(link), json!({ "controller": controller.as_ref().map(LinkName::as_str) }))
        }
        Step::AddAddress { link, address, .. } => ("add-address", place(link), json!({ "address": address })),
        Step::RemoveAddress { link, address } => ("remove-address", place(link), json!({ "address": address })),
        Step::AddRoute { link, route } => ("add-route", place(link), route_json(route)),
        Step::RemoveRoute { link, route } => ("remove-route", place(link), route_json(route)),
    };
    let mut fields = Map::new();
    fields.insert("step".into(), kind.into());
    for part in [on, more] {
        if let Value::Object(part) = part {
            fields.extend(part);
        }
    }
    fields.insert("ip".into(), step.to_string().into());
    Value::Object(fields)
}

fn place(link: &Place) -> Value {
    json!({ "netns": link.netns, "link": link.link })
}

fn new_link(link: &NewLink) -> Value {
    json!({ "netns": link.place.netns, "link": link.place.link, "mac": link.mac.to_string(), "mtu": link.mtu })
}

fn route_json(route: &NewRoute) -> Value {
    json!({
        "destination": route.destination,
        "gateway": route.gateway,
        "metric": route.metric,
        "protocol": if route.connected { "kernel" } else { "boot" },
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::lab;
    use super::*;
    use crate::topology::{MacAddress, NetnsName};

    #[test]
    fn digest_is_the_same_however_the_network_was_drawn() {
        let drawn = lab();
        let expected = digest(&topology_json(&drawn));
        let mut other = drawn.clone();
        other.reverse();
        for netns in &mut other {
            netns.links.reverse();
            netns.routes.reverse();
        }
        assert_eq!(digest(&topology_json(&other)), expected);
        other[0].forwarding = true;
        assert_ne!(digest(&topology_json(&other)), expected);
    }

    #[test]
    fn order_of_ipv4_addresses_counts_and_of_ipv6_addresses_does_not() {
        let mut drawn = lab();
        let cidrs = ["10.0.0.2/24", "2001:db8::1/64", "10.0.0.3/24", "2001:db8::2/64"];
        drawn[1].links[1] = super::super::sample::link("eth0", "veth", &cidrs);
        let value = topology_json(&drawn);
        let addresses = &value["netns"][2]["links"][0]["addresses"];
        assert_eq!(*addresses, json!(["10.0.0.2/24", "10.0.0.3/24", "2001:db8::1/64", "2001:db8::2/64"]));
        drawn[1].links[1].addresses.swap(1, 3);
        assert_eq!(topology_json(&drawn), value);
        drawn[1].links[1].addresses.swap(0, 2);
        assert_ne!(topology_json(&drawn), value);
    }

    #[test]
    fn digest_is_that_of_compact_json_with_sorted_keys() {
        // printf '{"a":[],"b":[1,{"c":null,"d":"\\"x"}]}' | sha256sum
        let value = json!({ "b": [1, { "d": "\"x", "c": null }], "a": [] });
        let mut text = String::new();
        write_sorted(&value, &mut text);
        assert_eq!(text, r#"{"a":[],"b":[1,{"c":null,"d":"\"x"}]}"#);
        assert_eq!(digest(&value), "sha256:86a50d63ad43c09bce7b9e3d256023c46896ffc580585af86989f9ccd31168ae");
    }

    fn add_veth() -> Step {
        let place = |netns: &str, link: &str| Place {
            netns: NetnsName::parse(netns).unwrap(),
            link: LinkName::parse(link).unwrap(),
        };
        let mac = MacAddress([2, 0, 0, 0, 0, 1]);
        Step::AddVeth {
            near: NewLink { place: place("host", "veth1"), mac, mtu: None },
            near_controller: LinkName::parse("br0").ok(),
            near_up: true,
            far: NewLink { place: place("red", "eth0"), mac, mtu: Some(9000) },
            queues: 1,
        }
    }

    #[test]
    fn step_is_an_object_with_what_it_is_done_with() {
        let step = add_veth();
        let plan = plan_json("sha256:0", json!({ "netns": [] }), std::slice::from_ref(&step));
        assert_eq!(plan["digest"], "sha256:0");
        let expected = json!({
            "step": "add-veth",
            "netns": "host",
            "link": "veth1",
            "mac": "02:00:00:00:00:01",
            "mtu": null,
            "controller": "br0",
            "up": true,
            "peer": { "netns": "red", "link": "eth0", "mac": "02:00:00:00:00:01", "mtu": 9000 },
            "queues": 1,
            "ip": step.to_string(),
        });
        assert_eq!(plan["steps"], json!([expected]));
    }

    #[test]
    fn table_ends_with_the_steps_and_how_much_that_is() {
        let table = plan_table("sha256:0", &lab(), &[add_veth()]);
        assert!(table.starts_with("netns host\n  LINK "), "{table}");
        let end = "\n\nsteps\n  1  ip link add name veth1 address 02:00:00:00:00:01 master br0 up type veth peer name eth0 \
                   netns red address 02:00:00:00:00:01 mtu 9000\n\n\
                   3 netns, 5 links, 9 addresses, 1 route, 1 step\nsha256:0\n";
        assert!(table.ends_with(end), "{table}");
    }
}
