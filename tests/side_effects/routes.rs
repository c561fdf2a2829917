//! Routes that stay, and those that go with something else.

use crate::links::RED;
use crate::shows;

#[test]
fn route_whose_gateway_is_reached_no_more_stays() {
    shows(&[
        (RED, &[]),
        (
            "ip -n red address add 10.0.0.2/24 dev eth0
            ip -n red address add 10.1.0.2/24 dev eth0
            ip -n red address add fd00::2/64 dev eth0
            ip -n red route add 10.9.0.0/16 via 10.0.0.1
            ip -n red route add fd09::/48 via fd00::1
            ip -n red address del 10.0.0.2/24 dev eth0
            ip -n red address del fd00::2/64 dev eth0",
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 up 10.1.0.2/24 link-local",
                    "10.1.0.0/24 dev eth0 proto kernel scope link src 10.1.0.2",
                    "10.9.0.0/16 via 10.0.0.1 dev eth0",
                    "fd09::/48 via fd00::1 dev eth0 metric 1024",
                ],
            )],
        ),
    ]);
}

#[test]
fn route_through_a_gateway_stays_when_the_route_to_the_gateway_is_removed() {
    shows(&[
        (RED, &[]),
        (
            "ip -n red address add 10.0.0.2/32 dev eth0
            ip -n red route add 10.0.0.0/24 dev eth0
            ip -n red route add default via 10.0.0.1
            ip -n red route del 10.0.0.0/24",
            &[("red", &["lo down", "eth0 up 10.0.0.2/32 link-local", "default via 10.0.0.1 dev eth0"])],
        ),
    ]);
}

#[test]
fn connected_route_that_was_removed_returns_with_the_link() {
    shows(&[
        (RED, &[]),
        (
            "ip -n red address add 10.0.0.2/24 dev eth0
            ip -n red route del 10.0.0.0/24",
            &[("red", &["lo down", "eth0 up 10.0.0.2/24 link-local"])],
        ),
        (
            "ip -n red link set dev eth0 down
            ip -n red link set dev eth0 up",
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
fn of_two_routes_to_one_destination_the_first_is_removed() {
    shows(&[
        (RED, &[]),
        (
            "ip -n red address add fd00::2/64 dev eth0
            ip -n red route add fd00::/64 dev eth0
            ip -n red route del fd00::/64",
            &[("red", &["lo down", "eth0 up fd00::2/64 link-local", "fd00::/64 dev eth0 metric 1024"])],
        ),
    ]);
}

#[test]
fn route_over_a_link_goes_with_that_link_alone() {
    shows(&[
        (RED, &[]),
        (
            "ip -n red link add name eth1 type veth peer name eth2
            ip -n red link set dev eth1 up
            ip -n red address add 10.0.0.2/24 dev eth0
            ip -n red address add 10.1.0.2/24 dev eth1
            ip -n red route add 10.8.0.0/16 via 10.0.0.1
            ip -n red route add 10.9.0.0/16 via 10.1.0.1
            ip -n red link set dev eth0 down",
            &[(
                "red",
                &[
                    "lo down",
                    "eth0 down 10.0.0.2/24",
                    "eth1 up 10.1.0.2/24 link-local",
                    "eth2 down",
                    "10.1.0.0/24 dev eth1 proto kernel scope link src 10.1.0.2",
                    "10.9.0.0/16 via 10.1.0.1 dev eth1",
                ],
            )],
        ),
    ]);
}
