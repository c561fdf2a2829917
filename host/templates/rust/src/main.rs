//! The host and a container, joined by a veth pair.

use orchestrator_net::{address, expect_reply, netns, veth};

fn main() -> orchestrator_net::Result {
    let host = netns::host();
    let container1 = netns::add("container1")?;

    // A veth pair is a cable: one end in the host, the other in the container.
    let (veth1, ceth1) = veth::add(&host, "veth1", &container1, "ceth1")?;
    veth1.set_up()?;
    ceth1.set_up()?;
    address::add(&veth1, "172.16.0.1/24")?;
    address::add(&ceth1, "172.16.0.2/24")?;

    println!("host -> container1: {}", expect_reply(&host, "172.16.0.2")?);
    Ok(())
}
