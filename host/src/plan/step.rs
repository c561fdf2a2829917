//! One act upon the kernel.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::topology::{LinkName, MacAddress, NetnsName, Place, Protocol, Route};

/// A link that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLink {
    /// Where it is to be.
    pub place: Place,
    /// Its MAC address.
    pub mac: MacAddress,
    /// Its MTU if it is not the kind's own.
    pub mtu: Option<u32>,
}

/// A route that is to be there, or to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRoute {
    /// The network that it leads to.
    pub destination: IpNet,
    /// The router that it leads through.
    pub gateway: Option<IpAddr>,
    /// Its metric.
    pub metric: u32,
    /// It comes with an address.
    pub connected: bool,
    /// That address, if it is one of IPv4: packets get it which choose none.
    pub source: Option<Ipv4Addr>,
}

impl From<&Route> for NewRoute {
    fn from(route: &Route) -> Self {
        Self {
            destination: route.destination,
            gateway: route.gateway,
            metric: route.metric,
            connected: route.protocol == Protocol::Kernel,
            source: route.source,
        }
    }
}

/// One act upon the kernel, complete in itself: everything is named by its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the words of the `ip` command that each variant names")]
pub enum Step {
    /// `ip netns add NETNS`. A *hub* has a bridge: its links are mostly ports, which need no IPv6 of their own.
    AddNetns { netns: NetnsName, hub: bool },
    /// `ip netns del NETNS`
    RemoveNetns { netns: NetnsName },
    /// `sysctl net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`, or 0
    SetForwarding { netns: NetnsName, on: bool },
    /// `sysctl net.ipv6.conf.default.addr_gen_mode=0`, or 1, and the same for each link
    SetAutoconfiguration { netns: NetnsName, on: bool },
    /// `ip link add type veth`. The near end can be made up and attached in the same act.
    AddVeth { near: NewLink, near_controller: Option<LinkName>, near_up: bool, far: NewLink, queues: u32 },
    /// `ip link add type bridge`
    AddBridge { bridge: NewLink },
    /// `ip link del`
    RemoveLink { link: Place },
    /// `ip link set netns TARGET name NAME`
    SetNetns { link: Place, target: NetnsName, name: LinkName, mac: MacAddress },
    /// `ip link set name NAME`
    SetName { link: Place, name: LinkName, mac: MacAddress },
    /// `ip link set up`
    SetUp { link: Place },
    /// `ip link set down`
    SetDown { link: Place },
    /// `ip link set mtu MTU`
    SetMtu { link: Place, mtu: u32 },
    /// `ip link set master CONTROLLER`, or `nomaster`
    SetController { link: Place, controller: Option<LinkName> },
    /// `ip address add`, with `nodad` unless duplicates are to be detected
    AddAddress { link: Place, address: IpNet, detect_duplicates: bool },
    /// `ip address del`
    RemoveAddress { link: Place, address: IpNet },
    /// `ip route add`
    AddRoute { link: Place, route: NewRoute },
    /// `ip route del`
    RemoveRoute { link: Place, route: NewRoute },
}

impl Step {
    /// Says what the step does, to follow "could not".
    pub fn act(&self) -> String {
        match self {
            Self::AddNetns { netns, .. } => format!("add netns `{netns}`"),
            Self::RemoveNetns { netns } => format!("remove netns `{netns}`"),
            Self::SetForwarding { netns, on: true } => format!("have netns `{netns}` forward"),
            Self::SetForwarding { netns, on: false } => format!("stop netns `{netns}` forwarding"),
            Self::SetAutoconfiguration { netns, on: true } => format!("have netns `{netns}` configure itself"),
            Self::SetAutoconfiguration { netns, on: false } => format!("stop netns `{netns}` configuring itself"),
            Self::AddVeth { near, far, .. } => {
                let (Place { netns, link }, peer) = (&near.place, &far.place);
                let (far_netns, far_link) = (&peer.netns, &peer.link);
                format!("add veth `{link}` in netns `{netns}` with peer `{far_link}` in netns `{far_netns}`")
            }
            Self::AddBridge { bridge } => format!("add bridge {}", bridge.place),
            Self::RemoveLink { link } => format!("remove link {link}"),
            Self::SetNetns { link, target, .. } => format!("move link {link} to netns `{target}`"),
            Self::SetName { link, name, .. } => format!("rename link {link} to `{name}`"),
            Self::SetUp { link } => format!("set link {link} up"),
            Self::SetDown { link } => format!("set link {link} down"),
            Self::SetMtu { link, mtu } => format!("set mtu {mtu} of link {link}"),
            Self::SetController { link, controller: Some(bridge) } => {
                format!("attach link {link} to bridge `{bridge}`")
            }
            Self::SetController { link, controller: None } => format!("detach link {link}"),
            Self::AddAddress { link, address, .. } => format!("add address `{address}` to link {link}"),
            Self::RemoveAddress { link, address } => format!("remove address `{address}` from link {link}"),
            Self::AddRoute { link, route } => format!("add route {route} over link {link}"),
            Self::RemoveRoute { link, route } => format!("remove route {route} over link {link}"),
        }
    }
}

impl Step {
    /// The netns that goes.
    pub fn removed_netns(&self) -> Option<&NetnsName> {
        if let Self::RemoveNetns { netns } = self { Some(netns) } else { None }
    }

    /// The link that stands and is changed, moved or removed.
    pub fn link(&self) -> Option<&Place> {
        match self {
            Self::AddNetns { .. }
            | Self::RemoveNetns { .. }
            | Self::SetForwarding { .. }
            | Self::SetAutoconfiguration { .. }
            | Self::AddVeth { .. }
            | Self::AddBridge { .. } => None,
            Self::RemoveLink { link }
            | Self::SetNetns { link, .. }
            | Self::SetName { link, .. }
            | Self::SetUp { link }
            | Self::SetDown { link }
            | Self::SetMtu { link, .. }
            | Self::SetController { link, .. }
            | Self::AddAddress { link, .. }
            | Self::RemoveAddress { link, .. }
            | Self::AddRoute { link, .. }
            | Self::RemoveRoute { link, .. } => Some(link),
        }
    }

    /// The places that a link gets: it is made there, or comes there.
    pub fn taken(&self) -> Vec<Place> {
        match self {
            Self::AddVeth { near, far, .. } => vec![near.place.clone(), far.place.clone()],
            Self::AddBridge { bridge } => vec![bridge.place.clone()],
            Self::SetNetns { target, name, .. } => vec![Place { netns: target.clone(), link: name.clone() }],
            Self::SetName { link, name, .. } => vec![Place { netns: link.netns.clone(), link: name.clone() }],
            _ => Vec::new(),
        }
    }

    /// The netns that it makes, removes or sets.
    pub fn netns(&self) -> Option<&NetnsName> {
        match self {
            Self::AddNetns { netns, .. }
            | Self::RemoveNetns { netns }
            | Self::SetForwarding { netns, .. }
            | Self::SetAutoconfiguration { netns, .. } => Some(netns),
            _ => None,
        }
    }
}

impl fmt::Display for NewRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.destination)?;
        self.gateway.map_or(Ok(()), |gateway| write!(f, " via `{gateway}`"))
    }
}
