//! `ip netns list-id`: the numbers by which one netns knows others.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::nsid::{NsidAttribute, NsidMessage};

use super::Socket;

/// Returns the number by which the netns of `socket` knows `other`, if it does.
pub fn nsid_of(socket: &Socket, other: BorrowedFd<'_>) -> io::Result<Option<i32>> {
    let mut message = NsidMessage::default();
    message.attributes.push(NsidAttribute::Fd(other.as_raw_fd().cast_unsigned()));
    let Some(RouteNetlinkMessage::NewNsId(answer)) = socket.get(RouteNetlinkMessage::GetNsId(message))? else {
        return Ok(None);
    };
    Ok(answer.attributes.iter().find_map(|attribute| match attribute {
        NsidAttribute::Id(id) if *id >= 0 => Some(*id),
        _ => None,
    }))
}
