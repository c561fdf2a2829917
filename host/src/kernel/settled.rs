//! Whether the links of a netns have come to rest.

use std::collections::HashSet;
use std::io;

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::{
    BridgePortState, InfoBridgePort, InfoKind, InfoPortData, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, State,
};

use super::Socket;

/// Lists the links that are up and have a carrier, but do not carry frames yet: the kernel's own bookkeeping (linkwatch) is
/// behind, or their bridge, which is up, does not forward from them yet.
pub fn unsettled(socket: &Socket) -> io::Result<Vec<String>> {
    let objects = socket.dump(RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
    let links = objects.iter().filter_map(|object| match object {
        RouteNetlinkMessage::NewLink(link) if link.header.flags.contains(LinkFlags::Up) => Some(link),
        _ => None,
    });
    let up: HashSet<u32> = links.clone().map(|link| link.header.index).collect();
    Ok(links.filter_map(|link| waiting(link, &up)).collect())
}

fn waiting(link: &LinkMessage, up: &HashSet<u32>) -> Option<String> {
    if !link.header.flags.contains(LinkFlags::LowerUp) {
        return None;
    }
    let (mut name, mut operational, mut forwards, mut bridge, mut is_bridge) = (None, true, true, None, false);
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = Some(text),
            LinkAttribute::OperState(state) => operational = matches!(state, State::Up | State::Unknown),
            LinkAttribute::Controller(index) => bridge = Some(index),
            LinkAttribute::LinkInfo(infos) => {
                forwards = !infos.iter().any(is_blocked_port);
                is_bridge = infos.contains(&LinkInfo::Kind(InfoKind::Bridge));
            }
            _ => {}
        }
    }
    let blocked = !forwards && bridge.is_some_and(|index| up.contains(index));
    // A bridge sends as soon as it has a carrier; its state in words follows within a second and changes nothing.
    if (operational || is_bridge) && !blocked { None } else { name.cloned() }
}

fn is_blocked_port(info: &LinkInfo) -> bool {
    let LinkInfo::PortData(InfoPortData::BridgePort(port)) = info else { return false };
    port.iter().any(|info| matches!(info, InfoBridgePort::State(state) if *state != BridgePortState::Forwarding))
}
