//! Addresses that bring routes, and take other addresses along.

use crate::links::RED;
use crate::shows;

#[test]
fn second_address_of_a_network_is_secondary_and_brings_no_route() {
    shows(&[
        (RED, &[]),
        (
            "ip -n red address add 10.0.0.2/24 dev eth0
            ip -n red address add 10.0.0.3/24 dev eth0
            ip -n red address add 10.0.0.3/16 dev eth0
            ip -n red address add 10.0.1.4/24 dev eth0",
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 up 10.0.0.2/24 10.0.0.3/16 10.0.0.3/24(secondary) 10.0.1.4/24 link-local",
                    "10.0.0.0/16 dev eth0 proto kernel scope link src 10.0.0.3",
                    "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2",
                    "10.0.1.0/24 dev eth0 proto kernel scope link src 10.0.1.4",
                ],
            )],
        ),
    ]);
}

#[test]
fn primary_address_takes_its_secondaries_along() {
    shows(&[
        (RED, &[]),
        (
            "ip -n red address add 10.0.0.2/24 dev eth0
            ip -n red address add 10.0.0.3/24 dev eth0
            ip -n red address add 10.0.0.4/24 dev eth0
            ip -n red address add 10.0.0.5/25 dev eth0
            ip -n red address add 10.9.0.1/24 dev eth0",
            &[],
        ),
        (
            "ip -n red address del 10.0.0.2/24 dev eth0",
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 up 10.0.0.5/25 10.9.0.1/24 link-local",
                    "10.0.0.0/25 dev eth0 proto kernel scope link src 10.0.0.5",
                    "10.9.0.0/24 dev eth0 proto kernel scope link src 10.9.0.1",
                ],
            )],
        ),
    ]);
}

#[test]
fn secondary_address_goes_alone() {
    shows(&[
        (RED, &[]),
        (
            "ip -n red address add 10.0.0.2/24 dev eth0
            ip -n red address add 10.0.0.3/24 dev eth0
            ip -n red address add 10.0.0.4/24 dev eth0
            ip -n red address del 10.0.0.3/24 dev eth0",
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 up 10.0.0.2/24 10.0.0.4/24(secondary) link-local",
                    "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2",
                ],
            )],
        ),
    ]);
}

#[test]
fn last_ipv4_address_takes_every_ipv4_route_over_its_link_along() {
    shows(&[
        (RED, &[]),
        (
            "ip -n red address add 10.0.0.2/24 dev eth0
            ip -n red address add 10.1.0.2/24 dev eth0
            ip -n red address add fd00::2/64 dev eth0
            ip -n red route add default via 10.0.0.1
            ip -n red route add 10.9.0.0/16 dev eth0
            ip -n red route add default via fd00::1",
            &[],
        ),
        (
            "ip -n red address del 10.0.0.2/24 dev eth0",
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 up 10.1.0.2/24 fd00::2/64 link-local",
                    "default via 10.0.0.1 dev eth0",
                    "10.1.0.0/24 dev eth0 proto kernel scope link src 10.1.0.2",
                    "10.9.0.0/16 dev eth0 scope link",
                    "default via fd00::1 dev eth0 metric 1024",
                    "fd00::/64 dev eth0 proto kernel metric 256",
                ],
            )],
        ),
        (
            "ip -n red address del 10.1.0.2/24 dev eth0",
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 up fd00::2/64 link-local",
                    "default via fd00::1 dev eth0 metric 1024",
                    "fd00::/64 dev eth0 proto kernel metric 256",
                ],
            )],
        ),
    ]);
}

#[test]
fn route_to_an_ipv6_network_goes_with_the_last_address_that_shares_it() {
    shows(&[
        (RED, &[]),
        (
            "ip -n red address add fd00::2/64 dev eth0
            ip -n red address add fd00::3/64 dev eth0
            ip -n red address del fd00::2/64 dev eth0",
            &[("red", &["lo down", "eth0 up fd00::3/64 link-local", "fd00::/64 dev eth0 proto kernel metric 256"])],
        ),
        ("ip -n red address del fd00::3/64 dev eth0", &[("red", &["lo down", "eth0 up link-local"])]),
    ]);
}

#[test]
fn ipv6_routes_stay_when_the_last_global_address_goes() {
    shows(&[
        (RED, &[]),
        (
            "ip -n red address add fd00::2/64 dev eth0
            ip -n red route add default via fd00::1
            ip -n red route add fd09::/48 dev eth0
            ip -n red address del fd00::2/64 dev eth0",
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 up link-local",
                    "default via fd00::1 dev eth0 metric 1024",
                    "fd09::/48 dev eth0 metric 1024",
                ],
            )],
        ),
    ]);
}

#[test]
fn addresses_alone_in_their_network_and_those_of_lo_bring_no_ipv4_route() {
    shows(&[
        (RED, &[]),
        (
            "ip -n red address add 10.0.0.2/32 dev eth0
            ip -n red address add fd00::2/128 dev eth0
            ip -n red link set dev lo up
            ip -n red address add 10.3.0.1/24 dev lo
            ip -n red address add 127.0.0.9/8 dev lo
            ip -n red address add fd03::1/64 dev lo",
            &[(
                "red",
                &[
                    "lo up 10.3.0.1/24 127.0.0.1/8 127.0.0.9/8(secondary) ::1/128 fd03::1/64",
                    "eth0 up 10.0.0.2/32 fd00::2/128 link-local",
                    "fd00::2 dev eth0 proto kernel metric 256",
                    "fd03::/64 dev lo proto kernel metric 256",
                ],
            )],
        ),
        ("ip -n red link set dev lo down", &[]),
        ("ip -n red link set dev lo up", &[]),
    ]);
}

#[test]
fn networks_of_two_links_have_a_route_each_and_lose_each_its_own() {
    shows(&[
        (RED, &[]),
        (
            "ip -n red link add name eth1 type veth peer name eth2
            ip -n red link set dev eth1 up
            ip -n red link set dev eth2 up
            ip -n red address add 10.0.0.2/24 dev eth0
            ip -n red address add 10.0.0.3/24 dev eth1
            ip -n red address add fd00::2/64 dev eth0
            ip -n red address add fd00::3/64 dev eth1",
            &[],
        ),
        (
            "ip -n red address del 10.0.0.2/24 dev eth0
            ip -n red link set dev eth0 down",
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 down",
                    "eth1 up 10.0.0.3/24 fd00::3/64 link-local",
                    "eth2 up link-local",
                    "10.0.0.0/24 dev eth1 proto kernel scope link src 10.0.0.3",
                    "fd00::/64 dev eth1 proto kernel metric 256",
                ],
            )],
        ),
    ]);
}
