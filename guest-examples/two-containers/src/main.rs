//! Two containers on a bridge, step by step as with `ip`. The drawing is in README.md.

use orchestrator_describe::{Description, describe};
use orchestrator_net::{address, bridge, expect_address, expect_reply, expect_route, link, netns, probe, route, veth};

describe! { Description::new("Two containers on a bridge, and a way out through the host") }

fn main() -> orchestrator_net::Result {
    let host = netns::host();
    let container1 = netns::add("container1")?;
    let container2 = netns::add("container2")?;

    // A veth pair is a cable. One end stays in the host, the other moves into the container.
    let (veth1, ceth1) = veth::add(&host, "veth1", &host, "ceth1")?;
    ceth1.set_netns(&container1)?;
    let (veth2, ceth2) = veth::add(&host, "veth2", &host, "ceth2")?;
    ceth2.set_netns(&container2)?;

    link::get(&container1, "lo")?.set_up()?;
    ceth1.set_up()?;
    address::add(&ceth1, "172.16.0.2/24")?;
    link::get(&container2, "lo")?.set_up()?;
    ceth2.set_up()?;
    address::add(&ceth2, "172.16.0.3/24")?;

    // The bridge is the switch between the ends that stayed, and the host's own way into their network.
    let br0 = bridge::add(&host, "br0")?;
    for veth in [veth1, veth2] {
        bridge::add_port(&br0, &veth)?;
        veth.set_up()?;
    }
    br0.set_up()?;
    address::add(&br0, "172.16.0.1/24")?;

    // A bridge without ports plays the host's other interface: all that counts is its address.
    let uplink0 = bridge::add(&host, "uplink0")?;
    uplink0.set_up()?;
    address::add(&uplink0, "192.168.100.1/24")?;

    // The first look at the kernel makes all of the above. The route has come with the address.
    println!("host: {}", expect_address(&host, "br0 inet 172.16.0.1/24")?);
    println!("host: {}", expect_route(&host, "172.16.0.0/24 dev br0")?);
    println!("container1 -> container2: {}", expect_reply(&container1, "172.16.0.3")?);
    println!("host -> container1: {}", expect_reply(&host, "172.16.0.2")?);
    println!("host -> container2: {}", expect_reply(&host, "172.16.0.3")?);

    // A ping that fails is an answer and no error: container1 knows only its own network.
    let ping = probe::ping(&container1, "192.168.100.1")?;
    println!("container1 -> uplink0: {ping}");
    if ping.outcome != probe::PingOutcome::Unreachable {
        return Err("container1 found a way to uplink0 without a route".into());
    }
    route::add_via(&ceth1, "default", "172.16.0.1")?;
    println!("container1 -> uplink0: {}", expect_reply(&container1, "192.168.100.1")?);
    Ok(())
}
