//! `ip link add type bridge`

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::InfoKind;
use rtnetlink::{LinkBridge, LinkMessageBuilder};

use super::{LinkSpec, Request};

/// Makes a bridge, down. It has a MAC address of its own, as it would otherwise take its lowest port's, and change it.
pub fn add_bridge(bridge: &LinkSpec<'_>) -> Request {
    let builder = bridge.build(LinkMessageBuilder::<LinkBridge>::new_with_info_kind(InfoKind::Bridge));
    Request::create(RouteNetlinkMessage::NewLink(builder.build()))
}
