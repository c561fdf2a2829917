//! Steps by lot, of few names, so that they meet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use arbitrary::{Result, Unstructured};
use ipnet::IpNet;

use crate::plan::{NewLink, NewRoute, Step};
use crate::topology::{LinkName, MacAddress, NetnsName, Place};

/// Draws a step, which need not make sense.
pub(super) fn step(input: &mut Unstructured<'_>) -> Result<Step> {
    Ok(match input.int_in_range(0..=16u8)? {
        0 => Step::AddNetns { netns: netns(input)?, hub: input.arbitrary()? },
        1 => Step::RemoveNetns { netns: netns(input)? },
        2 => Step::SetForwarding { netns: netns(input)?, on: input.arbitrary()? },
        3 => Step::AddVeth {
            near: new_link(input)?,
            near_controller: maybe(input, link_name)?,
            near_up: input.arbitrary()?,
            far: new_link(input)?,
            queues: *input.choose(&[0, 1, 2, 4096, 4097])?,
        },
        4 => Step::AddBridge { bridge: new_link(input)? },
        5 => Step::RemoveLink { link: place(input)? },
        6 => Step::SetNetns {
            link: place(input)?,
            target: netns(input)?,
            name: link_name(input)?,
            mac: MacAddress(input.arbitrary()?),
        },
        7 => Step::SetName { link: place(input)?, name: link_name(input)?, mac: MacAddress(input.arbitrary()?) },
        8 => Step::SetUp { link: place(input)? },
        9 => Step::SetDown { link: place(input)? },
        10 => Step::SetMtu { link: place(input)?, mtu: mtu(input)? },
        11 => Step::SetController { link: place(input)?, controller: maybe(input, link_name)? },
        12 => Step::AddAddress { link: place(input)?, address: network(input)?, detect_duplicates: input.arbitrary()? },
        13 => Step::RemoveAddress { link: place(input)?, address: network(input)? },
        14 => Step::AddRoute { link: place(input)?, route: route(input)? },
        15 => Step::SetAutoconfiguration { netns: netns(input)?, on: input.arbitrary()? },
        _ => Step::RemoveRoute { link: place(input)?, route: route(input)? },
    })
}

fn maybe<T>(input: &mut Unstructured<'_>, draw: fn(&mut Unstructured<'_>) -> Result<T>) -> Result<Option<T>> {
    if input.arbitrary()? { draw(input).map(Some) } else { Ok(None) }
}

fn netns(input: &mut Unstructured<'_>) -> Result<NetnsName> {
    Ok(NetnsName::parse(input.choose(&["host", "a", "b", "c"])?).expect("a name"))
}

fn link_name(input: &mut Unstructured<'_>) -> Result<LinkName> {
    Ok(LinkName::parse(input.choose(&["lo", "br0", "br1", "e0", "e1", "e2", "e3", "_moving0"])?).expect("a name"))
}

fn place(input: &mut Unstructured<'_>) -> Result<Place> {
    Ok(Place { netns: netns(input)?, link: link_name(input)? })
}

fn new_link(input: &mut Unstructured<'_>) -> Result<NewLink> {
    Ok(NewLink { place: place(input)?, mac: MacAddress([2, 0, 0, 0, 0, input.arbitrary()?]), mtu: maybe(input, mtu)? })
}

/// Usual ones, those at which something changes, or any.
fn mtu(input: &mut Unstructured<'_>) -> Result<u32> {
    let any = input.arbitrary()?;
    input.choose(&[1500, 1280, 1279, 68, 67, 65_535, 65_536, any]).copied()
}

fn address(input: &mut Unstructured<'_>) -> Result<IpAddr> {
    let [a, b, c]: [u8; 3] = input.arbitrary()?;
    Ok(match a % 8 {
        0..4 => Ipv4Addr::new(10, 0, b % 2, c % 8).into(),
        4 => Ipv4Addr::from_bits(input.arbitrary()?).into(),
        5..7 => Ipv6Addr::new(0x2001, 0xdb8, 0, u16::from(b % 2), 0, 0, 0, u16::from(c % 8)).into(),
        _ => Ipv6Addr::from_bits(input.arbitrary()?).into(),
    })
}

fn network(input: &mut Unstructured<'_>) -> Result<IpNet> {
    let (address, length) = (address(input)?, input.arbitrary::<u8>()?);
    let longest = if address.is_ipv6() { 128 } else { 32 };
    Ok(IpNet::new(address, length % (longest + 1)).expect("no prefix is longer than its address"))
}

fn route(input: &mut Unstructured<'_>) -> Result<NewRoute> {
    Ok(NewRoute {
        destination: network(input)?,
        gateway: maybe(input, address)?,
        metric: *input.choose(&[0, 256, 1024, u32::MAX])?,
        connected: input.arbitrary()?,
        source: maybe(input, |input| Ok(Ipv4Addr::from_bits(input.arbitrary()?)))?,
    })
}
