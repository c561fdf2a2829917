//! Netlink verbs: one file a kind of object, each named like the `ip` command that does the same.
//!
//! A verb returns a [`Request`]; a [`Socket`], which stays in the netns that it was opened in, sends a batch of them at once.

mod address;
mod bridge;
mod defaults;
mod errno;
mod link;
mod machine;
mod neighbour;
mod nsid;
mod observe;
mod others;
mod request;
mod route;
mod settled;
mod socket;
mod sysctl;
mod veth;

pub use address::{add_address, drop_link_local, remove_address};
pub use bridge::add_bridge;
pub use defaults::set_defaults;
pub use errno::{errno_of, explain};
pub use link::{
    LinkSpec, remove_group, remove_link, set_address_generation_off, set_alias, set_controller, set_down, set_group,
    set_group_alias, set_mtu, set_name, set_netns, set_up,
};
pub use machine::{IndexedLink, marked_links, read_machine};
pub use neighbour::forget_neighbours;
pub use nsid::nsid_of;
pub use observe::{RawLink, RawNetns, observe};
pub use others::remove_chosen;
pub use request::Request;
pub use route::{RouteSpec, add_route, remove_route};
pub use settled::{unready_addresses, unsettled};
pub use socket::{BatchError, Socket};
pub use sysctl::{
    allow_ping_sockets, allow_ping_sockets_if_new, forwards, has_ipv6, new_links_have_ipv6, refuse_advertisements,
    set_address_generation, set_forwarding, turn_address_generation_off,
};
pub use veth::add_veth;

/// What fuzzers reach of this room, and nobody else.
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz {
    pub(crate) use super::socket::extended_text;
    pub(crate) use super::sysctl::last_of;
}
