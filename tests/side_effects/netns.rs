//! Namespaces that come and go.

use crate::links::RED;
use crate::shows;

#[test]
fn netns_is_added_with_lo_down() {
    shows(&[("ip netns add red", &[("red", &["lo down"]), ("host", &["lo down"])])]);
}

#[test]
fn peer_dies_with_its_netns() {
    shows(&[
        (RED, &[]),
        (
            "ip -n host address add 10.0.0.1/24 dev port
            ip -n host route add default via 10.0.0.2
            ip -n host route add fd00::/48 dev port",
            &[],
        ),
        ("ip netns del red", &[("host", &["lo down"])]),
    ]);
}

#[test]
fn port_that_dies_with_the_netns_of_its_peer_leaves_its_bridge_the_mtu_of_the_others() {
    shows(&[
        (RED, &[]),
        (
            "ip -n host link add name veth2 type veth peer name ceth2
            ip -n host link add name br0 type bridge
            ip -n host link set dev port mtu 1300
            ip -n host link set dev veth2 mtu 1400
            ip -n host link set dev port master br0
            ip -n host link set dev veth2 master br0",
            &[(
                "host",
                &[
                    "lo down",
                    "br0 down mtu 1300",
                    "ceth2 down",
                    "port up mtu 1300 master br0",
                    "veth2 down mtu 1400 master br0",
                ],
            )],
        ),
        (
            "ip netns del red",
            &[("host", &["lo down", "br0 down mtu 1400", "ceth2 down", "veth2 down mtu 1400 master br0"])],
        ),
    ]);
}

#[test]
fn netns_that_is_removed_takes_links_of_every_kind() {
    shows(&[
        (
            "ip netns add red
            ip -n red link set dev lo up
            ip -n red link add name a0 type veth peer name a1
            ip -n red link add name br0 type bridge
            ip -n red link set dev a1 master br0
            ip netns del red",
            &[("host", &["lo down"])],
        ),
        ("ip netns add red", &[("red", &["lo down"])]),
    ]);
}
