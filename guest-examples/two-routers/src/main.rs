//! Two LANs with two routers between them, in IPv4 and IPv6. The drawing is in README.md.

use orchestrator_describe::{Description, describe};
use orchestrator_net::netns::Netns;
use orchestrator_net::probe::PingResult;
use orchestrator_net::{Result, address, expect_no_reply, expect_reply, expect_unreachable, link, netns, route, veth};

describe! {
    Description::new("Two networks with two routers between them, and static routes").summary(
        "Nothing is reached without routes, nor with routes alone: routers have to be told to forward. In IPv4 and IPv6.",
    )
}

fn main() -> Result {
    let lan_a = node("lan-a")?;
    let router1 = node("router1")?;
    let router2 = node("router2")?;
    let lan_b = node("lan-b")?;

    let (a, router1_lan) = veth::add(&lan_a, "eth0", &router1, "lan")?;
    let (router1_wan, router2_wan) = veth::add(&router1, "wan", &router2, "wan")?;
    let (router2_lan, b) = veth::add(&router2, "lan", &lan_b, "eth0")?;
    for (link, ipv4, ipv6) in [
        (&a, "172.16.10.2/24", "fd00:10::2/64"),
        (&router1_lan, "172.16.10.1/24", "fd00:10::1/64"),
        (&router1_wan, "172.16.12.1/24", "fd00:12::1/64"),
        (&router2_wan, "172.16.12.2/24", "fd00:12::2/64"),
        (&router2_lan, "172.16.20.1/24", "fd00:20::1/64"),
        (&b, "172.16.20.2/24", "fd00:20::2/64"),
    ] {
        link.set_up()?;
        address::add(link, ipv4)?;
        address::add(link, ipv6)?;
    }
    // Each knows the networks that it is in, and no other.
    ping_lan_b(&lan_a, "without routes", expect_unreachable)?;

    for (netns, destination, gateway) in [
        (&lan_a, "default", "172.16.10.1"),
        (&lan_a, "default", "fd00:10::1"),
        (&router1, "172.16.20.0/24", "172.16.12.2"),
        (&router1, "fd00:20::/64", "fd00:12::2"),
        // The way back: a request that arrives is of no use if the reply does not.
        (&lan_b, "default", "172.16.20.1"),
        (&lan_b, "default", "fd00:20::1"),
        (&router2, "172.16.10.0/24", "172.16.12.1"),
        (&router2, "fd00:10::/64", "fd00:12::1"),
    ] {
        route::add(netns, destination, gateway)?;
    }
    // A netns is no router yet: what is for somebody else it drops, and says nothing.
    ping_lan_b(&lan_a, "with routes", expect_no_reply)?;

    router1.set_forwarding(true)?;
    router2.set_forwarding(true)?;
    ping_lan_b(&lan_a, "with routes and forwarding", expect_reply)
}

fn node(name: &str) -> Result<Netns> {
    let node = netns::add(name)?;
    link::get(&node, "lo")?.set_up()?;
    Ok(node)
}

/// Pings `lan-b` in both families, and fails where the answer is another than expected.
fn ping_lan_b(lan_a: &Netns, when: &str, expect: fn(&Netns, &str) -> Result<PingResult>) -> Result {
    for target in ["172.16.20.2", "fd00:20::2"] {
        println!("lan-a -> lan-b, {target}, {when}: {}", expect(lan_a, target)?);
    }
    Ok(())
}
