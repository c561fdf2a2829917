//! Bridges, and what being a port does to a link.

use crate::links::RED;
use crate::shows;

/// Two pairs in `host` whose ends `a0` and `b0` are up and have another MTU than the usual one.
const PAIRS: &str = "
    ip -n host link add name a0 type veth peer name a1
    ip -n host link add name b0 type veth peer name b1
    ip -n host link set dev a1 up
    ip -n host link set dev b1 up
    ip -n host link set dev a0 mtu 1400
    ip -n host link set dev b0 mtu 9000
    ip -n host link set dev a0 up
    ip -n host link set dev b0 up
    ip -n host link add name br0 type bridge
    ip -n host link set dev br0 up";

#[test]
fn bridge_has_the_smallest_mtu_of_its_ports() {
    shows(&[
        (PAIRS, &[]),
        (
            "ip -n host link set dev b0 master br0",
            &[(
                "host",
                &[
                    "lo down",
                    "a0 up mtu 1400 link-local",
                    "a1 up link-local",
                    "b0 up mtu 9000 master br0",
                    "b1 up link-local",
                    "br0 up mtu 9000 link-local",
                ],
            )],
        ),
        (
            "ip -n host link set dev a0 master br0",
            &[(
                "host",
                &[
                    "lo down",
                    "a0 up mtu 1400 master br0",
                    "a1 up link-local",
                    "b0 up mtu 9000 master br0",
                    "b1 up link-local",
                    "br0 up mtu 1400 link-local",
                ],
            )],
        ),
        ("ip -n host link set dev a0 mtu 1300", &[]),
        ("ip -n host link set dev a0 nomaster", &[]),
        (
            "ip -n host link del dev b1",
            &[("host", &["lo down", "a0 up mtu 1300 link-local", "a1 up link-local", "br0 up link-local"])],
        ),
    ]);
}

#[test]
fn bridge_keeps_an_mtu_that_was_set() {
    shows(&[
        (PAIRS, &[]),
        (
            "ip -n host link set dev a0 master br0
            ip -n host link set dev br0 mtu 1350
            ip -n host link set dev b0 master br0
            ip -n host link set dev a0 mtu 1300
            ip -n host link set dev a0 nomaster
            ip -n host link set dev b0 nomaster",
            &[(
                "host",
                &[
                    "lo down",
                    "a0 up mtu 1300 link-local",
                    "a1 up link-local",
                    "b0 up mtu 9000 link-local",
                    "b1 up link-local",
                    "br0 up mtu 1350 link-local",
                ],
            )],
        ),
    ]);
}

#[test]
fn bridge_whose_own_mtu_is_set_again_goes_on_following() {
    shows(&[
        (PAIRS, &[]),
        (
            "ip -n host link set dev br0 mtu 1500
            ip -n host link set dev a0 master br0",
            &[(
                "host",
                &[
                    "lo down",
                    "a0 up mtu 1400 master br0",
                    "a1 up link-local",
                    "b0 up mtu 9000 link-local",
                    "b1 up link-local",
                    "br0 up mtu 1400 link-local",
                ],
            )],
        ),
    ]);
}

#[test]
fn bridge_that_follows_a_port_below_1280_loses_its_ipv6_too() {
    shows(&[
        (PAIRS, &[]),
        (
            "ip -n host link set dev a0 master br0
            ip -n host address add fd00::1/64 dev br0
            ip -n host address add 10.0.0.1/24 dev br0
            ip -n host link set dev a0 mtu 1000",
            &[(
                "host",
                &[
                    "lo down",
                    "a0 up mtu 1000 master br0",
                    "a1 up link-local",
                    "b0 up mtu 9000 link-local",
                    "b1 up link-local",
                    "br0 up mtu 1000 10.0.0.1/24",
                    "10.0.0.0/24 dev br0 proto kernel scope link src 10.0.0.1",
                ],
            )],
        ),
        (
            "ip -n host link set dev a0 nomaster",
            &[(
                "host",
                &[
                    "lo down",
                    "a0 up mtu 1000",
                    "a1 up link-local",
                    "b0 up mtu 9000 link-local",
                    "b1 up link-local",
                    "br0 up 10.0.0.1/24 link-local",
                    "10.0.0.0/24 dev br0 proto kernel scope link src 10.0.0.1",
                ],
            )],
        ),
    ]);
}

/// The kernel leaves a port the address; in a lab it has none, as the article's bridge needs none at its ports.
#[test]
fn port_has_no_link_local_address_and_keeps_those_that_were_added() {
    shows(&[
        (RED, &[]),
        (
            "ip -n host address add 10.0.0.1/24 dev port
            ip -n host address add fd00::1/64 dev port
            ip -n host route add default via 10.0.0.9
            ip -n host link add name br0 type bridge
            ip -n host link set dev port master br0",
            &[(
                "host",
                &[
                    "lo down",
                    "br0 down",
                    "port up master br0 10.0.0.1/24 fd00::1/64",
                    "default via 10.0.0.9 dev port",
                    "10.0.0.0/24 dev port proto kernel scope link src 10.0.0.1",
                    "fd00::/64 dev port proto kernel metric 256",
                ],
            )],
        ),
        (
            "ip -n host link set dev port down
            ip -n host link set dev port up",
            &[(
                "host",
                &[
                    "lo down",
                    "br0 down",
                    "port up master br0 10.0.0.1/24",
                    "10.0.0.0/24 dev port proto kernel scope link src 10.0.0.1",
                ],
            )],
        ),
        (
            "ip -n host link set dev port nomaster",
            &[(
                "host",
                &[
                    "lo down",
                    "br0 down",
                    "port up 10.0.0.1/24 link-local",
                    "10.0.0.0/24 dev port proto kernel scope link src 10.0.0.1",
                ],
            )],
        ),
    ]);
}

#[test]
fn bridge_that_is_removed_frees_its_ports() {
    shows(&[
        (PAIRS, &[]),
        (
            "ip -n host link set dev a0 master br0
            ip -n host link set dev b0 master br0
            ip -n host address add 10.0.0.1/24 dev br0
            ip -n host route add default via 10.0.0.9
            ip -n host address add 10.1.0.1/24 dev a0
            ip -n host link del dev br0",
            &[(
                "host",
                &[
                    "lo down",
                    "a0 up mtu 1400 10.1.0.1/24 link-local",
                    "a1 up link-local",
                    "b0 up mtu 9000 link-local",
                    "b1 up link-local",
                    "10.1.0.0/24 dev a0 proto kernel scope link src 10.1.0.1",
                ],
            )],
        ),
    ]);
}

#[test]
fn port_of_one_bridge_attached_to_another_leaves_the_first() {
    shows(&[
        (PAIRS, &[]),
        (
            "ip -n host link add name br1 type bridge
            ip -n host link set dev a0 master br0
            ip -n host link set dev a0 master br1",
            &[(
                "host",
                &[
                    "lo down",
                    "a0 up mtu 1400 master br1",
                    "a1 up link-local",
                    "b0 up mtu 9000 link-local",
                    "b1 up link-local",
                    "br0 up link-local",
                    "br1 down mtu 1400",
                ],
            )],
        ),
    ]);
}
