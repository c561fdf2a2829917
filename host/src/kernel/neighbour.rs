//! `ip neighbour`

use std::io;

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::neighbour::{NeighbourMessage, NeighbourState};

use super::{Request, Socket};

/// `ip neighbour flush all`: forgets what was learnt of neighbours, whether they answered or not.
pub fn forget_neighbours(socket: &Socket) -> io::Result<()> {
    let known = socket.dump(RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()))?;
    for object in known {
        let RouteNetlinkMessage::NewNeighbour(neighbour) = object else { continue };
        if matches!(neighbour.header.state, NeighbourState::Permanent | NeighbourState::Noarp) {
            continue;
        }
        // One that has gone by itself meanwhile is forgotten too.
        let _ = socket.batch(vec![Request::change(RouteNetlinkMessage::DelNeighbour(neighbour))]);
    }
    Ok(())
}
