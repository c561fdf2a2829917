//! One netlink request.

use rtnetlink::packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};
use rtnetlink::packet_route::RouteNetlinkMessage;

/// A message with the flags that say what it may do.
#[derive(Debug)]
pub struct Request {
    pub(super) message: RouteNetlinkMessage,
    pub(super) flags: u16,
    /// It is done as well if what it is about is not there.
    pub(super) unless_gone: bool,
}

impl Request {
    /// Makes an object that must not be there yet.
    pub(super) fn create(message: RouteNetlinkMessage) -> Self {
        Self { message, flags: NLM_F_CREATE | NLM_F_EXCL, unless_gone: false }
    }

    /// Makes an object behind others of its kind.
    pub(super) fn append(message: RouteNetlinkMessage) -> Self {
        Self { message, flags: NLM_F_CREATE | NLM_F_APPEND, unless_gone: false }
    }

    /// Changes or removes an object that is there.
    pub(super) fn change(message: RouteNetlinkMessage) -> Self {
        Self { message, flags: 0, unless_gone: false }
    }

    /// Has a request that removes something be done as well if that has gone already.
    pub fn unless_gone(self) -> Self {
        let removes = matches!(
            self.message,
            RouteNetlinkMessage::DelLink(_) | RouteNetlinkMessage::DelAddress(_) | RouteNetlinkMessage::DelRoute(_)
        );
        Self { unless_gone: removes, ..self }
    }
}
