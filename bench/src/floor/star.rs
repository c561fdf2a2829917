//! One bridge, and N namespaces with a veth pair each.
//!
//! Two threads: one makes namespaces, which the kernel does beside all else; the other makes links, which it does one at a time
//! (RTNL). Nothing waits for RCU: each end is made in its place, with its name and one queue.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::mpsc::sync_channel;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sched::{CloneFlags, unshare};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::{
    BridgePortState, InfoBridgePort, InfoPortData, LinkAttribute, LinkInfo, LinkMessage, State,
};

use super::requests::{
    BR0, CETH, LO, add_address, add_bridge, add_default_route, add_veth, get_link, set_address_generation_off, set_up,
    veth,
};
use super::socket::Socket;

/// The address of the bridge.
pub(super) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PREFIX: u8 = 16;
/// Namespaces that wait for their links. More in advance would not be faster.
const AHEAD: usize = 64;
const LONGEST_SETTLE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(1);

/// A star that stands as long as these are open.
pub(super) struct Star {
    /// The namespaces of the containers.
    pub(super) nodes: Vec<File>,
}

/// The address of a container, counted from 1.
pub(super) fn address(container: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(GATEWAY.to_bits() + container)
}

/// Builds the star in a new netns, which this thread is then in. Returns when packets pass.
pub(super) fn build(containers: u32) -> Result<Star> {
    unshare(CloneFlags::CLONE_NEWNET).context("could not make the host")?;
    // Ports of the bridge need no addresses of their own.
    fs::write("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1")?;
    let mut host = Socket::open()?;
    host.send([set_up(LO), add_bridge(), add_address(BR0, GATEWAY.into(), PREFIX)])?;

    let (made, waiting) = sync_channel(AHEAD);
    let maker = thread::spawn(move || -> io::Result<()> {
        for _ in 0..containers {
            unshare(CloneFlags::CLONE_NEWNET)?;
            let node = (File::open("/proc/thread-self/ns/net")?, Socket::open()?);
            if made.send(node).is_err() {
                break;
            }
        }
        Ok(())
    });
    let mut nodes = Vec::with_capacity(containers as usize);
    for (container, (netns, mut socket)) in (1..=containers).zip(waiting) {
        host.send([add_veth(container, &netns)])?;
        let link_local = Ipv6Addr::from_bits((0xfe80 << 112) + u128::from(container));
        socket.send([
            set_up(LO),
            set_address_generation_off(CETH),
            set_up(CETH),
            add_address(CETH, address(container).into(), PREFIX),
            add_address(CETH, link_local.into(), 64),
            add_default_route(CETH, GATEWAY),
        ])?;
        nodes.push(netns);
    }
    maker.join().expect("the maker does not panic").context("could not make a netns")?;
    ensure!(nodes.len() == containers as usize, "the maker stopped early");
    // Last, so that nothing floods while the bridge grows.
    host.send([set_up(BR0)])?;
    for container in [1, containers] {
        settle(&mut host, veth(container))?;
    }
    Ok(Star { nodes })
}

/// Waits until the bridge forwards from a port: an ARP request that is lost is repeated only after a second.
fn settle(host: &mut Socket, port: u32) -> Result<()> {
    let deadline = Instant::now() + LONGEST_SETTLE;
    loop {
        let answers = host.send([get_link(port)])?;
        if answers.iter().any(|answer| matches!(answer, RouteNetlinkMessage::NewLink(link) if forwards(link))) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "link {port} does not forward");
        sleep(POLL);
    }
}

fn forwards(port: &LinkMessage) -> bool {
    let is_forwarding = |info: &LinkInfo| match info {
        LinkInfo::PortData(InfoPortData::BridgePort(port)) => {
            port.contains(&InfoBridgePort::State(BridgePortState::Forwarding))
        }
        _ => false,
    };
    port.attributes.contains(&LinkAttribute::OperState(State::Up))
        && port.attributes.iter().any(|attribute| match attribute {
            LinkAttribute::LinkInfo(infos) => infos.iter().any(is_forwarding),
            _ => false,
        })
}
