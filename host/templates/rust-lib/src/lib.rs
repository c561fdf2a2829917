//! A library for scenarios: what it exports is in wit/world.wit.

use orchestrator_net::errors::Error;
use orchestrator_net::netns::{self, Netns};
use orchestrator_net::{address, veth};

mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "library",
        with: {
            "orchestrator:net/errors@{{version}}": orchestrator_net::errors,
            "orchestrator:net/netns@{{version}}": orchestrator_net::netns,
        },
    });
}

struct Library;

bindings::export!(Library with_types_in bindings);

impl bindings::exports::local::{{crate}}::containers::Guest for Library {
    fn add(name: String, host_cidr: String, cidr: String) -> Result<Netns, Error> {
        let container = netns::add(&name)?;
        let (near, far) = veth::add(&netns::host(), &format!("veth-{name}"), &container, "eth0")?;
        near.set_up()?;
        far.set_up()?;
        address::add(&near, &host_cidr)?;
        address::add(&far, &cidr)?;
        Ok(container)
    }
}
