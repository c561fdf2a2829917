//! Two leaves and two spines of the library `leaf-spine`, and a host at each leaf: `two-leaves [LEAVES]`.

use orchestrator_net::expect_reply;

#[allow(missing_docs, reason = "WIT documents the items; what wit-bindgen adds of its own it does not")]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package tests:two-leaves;

            world scenario {
                import example:leaf-spine/fabric@0.1.0;
            }
        ",
        path: ["../../../wit", "../../../guest-examples/leaf-spine/wit"],
        world: "tests:two-leaves/scenario",
        with: {
            "orchestrator:net/errors@0.1.0": orchestrator_net::errors,
            "orchestrator:net/netns@0.1.0": orchestrator_net::netns,
            "example:leaf-spine/fabric@0.1.0": generate,
        },
    });
}

use bindings::example::leaf_spine::fabric;

fn main() -> orchestrator_net::Result {
    let leaves = std::env::args().nth(1).map_or(2, |leaves| leaves.parse().unwrap_or(0));
    let leaves = fabric::build(leaves, 2)?;
    let here = leaves[0].add_host("here")?;
    let there = leaves[1].add_host("there")?;
    println!("{} -> {}: {}", here.netns.name(), leaves[1].router().name(), expect_reply(&here.netns, "10.2.0.1")?);
    println!("here -> there: {}", expect_reply(&here.netns, &there.address)?);
    // A name that is taken is refused by the library with the kernel's error.
    let twice = leaves[0].add_host("there").map(drop);
    println!("again: {}", twice.unwrap_err().message);
    Ok(())
}
