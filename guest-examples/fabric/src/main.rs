//! A leaf-spine fabric that routes: `fabric LEAVES SPINES HOSTS [--ipv6]`. The drawing is in README.md.

mod addresses;
mod arguments;

use orchestrator_net::netns::Netns;
use orchestrator_net::{Result, address, bridge, expect_reply, link, netns, route, veth};

use addresses::{End, Family, IPV4, IPV6, LEAF};
use arguments::Arguments;

fn main() -> Result {
    let Arguments { leaves, spines, hosts, ipv6 } = Arguments::read();
    let families = if ipv6 { &[IPV4, IPV6][..] } else { &[IPV4] };

    let spine_routers = (1..=spines).map(|spine| router(&format!("spine{spine}"))).collect::<Result<Vec<_>>>()?;
    for leaf in 1..=leaves {
        let leaf_router = router(&format!("leaf{leaf}"))?;
        attach_hosts(&leaf_router, leaf, hosts, families)?;
        for (spine, spine_router) in (1..).zip(&spine_routers) {
            attach_spine(&leaf_router, leaf, spine_router, spine, families)?;
        }
        // A leaf reaches each of the others by one of the spines, which knows all leaves.
        for other in (1..=leaves).filter(|other| *other != leaf) {
            for family in families {
                let spine = family.uplink(leaf, spine_between(leaf, other, spines), End::Spine);
                route::add(&leaf_router, &family.hosts(other), &spine)?;
            }
        }
    }

    // From the last leaf downwards each leaf is behind another spine, so the first pings go through different ones.
    let source = netns::get("leaf1-host1")?;
    for leaf in (2..=leaves).rev().take(spine_routers.len()) {
        for family in families {
            let target = family.host(leaf, LEAF + hosts);
            let spine = spine_between(1, leaf, spines);
            let result = expect_reply(&source, &target)?;
            println!("leaf1-host1 -> leaf{leaf}-host{hosts}, {target}, by spine{spine}: {result}");
        }
    }
    Ok(())
}

/// The spine that two leaves reach each other by, the same in both directions.
///
/// The leaves that one leaf talks to are dealt to the spines in turn. A kernel would rather choose for each flow among equal
/// routes (ECMP), which lab routes do not have.
fn spine_between(leaf: u32, other: u32, spines: u32) -> u32 {
    (leaf + other) % spines + 1
}

fn node(name: &str) -> Result<Netns> {
    let node = netns::add(name)?;
    link::get(&node, "lo")?.set_up()?;
    Ok(node)
}

fn router(name: &str) -> Result<Netns> {
    let router = node(name)?;
    router.set_forwarding(true)?;
    Ok(router)
}

/// Adds a leaf's hosts on a bridge in the leaf. The bridge's addresses are the leaf's own, and the hosts' way to all others.
fn attach_hosts(router: &Netns, leaf: u32, hosts: u32, families: &[Family]) -> Result {
    let br0 = bridge::add(router, "br0")?;
    for i in 1..=hosts {
        let host = node(&format!("leaf{leaf}-host{i}"))?;
        let (port, eth0) = veth::add(router, &format!("to-host{i}"), &host, "eth0")?;
        bridge::add_port(&br0, &port)?;
        port.set_up()?;
        eth0.set_up()?;
        for family in families {
            address::add(&eth0, &family.host_cidr(leaf, LEAF + i))?;
            route::add(&host, "default", &family.host(leaf, LEAF))?;
        }
    }
    br0.set_up()?;
    for family in families {
        address::add(&br0, &family.host_cidr(leaf, LEAF))?;
    }
    Ok(())
}

/// Joins a leaf and a spine, and tells the spine which hosts are behind the leaf.
fn attach_spine(leaf_router: &Netns, leaf: u32, spine_router: &Netns, spine: u32, families: &[Family]) -> Result {
    let (up, down) = veth::add(leaf_router, &format!("to-spine{spine}"), spine_router, &format!("to-leaf{leaf}"))?;
    up.set_up()?;
    down.set_up()?;
    for family in families {
        address::add(&up, &family.uplink_cidr(leaf, spine, End::Leaf))?;
        address::add(&down, &family.uplink_cidr(leaf, spine, End::Spine))?;
        route::add(spine_router, &family.hosts(leaf), &family.uplink(leaf, spine, End::Leaf))?;
    }
    Ok(())
}
