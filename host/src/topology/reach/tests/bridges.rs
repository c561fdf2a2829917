//! What joins links to one segment.

use super::Net;

/// `red` and `blue` on a bridge of `host`, each port named after its netns.
fn bridged() -> Net {
    let mut net = Net::new();
    net.bridge("host/br0");
    for (netns, host) in [("red", 1), ("blue", 2)] {
        let (port, link) = (format!("host/{netns}"), format!("{netns}/eth0"));
        net.veth(&port, &link).port("host/br0", &port);
        net.address(&link, &format!("10.0.0.{host}/24")).address(&link, &format!("2001:db8::{host}/64"));
    }
    net
}

fn both(net: &Net, source: &str, host: u8) -> [String; 2] {
    [net.ping(source, &format!("10.0.0.{host}")), net.ping(source, &format!("2001:db8::{host}"))]
}

#[test]
fn bridge_joins_its_ports() {
    let net = bridged();
    assert_eq!(both(&net, "red", 2), ["reply", "reply"]);
}

#[test]
fn bridge_that_is_down_joins_nothing() {
    let mut net = bridged();
    net.down("host/br0");
    assert_eq!(both(&net, "red", 2), ["none", "none"]);
}

#[test]
fn port_that_is_down_is_left_out() {
    for link in ["host/blue", "blue/eth0"] {
        let mut net = bridged();
        net.down(link);
        assert_eq!(net.ping("red", "10.0.0.2"), "none", "{link}");
    }
}

#[test]
fn bridge_is_itself_on_the_segment() {
    let mut net = bridged();
    net.address("host/br0", "10.0.0.254/24").address("host/br0", "2001:db8::254/64");
    assert_eq!(net.ping("red", "10.0.0.254"), "reply");
    assert_eq!(net.ping("host", "2001:db8::2"), "reply");
}

#[test]
fn address_of_a_port_is_of_no_use() {
    let mut net = bridged();
    net.address("host/red", "10.0.0.9/24").address("host/red", "2001:db8::9/64");
    // The bridge answers for the IPv4 address, and the reply finds no neighbour: answers to a port go to the bridge.
    assert_eq!(both(&net, "red", 9), ["none", "none"]);
    assert_eq!(both(&net, "host", 1), ["none", "none"]);
}

#[test]
fn bridges_are_joined_within_and_across_namespaces() {
    let mut net = bridged();
    net.bridge("host/br1").veth("host/a", "host/b").port("host/br0", "host/a").port("host/br1", "host/b");
    net.bridge("far/br2").veth("host/c", "far/c").port("host/br1", "host/c").port("far/br2", "far/c");
    net.veth("far/p", "green/eth0").port("far/br2", "far/p");
    net.address("green/eth0", "10.0.0.3/24").address("green/eth0", "2001:db8::3/64");
    assert_eq!(both(&net, "red", 3), ["reply", "reply"]);
    net.down("host/br1");
    assert_eq!(both(&net, "red", 3), ["none", "none"]);
}

#[test]
fn nothing_gets_through_a_storm() {
    let mut net = bridged();
    net.bridge("host/br1");
    for (near, far) in [("host/xa", "host/xb"), ("host/xc", "host/xd")] {
        net.veth(near, far).port("host/br0", near).port("host/br1", far);
    }
    net.veth("host/p", "green/eth0").port("host/br1", "host/p").address("green/eth0", "10.0.0.3/24");
    assert_eq!(both(&net, "red", 2), ["none", "none"]);
    assert_eq!(both(&net, "red", 3), ["none", "none"]);
    // One of the two ways is no loop.
    net.down("host/xd");
    assert_eq!(both(&net, "red", 2), ["reply", "reply"]);
    assert_eq!(net.ping("red", "10.0.0.3"), "reply");
    // Nor is there one if the two ends of a pair are ports of one bridge, but one is down.
    net.veth("host/ya", "host/yb").port("host/br0", "host/ya").port("host/br0", "host/yb").down("host/yb");
    assert_eq!(net.ping("red", "10.0.0.2"), "reply");
    net.up("host/yb");
    assert_eq!(net.ping("red", "10.0.0.2"), "none");
}
