//! Two containers on one veth pair. The drawing is in README.md.

use orchestrator_describe::{Description, describe};
use orchestrator_net::{address, expect_reply, link, netns, veth};

describe! {
    Description::new("Two containers on one veth pair, without a bridge").summary(
        "A cable from one to the other, and nothing between.",
    )
}

fn main() -> orchestrator_net::Result {
    let left = netns::add("left")?;
    let right = netns::add("right")?;
    for container in [&left, &right] {
        link::get(container, "lo")?.set_up()?;
    }

    // The cable goes from one to the other. Each netns has its own names, so both ends may be called alike.
    let (left_end, right_end) = veth::add(&left, "eth0", &right, "eth0")?;
    left_end.set_up()?;
    right_end.set_up()?;
    address::add(&left_end, "172.16.1.1/24")?;
    address::add(&right_end, "172.16.1.2/24")?;

    println!("left -> right: {}", expect_reply(&left, "172.16.1.2")?);
    println!("right -> left: {}", expect_reply(&right, "172.16.1.1")?);
    Ok(())
}
