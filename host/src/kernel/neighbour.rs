//! `ip neighbour`

use std::io;

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::neighbour::{NeighbourMessage, NeighbourState};

use super::{Request, Socket};

/// `ip neighbour flush all`: forgets what was learnt of neighbours, whether they answered or not, on the links whose index
/// `counts`.
pub fn forget_neighbours(socket: &Socket, counts: impl Fn(u32) -> bool) -> io::Result<()> {
    let known = socket.dump(RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()))?;
    for object in known {
        let RouteNetlinkMessage::NewNeighbour(neighbour) = object else { continue };
        if !counts(neighbour.header.ifindex)
            || matches!(neighbour.header.state, NeighbourState::Permanent | NeighbourState::Noarp)
        {
            continue;
        }
        // One that has gone by itself meanwhile is forgotten too.
        let _ = socket.batch(vec![Request::change(RouteNetlinkMessage::DelNeighbour(neighbour))]);
    }
    Ok(())
}
