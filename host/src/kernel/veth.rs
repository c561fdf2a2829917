//! `ip link add type veth`

use std::os::fd::{AsRawFd, BorrowedFd};

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute};
use rtnetlink::{LinkMessageBuilder, LinkUnspec, LinkVeth};

use super::{LinkSpec, Request};

/// Makes a pair, each end in its netns with its final name: nothing has to be moved or renamed.
///
/// More than one queue each way make the kernel wait for all readers (`synchronize_net`) at creation. The near end can be
/// made up and attached; the kernel refuses a far end that is up with ENOTCONN.
pub fn add_veth(
    near: &LinkSpec<'_>,
    near_controller: Option<u32>,
    near_up: bool,
    far: &LinkSpec<'_>,
    far_netns: BorrowedFd<'_>,
    queues: u32,
) -> Request {
    let peer =
        with_queues(queues, far.build(LinkMessageBuilder::<LinkUnspec>::default())).setns_by_fd(far_netns.as_raw_fd());
    let mut builder =
        with_queues(queues, near.build(LinkMessageBuilder::<LinkVeth>::new_with_info_kind(InfoKind::Veth)))
            .set_info_data(InfoData::Veth(InfoVeth::Peer(peer.build())));
    if let Some(bridge) = near_controller {
        builder = builder.controller(bridge);
    }
    if near_up {
        builder = builder.up();
    }
    Request::create(RouteNetlinkMessage::NewLink(builder.build()))
}

fn with_queues<T>(queues: u32, builder: LinkMessageBuilder<T>) -> LinkMessageBuilder<T> {
    let builder = builder.append_extra_attribute(LinkAttribute::NumTxQueues(queues));
    builder.append_extra_attribute(LinkAttribute::NumRxQueues(queues))
}
