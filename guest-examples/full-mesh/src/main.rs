//! A veth pair between each two of N containers: `full-mesh [CONTAINERS]`. The drawing is in README.md.

use orchestrator_describe::{Argument, Description, describe, integer, value};
use orchestrator_net::{address, expect_replies, link, netns, veth};

/// A mesh that still fits on a screen.
const USUALLY: u32 = 4;
/// 2,016 veth pairs: enough to see that nobody wants to go on like this.
const MAX_CONTAINERS: i64 = 64;

describe! {
    Description::new("A veth pair between each two of N containers")
        .summary("N containers take N(N-1)/2 pairs. Each pair is a network of its own, and each container pings all others.")
        .argument(
            Argument::positional("containers", integer(2..=MAX_CONTAINERS))
                .default(USUALLY)
                .summary("How many containers there are"),
        )
}

fn main() -> orchestrator_net::Result {
    let count: u32 = value(0);

    let mut containers = Vec::new();
    for i in 1..=count {
        let container = netns::add(&format!("m{i}"))?;
        link::get(&container, "lo")?.set_up()?;
        containers.push(container);
    }

    // Who pings whom: from each container to the far end of each of its cables.
    let (mut sources, mut targets) = (Vec::new(), Vec::new());
    let mut pairs = 0;
    for (i, near) in (1..).zip(&containers) {
        for (j, far) in (1..).zip(&containers).skip(i) {
            // A link is named by where it leads. A cable has two ends, so two addresses are all that its network needs.
            let (near_end, far_end) = veth::add(near, &format!("to-m{j}"), far, &format!("to-m{i}"))?;
            let (near_address, far_address) = (format!("10.{i}.{j}.0"), format!("10.{i}.{j}.1"));
            address::add(&near_end, &format!("{near_address}/31"))?;
            address::add(&far_end, &format!("{far_address}/31"))?;
            near_end.set_up()?;
            far_end.set_up()?;
            pairs += 1;

            sources.extend([near, far]);
            targets.extend([far_address, near_address]);
        }
    }
    println!("veth pairs for {count} containers: {count} * {} / 2 = {pairs}; with a bridge: {count}", count - 1);

    let results = expect_replies(&sources, &targets)?;
    if let Some(slowest) = results.iter().max_by_key(|result| result.round_trip_us) {
        println!("{} pings, from each to each other; the slowest: {slowest}", results.len());
    }
    Ok(())
}
