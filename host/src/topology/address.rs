//! IP addresses of links, as `ip address` knows them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::addresses::Age;
use super::{Addresses, Errno, Kind, LinkId, MacAddress, Refusal, Topology};

/// An address of a link with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// Tells whether an address is of `fe80::/10`, which every link has for itself (RFC 4291, section 2.5.6).
pub fn is_ipv6_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
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
        if cidr.addr().is_ipv6() && !link.has_ipv6() {
            let why = format!("its mtu is {} and IPv6 needs 1280", link.mtu.bytes);
            return Err(Refusal::invalid(act(), why));
        }
        if let Some(why) = unfit(cidr.addr(), &link.kind) {
            let errno = if cidr.addr().is_ipv6() { Errno::EADDRNOTAVAIL } else { Errno::EINVAL };
            return Err(Refusal { errno: Some(errno), ..Refusal::invalid(act(), why) });
        }
        let automatic = cidr == Address::link_local(link.mac).cidr && link.kind != Kind::Loopback;
        let address = Address { cidr, automatic };
        self.may_change_address(id, address, act)?;
        // The kernel lets one IPv4 address stand with two prefix lengths, and an IPv6 address only once.
        let same = |other: &Address| address.is_ipv6() || other.cidr.prefix_len() == cidr.prefix_len();
        if let Some(other) = self.held(id, cidr.addr()).map(|(_, other)| other).find(same) {
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
        let Some((age, address)) = self.held(id, cidr.addr()).find(|(_, address)| address.cidr == cidr) else {
            let without_ipv6 = cidr.addr().is_ipv6() && !link.has_ipv6();
            let errno = if without_ipv6 { Errno::ENXIO } else { Errno::EADDRNOTAVAIL };
            return Err(Refusal::new(errno, act(), "the link does not have it"));
        };
        self.may_change_address(id, address, act)?;
        if !address.is_ipv6() && self.is_primary(id, age, address) {
            let network = self.netns[&link.netns].holders.of_network_on(cidr.trunc(), id);
            let secondaries: Vec<Address> = network.filter_map(|age| link.addresses.get(age)).skip(1).collect();
            secondaries.into_iter().for_each(|address| self.forget_address(id, address));
        }
        self.forget_address(id, address);
        if !address.is_ipv6() && !self.links[&id].addresses.has_ipv4() {
            self.drop_routes_over(id, |route| !route.is_ipv6());
        }
        self.changed();
        Ok(())
    }

    /// Lists the addresses of a link in the order they were added.
    pub fn list_addresses(&self, id: LinkId) -> Result<&Addresses, Refusal> {
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
            let there = self.held(id, cidr.addr()).any(|(_, other)| other.cidr == cidr);
            if fits && !there {
                self.hold_address(id, address);
            }
        }
    }

    /// Adds an address that was checked, and its route.
    pub(super) fn hold_address(&mut self, id: LinkId, address: Address) {
        let link = self.link_mut(id);
        let age = link.addresses.push(address);
        let (netns, up) = (link.netns, link.up);
        self.netns_mut(netns).holders.insert(id, age, address.cidr);
        if up && (address.is_ipv6() || self.is_primary(id, age, address)) {
            self.connect(id, address);
        }
    }

    /// Takes an address away, and its route unless another address of the link needs it.
    pub(super) fn forget_address(&mut self, id: LinkId, address: Address) {
        let ages: Vec<Age> =
            self.held(id, address.cidr.addr()).filter(|(_, held)| *held == address).map(|(age, _)| age).collect();
        for age in ages {
            let link = self.link_mut(id);
            link.addresses.remove(age);
            let netns = link.netns;
            self.netns_mut(netns).holders.remove(id, age, address.cidr);
        }
        let holders = &self.netns[&self.links[&id].netns].holders;
        let shared = address.is_ipv6() && holders.of_network_on(address.cidr.trunc(), id).next().is_some();
        if !address.automatic {
            self.counted -= 1;
        }
        if !shared {
            self.disconnect(id, address);
        }
    }

    /// Lists what a link has of one address: more than one only with different prefix lengths.
    fn held(&self, id: LinkId, address: IpAddr) -> impl Iterator<Item = (Age, Address)> {
        let link = &self.links[&id];
        let ages = self.netns[&link.netns].holders.of_address_on(address, id);
        ages.filter_map(|(age, _)| Some((age, link.addresses.get(age)?)))
    }

    /// Tells whether a link that stands has just this address.
    pub fn holds(&self, id: LinkId, address: Address) -> bool {
        self.held(id, address.cidr.addr()).any(|(_, held)| held == address)
    }

    /// Tells whether an address is the first of its network on a link, to which later ones are secondary.
    pub(super) fn is_primary(&self, id: LinkId, age: Age, address: Address) -> bool {
        let holders = &self.netns[&self.links[&id].netns].holders;
        holders.of_network_on(address.cidr.trunc(), id).next() == Some(age)
    }

    pub(super) fn drop_addresses(&mut self, id: LinkId, which: impl Fn(&Address) -> bool) {
        let going: Vec<Address> = self.links[&id].addresses.iter().copied().filter(|a| which(a)).collect();
        for address in going {
            self.forget_address(id, address);
        }
    }
}
