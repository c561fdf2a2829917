//! How large a lab may become.

use serde::{Deserialize, Serialize};

/// The most of each kind that one run may have.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Network namespaces, the host not counted.
    pub netns: usize,
    /// Links, `lo` not counted.
    pub links: usize,
    /// Addresses and routes together, without those that the kernel makes by itself.
    pub addresses_and_routes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { netns: 16_384, links: 65_536, addresses_and_routes: 262_144 }
    }
}

impl Limits {
    /// How many objects of a kind may be made in all, removed ones included: they are remembered, so that they can be named.
    pub fn ever(most: usize) -> usize {
        most.saturating_mul(4)
    }
}
