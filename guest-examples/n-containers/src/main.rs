//! Any number of containers on one bridge: `n-containers N [--ipv6]`. The drawing is in README.md.

mod arguments;
mod network;

use orchestrator_net::{address, bridge, expect_reply, link, netns, route, veth};

use arguments::Arguments;
use network::{HOST, IPV4, IPV6};

fn main() -> orchestrator_net::Result {
    let Arguments { containers, ipv6 } = Arguments::parse(std::env::args().skip(1))?;
    let networks = if ipv6 { &[IPV4, IPV6][..] } else { &[IPV4] };

    let host = netns::host();
    let br0 = bridge::add(&host, "br0")?;
    for network in networks {
        address::add(&br0, &network.cidr(HOST))?;
    }

    for i in 1..=containers {
        let container = netns::add(&format!("c{i}"))?;
        link::get(&container, "lo")?.set_up()?;

        // The far end is added where it belongs. To move it there later would say the same in more words.
        let (veth, ceth) = veth::add(&host, &format!("veth{i}"), &container, &format!("ceth{i}"))?;
        bridge::add_port(&br0, &veth)?;
        veth.set_up()?;
        ceth.set_up()?;
        for network in networks {
            address::add(&ceth, &network.cidr(HOST + i))?;
            route::add(&container, "default", &network.address(HOST))?;
        }
    }
    br0.set_up()?;

    let first = netns::get("c1")?;
    let last = netns::get(&format!("c{containers}"))?;
    for network in networks {
        let (target, gateway) = (network.address(HOST + containers), network.address(HOST));
        println!("c1 -> c{containers}, {target}: {}", expect_reply(&first, &target)?);
        println!("c{containers} -> host, {gateway}: {}", expect_reply(&last, &gateway)?);
    }
    Ok(())
}
