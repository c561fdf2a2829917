//! The addresses of a link, in an order that the kernel keeps.

use std::collections::HashSet;

use ipnet::IpNet;

use super::Planner;
use crate::plan::Step;
use crate::topology::{Link, LinkId, Refusal};

impl Planner<'_> {
    /// Gives a link its addresses of one family in their order, in which the first of a network is the primary one: what does not fit into
    /// it goes, the rest is added behind.
    pub(super) fn set_addresses(&mut self, id: LinkId, ipv6: bool) -> Result<(), Refusal> {
        let link = self.wanted.place_of(id);
        let detect_duplicates = self.wanted.configures_itself(id);
        let wanted = addresses_of(self.wanted_link(id), ipv6, detect_duplicates);
        let mut missing = wanted.iter().peekable();
        let mut going: Vec<IpNet> = Vec::new();
        let mut without_primary: HashSet<IpNet> = HashSet::new();
        for address in addresses_of(self.now_at(&link)?, ipv6, detect_duplicates) {
            let loses_primary = !ipv6 && without_primary.contains(&address.trunc());
            if loses_primary || missing.next_if(|next| **next == address).is_none() {
                without_primary.insert(address.trunc());
                going.push(address);
            }
        }
        // Secondaries first: whether the kernel would promote one or take it along is then the same.
        for address in going.into_iter().rev() {
            self.step(Step::RemoveAddress { link: link.clone(), address })?;
        }
        for address in missing {
            self.step(Step::AddAddress { link: link.clone(), address: *address, detect_duplicates })?;
        }
        Ok(())
    }
}

/// Lists the addresses of one family that steps give and take: the link-local one is none of them where the kernel makes it.
pub(super) fn addresses_of(link: &Link, ipv6: bool, configures_itself: bool) -> Vec<IpNet> {
    let of_family = link.addresses.iter().filter(|address| address.is_ipv6() == ipv6);
    of_family.filter(|address| !(configures_itself && address.automatic)).map(|address| address.cidr).collect()
}
