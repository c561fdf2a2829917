//! A library for scenarios in any language: a leaf-spine fabric, see `wit/leaf-spine.wit`. The drawing is in README.md.

mod addresses;

use std::cell::Cell;

use orchestrator_net::errors::{Error, ErrorCode};
use orchestrator_net::link::Link;
use orchestrator_net::netns::{self, Netns};
use orchestrator_net::{address, bridge, link, route, veth};

use addresses::{End, LEAF, host, host_cidr, hosts, uplink, uplink_cidr};

#[allow(missing_docs, reason = "WIT documents the items; what wit-bindgen adds of its own it does not")]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "wit"],
        world: "example:leaf-spine/library",
        with: {
            "orchestrator:net/errors@0.1.0": orchestrator_net::errors,
            "orchestrator:net/netns@0.1.0": orchestrator_net::netns,
        },
    });
}

use bindings::exports::example::leaf_spine::fabric::{self, Guest, GuestLeaf};

/// A bridge has 1,023 ports, yet of a broadcast to more than 1,000 the kernel drops the rest.
const MAX_HOSTS: u32 = 1000;

struct Library;

bindings::export!(Library with_types_in bindings);

/// A leaf and the bridge that its hosts are at.
struct Leaf {
    number: u32,
    bridge: Link,
    hosts: Cell<u32>,
}

impl Guest for Library {
    type Leaf = Leaf;

    fn build(leaves: u32, spines: u32) -> Result<Vec<fabric::Leaf>, Error> {
        between("leaves", leaves, 2, 255)?;
        between("spines", spines, 1, 128)?;
        let spine_routers =
            (1..=spines).map(|spine| router(&format!("spine{spine}"))).collect::<Result<Vec<_>, _>>()?;
        let mut built = Vec::new();
        for leaf in 1..=leaves {
            let leaf_router = router(&format!("leaf{leaf}"))?;
            for (spine, spine_router) in (1..).zip(&spine_routers) {
                attach_spine(&leaf_router, leaf, spine_router, spine)?;
            }
            for other in (1..=leaves).filter(|other| *other != leaf) {
                let spine = uplink(leaf, spine_between(leaf, other, spines), End::Spine);
                route::add(&leaf_router, &hosts(other), &spine)?;
            }
            let bridge = bridge::add(&leaf_router, "br0")?;
            bridge.set_up()?;
            address::add(&bridge, &host_cidr(leaf, LEAF))?;
            built.push(fabric::Leaf::new(Leaf { number: leaf, bridge, hosts: Cell::new(0) }));
        }
        Ok(built)
    }
}

impl GuestLeaf for Leaf {
    fn router(&self) -> Netns {
        // It was added by this library, and its name does not change.
        netns::get(&format!("leaf{}", self.number)).unwrap_or_else(|_| netns::host())
    }

    fn add_host(&self, name: String) -> Result<fabric::Host, Error> {
        let number = self.hosts.get() + 1;
        if number > MAX_HOSTS {
            return Err(refused(ErrorCode::Limit, format!("leaf{} has {MAX_HOSTS} hosts already", self.number)));
        }
        let netns = node(&name)?;
        let leaf = netns::get(&self.bridge.netns_name())?;
        let (port, eth0) = veth::add(&leaf, &format!("to-host{number}"), &netns, "eth0")?;
        bridge::add_port(&self.bridge, &port)?;
        port.set_up()?;
        eth0.set_up()?;
        address::add(&eth0, &host_cidr(self.number, LEAF + number))?;
        route::add(&netns, "default", &host(self.number, LEAF))?;
        self.hosts.set(number);
        Ok(fabric::Host { netns, address: host(self.number, LEAF + number) })
    }
}

/// Joins a leaf and a spine, and tells the spine which hosts are behind the leaf.
fn attach_spine(leaf_router: &Netns, leaf: u32, spine_router: &Netns, spine: u32) -> Result<(), Error> {
    let (up, down) = veth::add(leaf_router, &format!("to-spine{spine}"), spine_router, &format!("to-leaf{leaf}"))?;
    up.set_up()?;
    down.set_up()?;
    address::add(&up, &uplink_cidr(leaf, spine, End::Leaf))?;
    address::add(&down, &uplink_cidr(leaf, spine, End::Spine))?;
    route::add(spine_router, &hosts(leaf), &uplink(leaf, spine, End::Leaf))
}

/// The spine that two leaves reach each other by, the same in both directions: they are dealt to the spines in turn.
fn spine_between(leaf: u32, other: u32, spines: u32) -> u32 {
    (leaf + other) % spines + 1
}

fn node(name: &str) -> Result<Netns, Error> {
    let node = netns::add(name)?;
    link::get(&node, "lo")?.set_up()?;
    Ok(node)
}

fn router(name: &str) -> Result<Netns, Error> {
    let router = node(name)?;
    router.set_forwarding(true)?;
    Ok(router)
}

fn between(what: &str, count: u32, least: u32, most: u32) -> Result<(), Error> {
    if (least..=most).contains(&count) {
        return Ok(());
    }
    let message = format!("a fabric has {least} to {most} {what}, and not {count}");
    Err(refused(ErrorCode::InvalidArgument, message))
}

/// What the kernel knows nothing of.
fn refused(code: ErrorCode, message: String) -> Error {
    Error { code, message, errno: String::new() }
}
