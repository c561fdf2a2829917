//! The settings of a new netns that the model counts on, and `wit/netns.wit` promises.
//!
//! They are Linux's own defaults, and all are 0. But a new netns copies those of IPv4 from the machine, where distributions and
//! container engines change them (ip-sysctl in the kernel's documentation; `net.core.devconf_inherit_init_net`).

/// What of `conf` has each setting: all links there are, those to come, and the one that a new netns has.
pub const CONF: [&str; 3] = ["all", "default", "lo"];

/// Settings of IPv4, in `net/ipv4/conf/*`.
pub const IPV4: [&str; 9] = [
    "forwarding",
    "rp_filter",
    "promote_secondaries",
    "arp_ignore",
    "arp_announce",
    "arp_filter",
    "proxy_arp",
    "accept_local",
    "route_localnet",
];

/// Settings of IPv6, in `net/ipv6/conf/*`, which a netns copies only if the machine is told so.
pub const IPV6: [&str; 2] = ["forwarding", "disable_ipv6"];
