//! The `topology` of `plan --format json`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn list(value: &mut Value) -> &mut Vec<Value> {
    value.as_array_mut().expect("a list")
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Puts a topology into the order of a plan. Only of the IPv4 addresses of a link the order counts.
pub(crate) fn sort(topology: &mut Value) {
    let name = |object: &Value| text(&object["name"]);
    let netns = list(&mut topology["netns"]);
    netns.sort_by_key(name);
    for netns in netns {
        let links = list(&mut netns["links"]);
        links.sort_by_key(name);
        for link in links {
            list(&mut link["addresses"]).sort_by_key(|address| match address.as_str()?.parse() {
                Ok(IpNet::V6(cidr)) => Some(cidr),
                _ => None,
            });
        }
        list(&mut netns["routes"]).sort_by_key(|route| {
            let gateway: Option<IpAddr> = route["gateway"].as_str().and_then(|gateway| gateway.parse().ok());
            (destination(route), route["metric"].as_u64(), text(&route["link"]), gateway)
        });
    }
}

/// Reads the destination of a route; a default one has its family from its gateway, or from its metric, which no IPv4 route has.
fn destination(route: &Value) -> Option<IpNet> {
    match route["destination"].as_str()? {
        "default" if route["metric"] == 0 => "0.0.0.0/0".parse().ok(),
        "default" => "::/0".parse().ok(),
        destination => destination.parse().ok(),
    }
}

/// Returns the digest that a plan has of a topology in that order.
pub(crate) fn digest(topology: &Value) -> String {
    // Objects have their keys sorted here.
    Sha256::digest(topology.to_string()).iter().fold("sha256:".to_owned(), |mut digest, byte| {
        let _ = write!(digest, "{byte:02x}");
        digest
    })
}

/// Returns a topology whose host is the machine as if it were the lab's own, where nobody has set `lo` up.
pub(crate) fn on_private_host(topology: &Value) -> Value {
    let mut topology = topology.clone();
    let host = list(&mut topology["netns"]).iter_mut().find(|netns| netns["name"] == "host").expect("a host");
    let lo = list(&mut host["links"]).iter_mut().find(|link| link["kind"] == "loopback").expect("a `lo`");
    let (up, addresses) = (lo["up"].take(), lo["addresses"].take());
    assert_eq!((up, addresses), (json!(true), json!(["127.0.0.1/8", "::1/128"])), "the machine's own `lo`");
    lo["up"] = json!(false);
    lo["addresses"] = json!([]);
    topology
}

/// Returns a topology as lines, one for each thing, so that a difference is short.
pub(crate) fn lines(topology: &Value) -> BTreeSet<String> {
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let mut lines = BTreeSet::new();
    for netns in list(&topology["netns"]) {
        let name = netns["name"].as_str().expect("a name");
        lines.insert(format!("{name}: netns, forwarding {}", netns["forwarding"]));
        lines.extend(list(&netns["links"]).iter().map(|link| format!("{name}: link {link}")));
        lines.extend(list(&netns["routes"]).iter().map(|route| format!("{name}: route {route}")));
    }
    lines
}
