//! Who gives links their link-local IPv6 addresses: the lab, or the kernel (RFC 4862).

use super::{Address, Errno, Kind, LinkId, LinkLocal, NetnsId, Refusal, Topology, is_ipv6_link_local};

impl Topology {
    /// Leaves the IPv6 of a netns to the kernel, or takes it back; either way its links get their link-local addresses anew.
    ///
    /// Like `sysctl net.ipv6.conf.default.addr_gen_mode=0` in it, and the same for each of its links.
    pub fn set_autoconfiguration(&mut self, id: NetnsId, on: bool) -> Result<(), Refusal> {
        let verb = if on { "have" } else { "stop" };
        let act = || format!("{verb} netns `{}` configuring itself", self.netns_name(id));
        let is_on = self.netns(id, act)?.autoconfiguration;
        self.may_set(id, act)?;
        if is_on == on {
            return Ok(());
        }
        let links: Vec<LinkId> = self.links_of(id).filter(|link| self.links[link].kind != Kind::Loopback).collect();
        for link in &links {
            self.drop_addresses(*link, |address| is_ipv6_link_local(address.cidr.addr()));
        }
        self.netns_mut(id).autoconfiguration = on;
        for link in links {
            self.settle_link_local(link);
        }
        self.changes.note_netns(id);
        self.changed();
        Ok(())
    }

    /// Tells whether the kernel configures the IPv6 of a netns that stands.
    pub fn is_autoconfigured(&self, id: NetnsId) -> bool {
        self.netns[&id].autoconfiguration
    }

    /// Tells whether the kernel makes the link-local address of a link that stands.
    pub fn configures_itself(&self, id: LinkId) -> bool {
        let link = &self.links[&id];
        link.kind != Kind::Loopback && self.is_autoconfigured(link.netns)
    }

    /// Refuses to change what the kernel makes.
    pub(super) fn may_change_address(
        &self,
        id: LinkId,
        address: Address,
        act: impl FnOnce() -> String,
    ) -> Result<(), Refusal> {
        if address.automatic && self.configures_itself(id) {
            let why = "the kernel makes it, as the netns configures itself";
            return Err(Refusal::new(Errno::EOPNOTSUPP, act(), why));
        }
        Ok(())
    }

    /// Gives a link that is up its link-local address, and takes it from a port of a bridge, which has one only from the kernel.
    pub(super) fn settle_link_local(&mut self, id: LinkId) {
        let by_kernel = self.configures_itself(id);
        if self.link_local == LinkLocal::Explicit && !by_kernel {
            return;
        }
        let link = &self.links[&id];
        let own = Address::link_local(link.mac);
        let there = self.holds(id, own);
        if link.controller.is_some() && !by_kernel {
            if there {
                self.forget_address(id, own);
            }
        } else if link.up && link.has_ipv6() && link.kind != Kind::Loopback && !there {
            self.hold_address(id, own);
        }
    }
}
