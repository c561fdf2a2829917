//! What the user asks for: `LEAVES SPINES HOSTS [--ipv6]`.

use orchestrator_describe::{Argument, Description, describe, flag, integer, is_given, value};

/// A fabric with one leaf has nobody to pass packets on to, and a leaf's hosts are the network 10.LEAF.0.0/16.
const LEAVES: std::ops::RangeInclusive<i64> = 2..=255;
/// A leaf's links to them share 172.16.LEAF.0/24.
const SPINES: std::ops::RangeInclusive<i64> = 1..=128;
/// A bridge has 1,023 ports, yet a leaf asks all its hosts at once who has an address, and the kernel lets 1,000 packets wait
/// (`net.core.netdev_max_backlog`) and drops the rest.
const HOSTS: std::ops::RangeInclusive<i64> = 1..=1000;

describe! {
    Description::new("Leaves and spines that route between hosts")
        .summary(
            "Each leaf has a link to each spine, and a bridge with its hosts. All leaves and spines are routers, so a broadcast \
             stays at its leaf. The hosts of leaf L are in 10.L.0.0/16. The first host pings one at each of the last leaves, \
             through one spine after the other.",
        )
        .argument(Argument::positional("leaves", integer(LEAVES)).summary("How many leaves there are; their number is in 10.LEAF.0.0/16"))
        .argument(Argument::positional("spines", integer(SPINES)).summary("How many spines there are; a leaf's links to them share 172.16.LEAF.0/24"))
        .argument(Argument::positional("hosts", integer(HOSTS)).summary("How many hosts each leaf has, all on its bridge"))
        .argument(flag("ipv6").summary("Give them addresses of fd00:a::/32 and fd00:b::/32 too"))
}

pub(crate) struct Arguments {
    pub(crate) leaves: u32,
    pub(crate) spines: u32,
    /// Of each leaf.
    pub(crate) hosts: u32,
    pub(crate) ipv6: bool,
}

impl Arguments {
    pub(crate) fn read() -> Self {
        Self { leaves: value(0), spines: value(1), hosts: value(2), ipv6: is_given("ipv6") }
    }
}
