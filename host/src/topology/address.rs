//! IP addresses of links, as `ip address` knows them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Errno, Kind, LinkId, MacAddress, Refusal, Topology};

/// An address of a link with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address and its prefix length; the bits beyond the prefix are kept.
    pub cidr: IpNet,
    /// Nobody asked for it: it comes and goes with the link's admin state.
    pub automatic: bool,
}

impl Address {
    pub(super) fn link_local(mac: MacAddress) -> Self {
        let cidr = Ipv6Net::new_assert(mac.link_local(), 64).into();
        Self { cidr, automatic: true }
    }

    /// Tells whether this is an IPv6 address.
    pub fn is_ipv6(&self) -> bool {
        self.cidr.addr().is_ipv6()
    }

    /// Tells whether nothing can be routed through `gateway` on account of this address: it is the same IPv6 address, or the
    /// broadcast address of this IPv4 one.
    pub fn shuts_out(&self, gateway: IpAddr, kind: &Kind) -> bool {
        match self.cidr {
            IpNet::V6(cidr) => gateway == IpAddr::V6(cidr.addr()),
            IpNet::V4(cidr) => {
                let has_broadcast = cidr.prefix_len() < 31 && *kind != Kind::Loopback;
                has_broadcast && gateway == IpAddr::V4(cidr.broadcast())
            }
        }
    }

    /// Tells whether two addresses are of one network, so that a later one is secondary to an earlier.
    pub(super) fn same_network(&self, other: &Self) -> bool {
        self.cidr.trunc() == other.cidr.trunc()
    }
}

/// Says why no link can have this address, if so.
fn unfit(address: IpAddr, kind: &Kind) -> Option<&'static str> {
    match address {
        // Linux takes `0.0.0.0/24` and does nothing; nobody means that.
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) | IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            Some("the unspecified address is no link's own")
        }
        IpAddr::V6(address) if address.is_multicast() => Some("a multicast address is no link's own"),
        IpAddr::V6(Ipv6Addr::LOCALHOST) if *kind != Kind::Loopback => Some("only `lo` has the loopback address"),
        _ => None,
    }
}

impl Topology {
    /// Adds an address; the route to its network comes with it while the link is up. Like `ip address add CIDR dev LINK`.
    pub fn add_address(&mut self, id: LinkId, cidr: IpNet) -> Result<(), Refusal> {
        let act = || format!("add address `{cidr}` to link {}", self.place_of(id));
        let link = self.link(id, act)?;
        self.may_change(id, act)?;
        if let Some(why) = unfit(cidr.addr(), &link.kind) {
            return Err(Refusal::invalid(act(), why));
        }
        let automatic = cidr == Address::link_local(link.mac).cidr && link.kind != Kind::Loopback;
        let address = Address { cidr, automatic };
        if address.is_ipv6() && !link.has_ipv6() {
            let why = format!("its mtu is {} and IPv6 needs 1280", link.mtu.bytes);
            return Err(Refusal::invalid(act(), why));
        }
        // The kernel lets one IPv4 address stand with two prefix lengths, and an IPv6 address only once.
        let same = |other: &&Address| {
            other.cidr.addr() == cidr.addr() && (address.is_ipv6() || other.cidr.prefix_len() == cidr.prefix_len())
        };
        if let Some(other) = link.addresses.iter().find(same) {
            return Err(Refusal::new(Errno::EEXIST, act(), format!("it has `{}`", other.cidr)));
        }
        let place = self.place_of(id);
        if !address.automatic {
            self.count_one(|| format!("add address `{cidr}` to link {place}"))?;
        }
        self.hold_address(id, address);
        self.changed();
        Ok(())
    }

    /// Removes an address with its route; an IPv4 one takes its secondaries. Like `ip address del CIDR dev LINK`.
    pub fn remove_address(&mut self, id: LinkId, cidr: IpNet) -> Result<(), Refusal> {
        let act = || format!("remove address `{cidr}` from link {}", self.place_of(id));
        let link = self.link(id, act)?;
        self.may_change(id, act)?;
        let Some(at) = link.addresses.iter().position(|address| address.cidr == cidr) else {
            return Err(Refusal::new(Errno::EADDRNOTAVAIL, act(), "the link does not have it"));
        };
        let address = link.addresses[at];
        let is_primary = !link.addresses[..at].iter().any(|earlier| earlier.same_network(&address));
        if is_primary && !address.is_ipv6() {
            self.drop_addresses(id, |other| *other != address && other.same_network(&address));
        }
        self.forget_address(id, address);
        if !address.is_ipv6() && self.links[&id].addresses.iter().all(Address::is_ipv6) {
            self.drop_routes_over(id, |route| !route.is_ipv6());
        }
        self.changed();
        Ok(())
    }

    /// Lists the addresses of a link in the order they were added.
    pub fn list_addresses(&self, id: LinkId) -> Result<&[Address], Refusal> {
        Ok(&self.link(id, || format!("list the addresses of link {}", self.place_of(id)))?.addresses)
    }

    /// Gives `lo` what the kernel gives it when it is set up.
    pub(super) fn add_loopback_addresses(&mut self, id: LinkId) {
        let first = Ipv4Net::new_assert(Ipv4Addr::LOCALHOST, 8).into();
        let second = Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128).into();
        for cidr in [first, second] {
            let address = Address { cidr, automatic: true };
            let link = &self.links[&id];
            let fits = !address.is_ipv6() || link.has_ipv6();
            let there = link.addresses.iter().any(|other| other.cidr == cidr);
            if fits && !there {
                self.hold_address(id, address);
            }
        }
    }

    /// Adds an address that was checked, and its route.
    pub(super) fn hold_address(&mut self, id: LinkId, address: Address) {
        let link = self.link_mut(id);
        let secondary = !address.is_ipv6() && link.addresses.iter().any(|earlier| earlier.same_network(&address));
        link.addresses.push(address);
        if link.up && !secondary {
            self.connect(id, address);
        }
    }

    /// Takes an address away, and its route unless another address of the link needs it.
    pub(super) fn forget_address(&mut self, id: LinkId, address: Address) {
        let link = self.link_mut(id);
        link.addresses.retain(|other| *other != address);
        let shared = address.is_ipv6() && link.addresses.iter().any(|other| other.same_network(&address));
        if !address.automatic {
            self.counted -= 1;
        }
        if !shared {
            self.disconnect(id, address);
        }
    }

    pub(super) fn drop_addresses(&mut self, id: LinkId, which: impl Fn(&Address) -> bool) {
        let going: Vec<Address> = self.links[&id].addresses.iter().copied().filter(|a| which(a)).collect();
        for address in going {
            self.forget_address(id, address);
        }
    }
}
