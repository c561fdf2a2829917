//! The networks that the containers share with the host. Place 1 is the host's, the containers follow from place 2.

/// The host's place: its address is the containers' gateway.
pub(crate) const HOST: u32 = 1;

pub(crate) const IPV4: Network =
    Network { prefix_length: 16, address: |place| format!("10.0.{}.{}", place / 256, place % 256) };

pub(crate) const IPV6: Network = Network { prefix_length: 64, address: |place| format!("fd00:a::{place:x}") };

pub(crate) struct Network {
    prefix_length: u8,
    address: fn(u32) -> String,
}

impl Network {
    /// The address at a place, `10.0.0.2`.
    pub(crate) fn address(&self, place: u32) -> String {
        (self.address)(place)
    }

    /// The same with the length of the prefix, as a link takes it: `10.0.0.2/16`.
    pub(crate) fn cidr(&self, place: u32) -> String {
        format!("{}/{}", self.address(place), self.prefix_length)
    }
}
