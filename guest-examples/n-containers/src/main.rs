//! Any number of containers in one network: `n-containers CONTAINERS [--ipv6]`. The drawing is in README.md.

mod arguments;
mod bridges;
mod network;

use orchestrator_net::{address, bridge, expect_reply, link, netns, route, veth};

use arguments::Arguments;
use bridges::Bridges;
use network::{HOST, IPV4, IPV6};

fn main() -> orchestrator_net::Result {
    let Arguments { containers, ipv6 } = Arguments::read();
    let networks = if ipv6 { &[IPV4, IPV6][..] } else { &[IPV4] };

    let host = netns::host();
    let bridges = Bridges::add(&host, containers)?;
    for network in networks {
        address::add(bridges.first(), &network.cidr(HOST))?;
    }

    for i in 1..=containers {
        let container = netns::add(&format!("c{i}"))?;
        link::get(&container, "lo")?.set_up()?;

        // The far end is added where it belongs. To move it there later would say the same in more words.
        let (veth, ceth) = veth::add(&host, &format!("veth{i}"), &container, &format!("ceth{i}"))?;
        bridge::add_port(bridges.of(i), &veth)?;
        veth.set_up()?;
        ceth.set_up()?;
        for network in networks {
            address::add(&ceth, &network.cidr(HOST + i))?;
            route::add(&container, "default", &network.address(HOST))?;
        }
    }
    bridges.set_up()?;

    let first = netns::get("c1")?;
    let last = netns::get(&format!("c{containers}"))?;
    for network in networks {
        let (target, gateway) = (network.address(HOST + containers), network.address(HOST));
        println!("c1 -> c{containers}, {target}: {}", expect_reply(&first, &target)?);
        println!("c{containers} -> host, {gateway}: {}", expect_reply(&last, &gateway)?);
    }
    Ok(())
}
