//! The bridges that the containers are on: one, or a row of them, each joined to the next.
//!
//! Linux gives a bridge 1,023 ports (BR_MAX_PORTS), but broadcasts come to an end before. An ARP request is a packet for each
//! port, all at once, and the kernel lets about 1,000 wait and drops the rest (`net.core.netdev_max_backlog`). In a row
//! it goes on to two bridges at a time, one on each side. Were all of them joined to one instead, it would go on to all at
//! once, and some containers would never hear of it.

use orchestrator_net::link::Link;
use orchestrator_net::netns::Netns;
use orchestrator_net::{Result, bridge, veth};

const MOST_ON_ONE: u32 = 1_000;
const EACH_IN_A_ROW: u32 = 400;

pub(crate) struct Bridges {
    row: Vec<Link>,
    containers_each: u32,
}

impl Bridges {
    /// Adds as many bridges as so many containers need, down, and joins each to the next by a veth pair.
    pub(crate) fn add(host: &Netns, containers: u32) -> Result<Self> {
        let containers_each = if containers <= MOST_ON_ONE { MOST_ON_ONE } else { EACH_IN_A_ROW };
        let count = containers.div_ceil(containers_each);
        let mut row = vec![bridge::add(host, "br0")?];
        for (j, i) in (1..count).zip(0..) {
            row.push(bridge::add(host, &format!("br{j}"))?);
            let (near, far) = veth::add(host, &format!("br{i}-br{j}"), host, &format!("br{j}-br{i}"))?;
            for (bridge, port) in row[i..].iter().zip([near, far]) {
                bridge::add_port(bridge, &port)?;
                port.set_up()?;
            }
        }
        Ok(Self { row, containers_each })
    }

    /// The bridge that has the host's addresses.
    pub(crate) fn first(&self) -> &Link {
        &self.row[0]
    }

    /// The bridge that the container with number `i` is on.
    pub(crate) fn of(&self, i: u32) -> &Link {
        &self.row[((i - 1) / self.containers_each) as usize]
    }

    pub(crate) fn set_up(&self) -> Result {
        for bridge in &self.row {
            bridge.set_up()?;
        }
        Ok(())
    }
}
