//! `ip link`: what all kinds of links share.

use std::os::fd::{AsRawFd, BorrowedFd};

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, LinkAttribute, LinkExtentMask, LinkMessage,
};
use rtnetlink::{LinkMessageBuilder, LinkUnspec};

use super::Request;
use crate::topology::{LinkName, MacAddress};

/// What a new link is made with.
pub struct LinkSpec<'a> {
    /// Its index in its netns.
    pub index: u32,
    /// Its name.
    pub name: &'a LinkName,
    /// Its MAC address.
    pub mac: MacAddress,
    /// Its MTU, if not the kind's own.
    pub mtu: Option<u32>,
    /// The group that it is in from the first moment, if it is to be found by that.
    pub group: Option<u32>,
}

impl LinkSpec<'_> {
    /// Starts the message that makes the link.
    pub(super) fn build<T>(&self, builder: LinkMessageBuilder<T>) -> LinkMessageBuilder<T> {
        let mut builder = builder.index(self.index).name(self.name.as_str()).address(self.mac.0.to_vec());
        if let Some(mtu) = self.mtu {
            builder = builder.mtu(mtu);
        }
        match self.group {
            Some(group) => builder.append_extra_attribute(LinkAttribute::Group(group)),
            None => builder,
        }
    }
}

/// Asks for all links, without their counters: these are most of the answer, and summed up over the processors.
pub(super) fn all_links() -> RouteNetlinkMessage {
    let mut request = LinkMessage::default();
    request.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    RouteNetlinkMessage::GetLink(request)
}

fn unspec(index: u32) -> LinkMessageBuilder<LinkUnspec> {
    LinkUnspec::new_with_index(index)
}

fn set(builder: LinkMessageBuilder<LinkUnspec>) -> Request {
    Request::change(RouteNetlinkMessage::SetLink(builder.build()))
}

/// `ip link set up`
pub fn set_up(index: u32) -> Request {
    set(unspec(index).up())
}

/// `ip link set down`
pub fn set_down(index: u32) -> Request {
    set(unspec(index).down())
}

/// `ip link set mtu MTU`
pub fn set_mtu(index: u32, mtu: u32) -> Request {
    set(unspec(index).mtu(mtu))
}

/// `ip link set master BRIDGE`, and `nomaster` for 0.
pub fn set_controller(index: u32, bridge: u32) -> Request {
    set(unspec(index).controller(bridge))
}

/// `ip link set name NAME address MAC`
pub fn set_name(index: u32, name: &LinkName, mac: MacAddress) -> Request {
    set(unspec(index).name(name.as_str()).address(mac.0.to_vec()))
}

/// `ip link set alias TEXT`
pub fn set_alias(index: u32, text: &str) -> Request {
    set(unspec(index).append_extra_attribute(LinkAttribute::IfAlias(text.to_owned())))
}

/// `ip link set netns TARGET name NAME address MAC`; the link has the index `new_index` there (Linux 5.13).
///
/// The kernel waits here for readers of the old place: 18 to 26 ms. A link that is not made yet is better made in its place.
pub fn set_netns(index: u32, target: BorrowedFd<'_>, name: &LinkName, mac: MacAddress, new_index: u32) -> Request {
    let new_index = LinkAttribute::NewIfIndex(new_index.cast_signed());
    set(unspec(index)
        .setns_by_fd(target.as_raw_fd())
        .name(name.as_str())
        .address(mac.0.to_vec())
        .append_extra_attribute(new_index))
}

/// `ip link set addrgenmode none`: no link-local address comes by itself.
///
/// It must come before `set_up`, as a message of its own: in one message the kernel sets the link up first.
pub fn set_address_generation_off(index: u32) -> Request {
    let mode = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
    let attribute = LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![mode])]);
    set(unspec(index).append_extra_attribute(attribute))
}

/// `ip link set group GROUP`
pub fn set_group(index: u32, group: u32) -> Request {
    set(unspec(index).append_extra_attribute(LinkAttribute::Group(group)))
}

/// `ip link set group GROUP alias TEXT`. If no link is in the group, nothing is done.
pub fn set_group_alias(group: u32, text: &str) -> Request {
    let mut message = LinkMessage::default();
    message.attributes = vec![LinkAttribute::Group(group), LinkAttribute::IfAlias(text.to_owned())];
    Request::change(RouteNetlinkMessage::NewLink(message))
}

/// `ip link del group GROUP`: all its links at once. One after the other, each would wait for readers of its place for some 20 ms.
pub fn remove_group(group: u32) -> Request {
    let mut message = LinkMessage::default();
    message.attributes = vec![LinkAttribute::Group(group)];
    Request::change(RouteNetlinkMessage::DelLink(message))
}

/// `ip link del`
pub fn remove_link(index: u32) -> Request {
    let mut message = LinkMessage::default();
    message.header.index = index;
    Request::change(RouteNetlinkMessage::DelLink(message))
}
