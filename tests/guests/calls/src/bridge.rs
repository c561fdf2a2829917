//! Calls of interface `bridge`.

use orchestrator_net::{bridge, link};

use crate::answer::{Answer, done, list};
use crate::call::Calls;
use crate::fields::Fields;

pub(crate) const CALLS: Calls =
    &[("bridge.add", add), ("bridge.add-port", add_port), ("bridge.remove-port", remove_port), ("bridge.ports", ports)];

fn add(fields: &Fields) -> Answer {
    bridge::add(&fields.netns(0)?, fields.text(1)?)?;
    Ok(String::new())
}

/// The port is looked for beside the bridge unless a fourth field names another netns.
fn add_port(fields: &Fields) -> Answer {
    let port_netns = fields.netns(if fields.count() > 3 { 3 } else { 0 })?;
    let port = link::get(&port_netns, fields.text(2)?)?;
    done(bridge::add_port(&fields.link(0)?, &port))
}

fn remove_port(fields: &Fields) -> Answer {
    done(bridge::remove_port(&fields.link(0)?))
}

fn ports(fields: &Fields) -> Answer {
    list(bridge::ports(&fields.link(0)?)?.iter().map(|port| port.name()))
}
