//! One netlink request.

use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use rtnetlink::packet_route::RouteNetlinkMessage;

/// A message with the flags that say what it may do.
#[derive(Debug)]
pub struct Request {
    pub(super) message: RouteNetlinkMessage,
    pub(super) flags: u16,
}

impl Request {
    /// Makes an object that must not be there yet.
    pub(super) fn create(message: RouteNetlinkMessage) -> Self {
        Self { message, flags: NLM_F_CREATE | NLM_F_EXCL }
    }

    /// Changes or removes an object that is there.
    pub(super) fn change(message: RouteNetlinkMessage) -> Self {
        Self { message, flags: 0 }
    }
}
