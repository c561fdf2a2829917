//! Which address is whose: the numbers of leaf, spine and host are in it.

/// The leaf's own place in the network of its hosts, who follow.
pub(crate) const LEAF: u32 = 1;

/// Which end of the link between a leaf and a spine.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Leaf,
    Spine,
}

/// The network of a leaf's hosts.
pub(crate) fn hosts(leaf: u32) -> String {
    format!("10.{leaf}.0.0/16")
}

/// The address of a place in it.
pub(crate) fn host(leaf: u32, place: u32) -> String {
    format!("10.{leaf}.{}.{}", place / 256, place % 256)
}

/// The same with the length of the prefix.
pub(crate) fn host_cidr(leaf: u32, place: u32) -> String {
    format!("{}/16", host(leaf, place))
}

/// The address of one end of a link; the two ends are a network.
pub(crate) fn uplink(leaf: u32, spine: u32, end: End) -> String {
    format!("172.16.{leaf}.{}", 2 * (spine - 1) + end as u32)
}

/// The same with the length of the prefix.
pub(crate) fn uplink_cidr(leaf: u32, spine: u32, end: End) -> String {
    format!("{}/31", uplink(leaf, spine, end))
}
