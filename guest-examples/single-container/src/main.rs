//! One container and the host, joined by a veth pair. The drawing is in README.md.

use orchestrator_describe::{Description, describe};
use orchestrator_net::{address, expect_reply, expect_unreachable, link, netns, veth};

describe! {
    Description::new("One container and the host, joined by a veth pair").summary(
        "The smallest lab in which something answers. The container reaches the host, and nothing beyond.",
    )
}

fn main() -> orchestrator_net::Result {
    let host = netns::host();
    let container1 = netns::add("container1")?;
    link::get(&container1, "lo")?.set_up()?;

    // Each end of the cable is added where it belongs.
    let (veth1, ceth1) = veth::add(&host, "veth1", &container1, "ceth1")?;
    veth1.set_up()?;
    ceth1.set_up()?;
    address::add(&veth1, "172.16.0.1/24")?;
    address::add(&ceth1, "172.16.0.2/24")?;

    println!("host -> container1: {}", expect_reply(&host, "172.16.0.2")?);
    println!("container1 -> host: {}", expect_reply(&container1, "172.16.0.1")?);

    // The cable ends at the host, and no route says that there is more behind it.
    println!("container1 -> 192.168.100.1: {}", expect_unreachable(&container1, "192.168.100.1")?);
    Ok(())
}
