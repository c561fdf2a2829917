//! Calls of interface `veth`.

use orchestrator_net::veth;

use crate::answer::Answer;
use crate::call::Calls;
use crate::fields::Fields;

pub(crate) const CALLS: Calls = &[("veth.add", add), ("veth.add-with-queues", add_with_queues), ("veth.peer", peer)];

fn add(fields: &Fields) -> Answer {
    let (netns, peer_netns) = (fields.netns(0)?, fields.netns(2)?);
    veth::add(&netns, fields.text(1)?, &peer_netns, fields.text(3)?)?;
    Ok(String::new())
}

fn add_with_queues(fields: &Fields) -> Answer {
    let (netns, peer_netns) = (fields.netns(0)?, fields.netns(2)?);
    veth::add_with_queues(&netns, fields.text(1)?, &peer_netns, fields.text(3)?, fields.number(4)?)?;
    Ok(String::new())
}

fn peer(fields: &Fields) -> Answer {
    let peer = veth::peer(&fields.link(0)?)?;
    Ok(format!("{} {}", peer.name(), peer.netns_name()))
}
