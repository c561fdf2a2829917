//! The address plan: which network the hosts of a leaf are in, and which the link between a leaf and a spine is.

/// The leaf's place among its hosts: its address there is their gateway. The hosts follow from place 2.
pub(crate) const LEAF: u32 = 1;

pub(crate) const IPV4: Family = Family {
    host: |leaf, place| format!("10.{leaf}.{}.{}", place / 256, place % 256),
    host_prefix_length: 16,
    uplink: |leaf, spine, end| format!("172.16.{leaf}.{}", 2 * (spine - 1) + end),
    uplink_prefix_length: 31,
};

pub(crate) const IPV6: Family = Family {
    host: |leaf, place| format!("fd00:a:{leaf:x}::{place:x}"),
    host_prefix_length: 64,
    uplink: |leaf, spine, end| format!("fd00:b:{leaf:x}:{spine:x}::{end}"),
    uplink_prefix_length: 127,
};

/// The plan in one of the two families.
pub(crate) struct Family {
    host: fn(u32, u32) -> String,
    host_prefix_length: u8,
    uplink: fn(u32, u32, u32) -> String,
    uplink_prefix_length: u8,
}

/// The two ends of the link between a leaf and a spine. Two addresses are all that its network has (RFC 3021, RFC 6164).
#[derive(Clone, Copy)]
pub(crate) enum End {
    Leaf = 0,
    Spine = 1,
}

impl Family {
    /// The network of a leaf's hosts, `10.3.0.0/16`.
    pub(crate) fn hosts(&self, leaf: u32) -> String {
        format!("{}/{}", self.host(leaf, 0), self.host_prefix_length)
    }

    /// The address at a place of a leaf's network, `10.3.0.2`.
    pub(crate) fn host(&self, leaf: u32, place: u32) -> String {
        (self.host)(leaf, place)
    }

    /// The same with the length of the prefix, as a link takes it: `10.3.0.2/16`.
    pub(crate) fn host_cidr(&self, leaf: u32, place: u32) -> String {
        format!("{}/{}", self.host(leaf, place), self.host_prefix_length)
    }

    /// The address at one end of the link between a leaf and a spine, `172.16.3.1`.
    pub(crate) fn uplink(&self, leaf: u32, spine: u32, end: End) -> String {
        (self.uplink)(leaf, spine, end as u32)
    }

    /// The same with the length of the prefix: `172.16.3.1/31`.
    pub(crate) fn uplink_cidr(&self, leaf: u32, spine: u32, end: End) -> String {
        format!("{}/{}", self.uplink(leaf, spine, end), self.uplink_prefix_length)
    }
}
