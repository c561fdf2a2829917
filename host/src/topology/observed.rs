//! The network as a kernel shows it, in the words of `ip`.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::NetnsName;

/// One netns as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Netns {
    /// Its name.
    pub name: NetnsName,
    /// Its links by index, `lo` first.
    pub links: Vec<Link>,
    /// Its main table, IPv4 first.
    pub routes: Vec<Route>,
    /// It forwards packets that are not for itself.
    pub forwarding: bool,
    /// The kernel configures the IPv6 of its links by itself.
    pub autoconfiguration: bool,
}

/// One link as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// `loopback`, `veth`, `bridge`, or what else the kernel says.
    pub kind: String,
    /// Its MAC address.
    pub mac: String,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// It is set administratively up.
    pub up: bool,
    /// The other end carries.
    pub carrier: bool,
    /// How many queues it has for sending.
    pub queues: u32,
    /// The operational state of RFC 2863 in the words of `ip`: `UP`, `DOWN`, `LOWERLAYERDOWN`, `UNKNOWN`.
    pub oper_state: String,
    /// The bridge that it is a port of.
    pub controller: Option<String>,
    /// The other end of a veth.
    pub peer: Option<Peer>,
    /// Its addresses.
    pub addresses: Vec<Address>,
}

/// Where the other end of a veth is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its netns.
    pub netns: NetnsName,
    /// Its name there.
    pub link: String,
}

/// One address as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The address and the length of its network's prefix.
    pub cidr: IpNet,
    /// `global`, `link` or `host`.
    pub scope: String,
    /// Another address of its network came first.
    pub secondary: bool,
    /// Duplicate address detection has not ended (RFC 4862, section 5.4).
    pub tentative: bool,
    /// A router's advertisement brought it. For whoever reads it from the kernel; it is not told further.
    #[serde(skip)]
    pub dynamic: bool,
    /// What no step gives an address, in the words of `ip`: `peer 10.0.0.2/32`.
    pub rest: String,
}

/// One route as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The network that it leads to.
    pub destination: IpNet,
    /// The router that it leads through.
    pub gateway: Option<IpAddr>,
    /// The link that it leads over.
    pub link: Option<String>,
    /// `kernel`, `boot`, `static`, or a number.
    pub protocol: String,
    /// `global`, `link` or `host`.
    pub scope: String,
    /// The address that packets get which choose none.
    pub source: Option<IpAddr>,
    /// Its metric.
    pub metric: u32,
    /// Its link has no carrier.
    pub link_down: bool,
    /// What no step gives a route, in the words of `ip`: `tos 0x10`, `mtu 1400`, several next hops.
    pub rest: String,
}

impl fmt::Display for Link {
    /// As `ip -o -d link`, without index.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut flags = vec![if self.kind == "loopback" { "LOOPBACK" } else { "BROADCAST,MULTICAST" }];
        if self.up && !self.carrier {
            flags.insert(0, "NO-CARRIER");
        }
        if self.up {
            flags.push("UP");
        }
        if self.carrier && self.up {
            flags.push("LOWER_UP");
        }
        write!(f, "{}: <{}> mtu {}", self.name, flags.join(","), self.mtu)?;
        if let Some(controller) = &self.controller {
            write!(f, " master {controller}")?;
        }
        write!(f, " state {} link/", self.oper_state)?;
        match self.kind.as_str() {
            "loopback" => write!(f, "loopback {}", self.mac),
            kind => write!(f, "ether {} {kind}", self.mac),
        }
    }
}

impl fmt::Display for Address {
    /// As `ip -o address`, without index and link.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = if self.cidr.addr().is_ipv6() { "inet6" } else { "inet" };
        write!(f, "{family} {} scope {}", self.whole(), self.scope)?;
        if self.secondary {
            f.write_str(" secondary")?;
        }
        if self.tentative {
            f.write_str(" tentative")?;
        }
        Ok(())
    }
}

impl Address {
    /// Writes it with its peer, if it has one.
    pub fn whole(&self) -> String {
        with_rest(self.cidr, &self.rest)
    }
}

/// Says something with what else there is to it.
pub(super) fn with_rest(what: impl fmt::Display, rest: &str) -> String {
    if rest.is_empty() { what.to_string() } else { format!("{what} {rest}") }
}

/// Writes a network as `ip route` does: `default`, `10.1.0.0/16`, and an address of its own without a prefix.
fn destination(network: &IpNet) -> String {
    match network.prefix_len() {
        0 => "default".into(),
        length if length == network.max_prefix_len() => network.addr().to_string(),
        _ => network.to_string(),
    }
}

impl fmt::Display for Route {
    /// As `ip route`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&destination(&self.destination))?;
        if let Some(gateway) = self.gateway {
            write!(f, " via {gateway}")?;
        }
        if let Some(link) = &self.link {
            write!(f, " dev {link}")?;
        }
        if self.protocol != "boot" {
            write!(f, " proto {}", self.protocol)?;
        }
        if self.scope != "global" {
            write!(f, " scope {}", self.scope)?;
        }
        if let Some(source) = self.source {
            write!(f, " src {source}")?;
        }
        if self.metric != 0 {
            write!(f, " metric {}", self.metric)?;
        }
        if !self.rest.is_empty() {
            write!(f, " {}", self.rest)?;
        }
        if self.link_down {
            f.write_str(" linkdown")?;
        }
        if self.destination.addr().is_ipv6() && !self.rest.contains("pref ") {
            f.write_str(" pref medium")?;
        }
        Ok(())
    }
}
