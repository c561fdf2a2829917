//! The addresses of a link in their order, and who in a netns has which.

use std::collections::BTreeMap;
use std::collections::btree_map::Values;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Address, LinkId};

/// Which of a link's addresses came before which.
pub(super) type Age = u64;

/// The addresses of a link in the order they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    by_age: BTreeMap<Age, Address>,
    ipv4: usize,
}

impl Addresses {
    /// Lists them in the order they were added.
    pub fn iter(&self) -> Values<'_, Age, Address> {
        self.by_age.values()
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.by_age.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_age.is_empty()
    }

    /// Tells whether these are the same addresses as others, to a kernel: it has a list for each family.
    pub(super) fn are_same(&self, others: &Self) -> bool {
        self.len() == others.len()
            && [false, true].into_iter().all(|ipv6| {
                let of_family = |address: &&Address| address.is_ipv6() == ipv6;
                self.iter().filter(of_family).eq(others.iter().filter(of_family))
            })
    }

    /// Tells whether there is an IPv4 address.
    pub(super) fn has_ipv4(&self) -> bool {
        self.ipv4 > 0
    }

    pub(super) fn get(&self, age: Age) -> Option<Address> {
        self.by_age.get(&age).copied()
    }

    /// Lists them with their ages.
    pub(super) fn by_age(&self) -> impl Iterator<Item = (Age, Address)> {
        self.by_age.iter().map(|(age, address)| (*age, *address))
    }

    /// Adds an address behind the others.
    pub(super) fn push(&mut self, address: Address) -> Age {
        let age = self.by_age.last_key_value().map_or(0, |(age, _)| age + 1);
        self.by_age.insert(age, address);
        self.ipv4 += usize::from(!address.is_ipv6());
        age
    }

    pub(super) fn remove(&mut self, age: Age) {
        if let Some(address) = self.by_age.remove(&age) {
            self.ipv4 -= usize::from(!address.is_ipv6());
        }
    }
}

impl<'a> IntoIterator for &'a Addresses {
    type Item = &'a Address;
    type IntoIter = Values<'a, Age, Address>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Since when an address is there, beside the others of its netns.
pub(super) type Since = u64;

/// Which links of a netns have an address, or one in a network, and which had it first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Holders {
    of_address: BTreeMap<(IpAddr, LinkId, Age), Since>,
    of_network: BTreeMap<(IpNet, LinkId, Age), Since>,
    next: Since,
}

impl Holders {
    pub(super) fn insert(&mut self, link: LinkId, age: Age, cidr: IpNet) {
        self.of_address.insert((cidr.addr(), link, age), self.next);
        self.of_network.insert((cidr.trunc(), link, age), self.next);
        self.next += 1;
    }

    pub(super) fn remove(&mut self, link: LinkId, age: Age, cidr: IpNet) {
        self.of_address.remove(&(cidr.addr(), link, age));
        self.of_network.remove(&(cidr.trunc(), link, age));
    }

    /// Lists who has an address, and since when.
    pub(super) fn of_address(&self, address: IpAddr) -> impl Iterator<Item = (Since, LinkId)> {
        let those = self.of_address.range((address, LinkId(0), 0)..=(address, LinkId(u32::MAX), Age::MAX));
        those.map(|((_, link, _), since)| (*since, *link))
    }

    /// Lists under which ages a link has an address, once for each prefix length, and since when.
    pub(super) fn of_address_on(&self, address: IpAddr, link: LinkId) -> impl Iterator<Item = (Age, Since)> {
        self.of_address.range((address, link, 0)..=(address, link, Age::MAX)).map(|((_, _, age), since)| (*age, *since))
    }

    /// Lists who has an address in a network of just this prefix length, and since when.
    pub(super) fn of_network(&self, network: IpNet) -> impl Iterator<Item = (Since, LinkId)> {
        let those = self.of_network.range((network, LinkId(0), 0)..=(network, LinkId(u32::MAX), Age::MAX));
        those.map(|((_, link, _), since)| (*since, *link))
    }

    /// Lists under which ages a link has addresses in a network of just this prefix length.
    pub(super) fn of_network_on(&self, network: IpNet, link: LinkId) -> impl Iterator<Item = Age> {
        self.of_network.range((network, link, 0)..=(network, link, Age::MAX)).map(|((_, _, age), _)| *age)
    }
}
