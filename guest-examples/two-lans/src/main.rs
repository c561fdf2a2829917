//! Two LANs, each a bridge with two hosts, first apart and then joined. The drawing is in README.md.

use orchestrator_describe::{Description, describe};
use orchestrator_net::link::Link;
use orchestrator_net::netns::Netns;
use orchestrator_net::{Result, address, bridge, expect_no_reply, expect_reply, link, netns, veth};

describe! {
    Description::new("Two bridges, each with two hosts, joined to one network").summary(
        "The hosts of a LAN reach each other at once, and those of the other LAN when a veth pair joins the bridges.",
    )
}

fn main() -> Result {
    let (switch1, lan1) = switch("switch1", "lan1")?;
    let (switch2, lan2) = switch("switch2", "lan2")?;
    let host1 = host(1, &switch1, &lan1)?;
    let host2 = host(2, &switch1, &lan1)?;
    let host3 = host(3, &switch2, &lan2)?;
    let host4 = host(4, &switch2, &lan2)?;

    println!("host1 -> host2: {}", expect_reply(&host1, "172.16.2.2")?);
    println!("host3 -> host4: {}", expect_reply(&host3, "172.16.2.4")?);
    // All four believe to be in one network, but what host4 asks LAN1 for never leaves LAN2.
    println!("host4 -> host1: {}", expect_no_reply(&host4, "172.16.2.1")?);

    // A cable from bridge to bridge makes one LAN of the two.
    let (uplink1, uplink2) = veth::add(&switch1, "uplink1", &switch2, "uplink2")?;
    for (lan, uplink) in [(&lan1, uplink1), (&lan2, uplink2)] {
        bridge::add_port(lan, &uplink)?;
        uplink.set_up()?;
    }
    println!("host1 -> host4: {}", expect_reply(&host1, "172.16.2.4")?);
    println!("host2 -> host3: {}", expect_reply(&host2, "172.16.2.3")?);
    Ok(())
}

/// Adds a netns that is nothing but a switch.
fn switch(name: &str, lan: &str) -> Result<(Netns, Link)> {
    let switch = netns::add(name)?;
    let lan = bridge::add(&switch, lan)?;
    lan.set_up()?;
    Ok((switch, lan))
}

/// Adds a host and plugs it into a switch.
fn host(number: u32, switch: &Netns, lan: &Link) -> Result<Netns> {
    let host = netns::add(&format!("host{number}"))?;
    link::get(&host, "lo")?.set_up()?;
    let (port, eth0) = veth::add(switch, &format!("port{number}"), &host, "eth0")?;
    bridge::add_port(lan, &port)?;
    port.set_up()?;
    eth0.set_up()?;
    address::add(&eth0, &format!("172.16.2.{number}/24"))?;
    Ok(host)
}
