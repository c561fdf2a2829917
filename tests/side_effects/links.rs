//! Links that go up, down, elsewhere and away.

use crate::shows;

/// `eth0` in `red`, up, with its peer `port` in `host`, up.
pub(crate) const RED: &str = "
    ip netns add red
    ip -n host link add name port type veth peer name eth0 netns red
    ip -n host link set dev port up
    ip -n red link set dev eth0 up";

const ADDRESSES: &str = "
    ip -n red address add 10.0.0.2/24 dev eth0
    ip -n red address add fd00::2/64 dev eth0
    ip -n red route add default via 10.0.0.1
    ip -n red route add default via fd00::1
    ip -n red route add 10.9.0.0/16 dev eth0";

#[test]
fn link_set_down_loses_its_routes_and_its_ipv6_addresses() {
    shows(&[
        (RED, &[("red", &["lo down", "eth0 up link-local"])]),
        (
            ADDRESSES,
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 up 10.0.0.2/24 fd00::2/64 link-local",
                    "default via 10.0.0.1 dev eth0",
                    "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2",
                    "10.9.0.0/16 dev eth0 scope link",
                    "default via fd00::1 dev eth0 metric 1024",
                    "fd00::/64 dev eth0 proto kernel metric 256",
                ],
            )],
        ),
        ("ip -n red link set dev eth0 down", &[("red", &["lo down", "eth0 down 10.0.0.2/24"])]),
    ]);
}

#[test]
fn link_set_up_again_has_its_connected_routes_and_its_link_local_address() {
    shows(&[
        (RED, &[]),
        (ADDRESSES, &[]),
        ("ip -n red link set dev eth0 down", &[]),
        (
            "ip -n red link set dev eth0 up",
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 up 10.0.0.2/24 link-local",
                    "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2",
                ],
            )],
        ),
    ]);
}

#[test]
fn link_set_up_twice_and_down_twice_is_changed_once() {
    shows(&[
        (RED, &[]),
        (ADDRESSES, &[]),
        ("ip -n red link set dev eth0 up", &[]),
        ("ip -n red link set dev eth0 down", &[]),
        ("ip -n red link set dev eth0 down", &[("red", &["lo down", "eth0 down 10.0.0.2/24"])]),
    ]);
}

#[test]
fn link_whose_peer_is_down_keeps_what_it_has() {
    shows(&[
        (RED, &[]),
        (ADDRESSES, &[]),
        (
            "ip -n host link set dev port down",
            &[
                ("host", &["lo down", "port down"]),
                (
                    "red",
                    &[
                        "lo down",
                        "eth0 up 10.0.0.2/24 fd00::2/64 link-local",
                        "default via 10.0.0.1 dev eth0",
                        "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2",
                        "10.9.0.0/16 dev eth0 scope link",
                        "default via fd00::1 dev eth0 metric 1024",
                        "fd00::/64 dev eth0 proto kernel metric 256",
                    ],
                ),
            ],
        ),
    ]);
}

#[test]
fn addresses_of_a_link_that_is_down_bring_their_routes_once_it_is_up() {
    shows(&[
        (
            "ip netns add red
            ip -n host link add name port type veth peer name eth0 netns red
            ip -n red address add 10.0.0.2/24 dev eth0
            ip -n red address add fd00::2/64 dev eth0",
            &[("red", &["lo down", "eth0 down 10.0.0.2/24 fd00::2/64"])],
        ),
        (
            "ip -n red link set dev eth0 up",
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 up 10.0.0.2/24 fd00::2/64 link-local",
                    "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2",
                    "fd00::/64 dev eth0 proto kernel metric 256",
                ],
            )],
        ),
    ]);
}

#[test]
fn link_that_is_renamed_keeps_all_that_it_has() {
    shows(&[
        (RED, &[]),
        (ADDRESSES, &[]),
        (
            "ip -n red link set dev eth0 mtu 1400
            ip -n red link set dev eth0 name lan0",
            &[],
        ),
        (
            "ip -n host link add name br0 type bridge
            ip -n host link set dev port master br0
            ip -n host link set dev port name veth1",
            &[("host", &["lo down", "br0 down", "veth1 up master br0"])],
        ),
    ]);
}

#[test]
fn link_moved_to_another_netns_arrives_down_and_bare() {
    shows(&[
        (RED, &[]),
        (ADDRESSES, &[]),
        (
            "ip netns add blue
            ip -n red link set dev eth0 mtu 1400
            ip -n red link set dev eth0 netns blue",
            &[
                ("red", &["lo down"]),
                ("blue", &["lo down", "eth0 down mtu 1400"]),
                ("host", &["lo down", "port up link-local"]),
            ],
        ),
        ("ip -n blue link set dev eth0 up", &[("blue", &["lo down", "eth0 up mtu 1400 link-local"])]),
    ]);
}

#[test]
fn port_moved_to_another_netns_has_no_controller_there() {
    shows(&[
        (RED, &[]),
        (
            "ip netns add blue
            ip -n host link add name br0 type bridge
            ip -n host link set dev port mtu 1400
            ip -n host link set dev port master br0",
            &[("host", &["lo down", "br0 down mtu 1400", "port up mtu 1400 master br0"])],
        ),
        (
            "ip -n host link set dev port netns blue",
            &[("host", &["lo down", "br0 down"]), ("blue", &["lo down", "port down mtu 1400"])],
        ),
    ]);
}

#[test]
fn link_below_1280_loses_its_ipv6_and_has_its_link_local_address_back_at_1280() {
    shows(&[
        (RED, &[]),
        (ADDRESSES, &[]),
        (
            "ip -n red link set dev eth0 mtu 1279",
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 up mtu 1279 10.0.0.2/24",
                    "default via 10.0.0.1 dev eth0",
                    "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2",
                    "10.9.0.0/16 dev eth0 scope link",
                ],
            )],
        ),
        ("ip -n red address add fd00::3/64 dev eth0", &[]),
        (
            "ip -n red link set dev eth0 mtu 1280",
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 up mtu 1280 10.0.0.2/24 link-local",
                    "default via 10.0.0.1 dev eth0",
                    "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2",
                    "10.9.0.0/16 dev eth0 scope link",
                ],
            )],
        ),
    ]);
}

#[test]
fn lo_set_up_has_the_loopback_addresses_and_keeps_the_ipv4_one() {
    shows(&[
        ("ip -n host link set dev lo up", &[("host", &["lo up 127.0.0.1/8 ::1/128"])]),
        ("ip -n host link set dev lo down", &[("host", &["lo down 127.0.0.1/8"])]),
        (
            "ip -n host address del 127.0.0.1/8 dev lo
            ip -n host address add 10.0.0.1/24 dev lo
            ip -n host link set dev lo up",
            &[("host", &["lo up 10.0.0.1/24 127.0.0.1/8 ::1/128"])],
        ),
    ]);
}

#[test]
fn lo_below_1280_loses_its_ipv6_address_until_it_is_set_up_again() {
    shows(&[
        (
            "ip -n host link set dev lo up
            ip -n host link set dev lo mtu 1279",
            &[("host", &["lo up mtu 1279 127.0.0.1/8"])],
        ),
        ("ip -n host link set dev lo mtu 1280", &[("host", &["lo up mtu 1280 127.0.0.1/8"])]),
        (
            "ip -n host link set dev lo down
            ip -n host link set dev lo up",
            &[("host", &["lo up mtu 1280 127.0.0.1/8 ::1/128"])],
        ),
    ]);
}

#[test]
fn link_that_is_removed_takes_its_peer_and_the_routes_over_both() {
    shows(&[
        (RED, &[]),
        (ADDRESSES, &[]),
        ("ip -n host address add 10.0.0.1/24 dev port", &[]),
        ("ip -n host link del dev port", &[("host", &["lo down"]), ("red", &["lo down"])]),
    ]);
}
