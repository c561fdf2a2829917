//! What the user asks for: `CONTAINERS [--ipv6]`.

use orchestrator_describe::{Argument, Description, describe, flag, integer, is_given, value};

/// The addresses of 10.0.0.0/16, less the first one, the host's and the last one.
const MAX_CONTAINERS: i64 = (1 << 16) - 3;

describe! {
    Description::new("N containers on a bridge, or on a row of bridges")
        .summary(
            "Up to 1,000 containers are on one bridge, br0, which has the gateway's address, 10.0.0.1/16. More are on a row of \
             bridges. The first pings the last, and the last its gateway.",
        )
        .argument(Argument::positional("containers", integer(1..=MAX_CONTAINERS)).summary("How many containers there are"))
        .argument(flag("ipv6").summary("Give them addresses of fd00:a::/64 too"))
}

pub(crate) struct Arguments {
    pub(crate) containers: u32,
    pub(crate) ipv6: bool,
}

impl Arguments {
    pub(crate) fn read() -> Self {
        Self { containers: value(0), ipv6: is_given("ipv6") }
    }
}
