//! The difference between two networks, as steps in an order that the kernel accepts and does not sleep on.
//!
//! Each step is played on a rehearsal of the network as soon as it is chosen, so what the kernel does on the side (a link set
//! down loses its routes) is seen by the choice of the next, and the steps lead to the wanted network by construction.

mod routes;

use std::collections::HashMap;

use ipnet::IpNet;
use thiserror::Error;

use super::order::in_order_of_routes;
use super::{NewLink, Step};
use crate::topology::{
    Kind, Link, LinkId, LinkName, MacAddress, Mtu, Netns, NetnsId, NetnsName, Place, Refusal, Topology,
};

/// A step that the model refuses although it accepted the network that the step leads to: a fault of this program.
#[derive(Debug, Error)]
#[error("no way was found to this network, which is a fault of orchestrator: {0}")]
pub struct PlanError(#[source] Refusal);

/// Returns the steps from the network that stands to the one that is wanted, which grew out of it.
pub fn difference(standing: &Topology, wanted: &Topology) -> Result<Vec<Step>, PlanError> {
    let stood = standing.list_links().map(|(id, _)| id).collect();
    let mut planner = Planner { now: standing.rehearsal(), wanted, stood, steps: Vec::new() };
    planner.plan().map_err(PlanError)?;
    Ok(planner.steps)
}

struct Planner<'a> {
    /// The network after the steps so far.
    now: Topology,
    wanted: &'a Topology,
    /// The links that stood at first: they alone have the same identity in `now` and `wanted`, others the same place.
    stood: Vec<LinkId>,
    steps: Vec<Step>,
}

impl<'a> Planner<'a> {
    fn plan(&mut self) -> Result<(), Refusal> {
        self.set_down_for_ipv6()?;
        self.remove()?;
        self.put_in_place()?;
        self.loosen()?;
        self.build()
    }

    fn step(&mut self, step: Step) -> Result<(), Refusal> {
        step.play(&mut self.now)?;
        self.steps.push(step);
        Ok(())
    }

    /// Sets down what gets IPv6 back with a larger MTU, its own or that of a bridge's ports: while it is up that would come with the
    /// kernel's own address generation.
    fn set_down_for_ipv6(&mut self) -> Result<(), Refusal> {
        let lacks = |id: &&LinkId| self.now.standing(**id).is_some_and(|link| link.up && !link.has_ipv6());
        let regains = |id: &&LinkId| lacks(id) && self.wanted.standing(**id).is_some_and(Link::has_ipv6);
        let links: Vec<Place> = self.stood.iter().filter(regains).map(|id| self.now.place_of(*id)).collect();
        links.into_iter().try_for_each(|link| self.step(Step::SetDown { link }))
    }

    /// Removes the namespaces and links that are not wanted.
    fn remove(&mut self) -> Result<(), Refusal> {
        let going: Vec<NetnsName> = self
            .now
            .list_netns()
            .filter(|(id, _)| !self.wanted.has_netns(*id))
            .map(|(_, netns)| netns.name.clone())
            .collect();
        for netns in going {
            self.step(Step::RemoveNetns { netns })?;
        }
        for at in 0..self.stood.len() {
            let id = self.stood[at];
            // A veth has gone with its peer, or with the peer's netns.
            if self.wanted.standing(id).is_none() && self.now.standing(id).is_some() {
                self.step(Step::RemoveLink { link: self.now.place_of(id) })?;
            }
        }
        self.stood.retain(|id| self.now.standing(*id).is_some());
        Ok(())
    }

    /// Renames and moves the links that stand, by way of a name that is free where two want each other's.
    fn put_in_place(&mut self) -> Result<(), Refusal> {
        let misplaced = |planner: &Self, id: LinkId| planner.now.place_of(id) != planner.wanted.place_of(id);
        let mut waiting: Vec<LinkId> = self.stood.iter().copied().filter(|id| misplaced(self, *id)).collect();
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut blocked = Vec::new();
            for id in waiting {
                let target = self.wanted.place_of(id);
                self.add_netns(&target.netns)?;
                if self.now.find_place(&target).is_ok() {
                    blocked.push(id);
                } else {
                    self.put(id, target)?;
                }
            }
            if blocked.len() == before {
                let id = blocked[0];
                let mut place = self.now.place_of(id);
                place.link = self.free_name(&place.netns);
                self.put(id, place)?;
            }
            waiting = blocked;
        }
        Ok(())
    }

    fn put(&mut self, id: LinkId, target: Place) -> Result<(), Refusal> {
        let (link, mac) = (self.now.place_of(id), MacAddress::at(&target));
        let Place { netns, link: name } = target;
        if link.netns == netns {
            self.step(Step::SetName { link, name, mac })
        } else {
            self.step(Step::SetNetns { link, target: netns, name, mac })
        }
    }

    fn free_name(&self, netns: &NetnsName) -> LinkName {
        (0..)
            .filter_map(|n| LinkName::parse(&format!("_moving{n}")).ok())
            .find(|name| self.now.find_place(&Place { netns: netns.clone(), link: name.clone() }).is_err())
            .expect("a netns has fewer links than there are names")
    }

    /// Takes from the links that stand what would be in the way: up where down is wanted, and ports of bridges that they leave. A
    /// bridge gets its own MTU before it could follow that of its next ports.
    fn loosen(&mut self) -> Result<(), Refusal> {
        for at in 0..self.stood.len() {
            let id = self.stood[at];
            let (now, wanted) = (self.now.standing(id).expect("`remove` has left only these"), self.wanted_link(id));
            let leaves = now.controller.is_some() && now.controller != wanted.controller;
            let is_bridge = matches!(now.kind, Kind::Bridge { .. });
            if now.up && !wanted.up {
                self.step(Step::SetDown { link: self.now.place_of(id) })?;
            }
            if leaves {
                self.step(Step::SetController { link: self.now.place_of(id), controller: None })?;
            }
            if is_bridge {
                self.set_mtu(&self.now.place_of(id), wanted)?;
            }
        }
        Ok(())
    }

    fn wanted_link(&self, id: LinkId) -> &'a Link {
        self.wanted.standing(id).expect("links that are not wanted have been removed")
    }

    /// Makes what is missing. A netns is configured as soon as its last link is there, so that the agent can close its
    /// socket; those with bridges last, so that nothing floods through them while they grow.
    fn build(&mut self) -> Result<(), Refusal> {
        let new: Vec<(LinkId, &Link)> = {
            let stands = |place: &Place| self.now.find_place(place).is_ok();
            self.wanted.list_links().filter(|(id, _)| !stands(&self.wanted.place_of(*id))).collect()
        };
        let mut missing: HashMap<NetnsId, usize> = HashMap::new();
        for (_, link) in new.iter().filter(|(_, link)| link.kind != Kind::Loopback) {
            *missing.entry(link.netns).or_default() += 1;
        }
        for (id, link) in new.iter().filter(|(_, link)| matches!(link.kind, Kind::Bridge { .. })) {
            self.add_netns(&self.wanted.netns_name(link.netns))?;
            self.step(Step::AddBridge { bridge: self.new_link(*id, None) })?;
            *missing.get_mut(&link.netns).expect("counted above") -= 1;
        }
        let mut configured = Vec::new();
        for (id, link) in &new {
            let Kind::Veth { peer } = link.kind else { continue };
            if peer < *id {
                continue;
            }
            self.add_veth(*id, peer)?;
            for netns in [link.netns, self.wanted_link(peer).netns] {
                let left = missing.get_mut(&netns).expect("counted above");
                *left -= 1;
                if *left == 0 && !self.is_hub(netns) {
                    self.configure(netns)?;
                    configured.push(netns);
                }
            }
        }
        configured.sort_unstable();
        let mut rest: Vec<NetnsId> =
            self.wanted.list_netns().map(|(id, _)| id).filter(|id| configured.binary_search(id).is_err()).collect();
        rest.sort_by_key(|id| (self.is_hub(*id), *id == NetnsId::HOST));
        for netns in rest {
            self.add_netns(&self.wanted.netns_name(netns))?;
            self.configure(netns)?;
        }
        Ok(())
    }

    /// The host and the namespaces with bridges: there the agent turns address generation off for all links at once.
    fn is_hub(&self, netns: NetnsId) -> bool {
        netns == NetnsId::HOST || self.wanted.has_bridge(netns)
    }

    fn add_netns(&mut self, name: &NetnsName) -> Result<(), Refusal> {
        if self.now.find_netns(name).is_ok() {
            return Ok(());
        }
        let hub = self.is_hub(self.wanted.find_netns(name)?);
        self.step(Step::AddNetns { netns: name.clone(), hub })
    }

    fn new_link(&self, id: LinkId, mtu: Option<u32>) -> NewLink {
        let link = self.wanted_link(id);
        NewLink { place: self.wanted.place_of(id), mac: link.mac, mtu }
    }

    fn add_veth(&mut self, first: LinkId, second: LinkId) -> Result<(), Refusal> {
        // The near end can be made up and attached at once, so it is the one that gains most by it; and marked, which one on the
        // machine itself has to be.
        let gain = |planner: &Self, id: LinkId| {
            let link = planner.wanted_link(id);
            let on_machine = planner.wanted.is_on_machine() && link.netns == NetnsId::HOST;
            (on_machine, link.controller.is_some(), planner.is_hub(link.netns))
        };
        let (near, far) = if gain(self, second) > gain(self, first) { (second, first) } else { (first, second) };
        for id in [near, far] {
            self.add_netns(&self.wanted.netns_name(self.wanted_link(id).netns))?;
        }
        let mtu = |link: &Link| link.mtu.chosen.then_some(link.mtu.bytes);
        let link = self.wanted_link(near);
        self.step(Step::AddVeth {
            near: self.new_link(near, mtu(link)),
            near_controller: link.controller.map(|bridge| self.wanted_link(bridge).name.clone()),
            near_up: link.up && self.is_hub(link.netns),
            far: self.new_link(far, mtu(self.wanted_link(far))),
        })
    }

    /// Gives the links of a netns what they lack and takes what they have too much, bridges last, then the routes.
    fn configure(&mut self, netns: NetnsId) -> Result<(), Refusal> {
        let (bridges, others): (Vec<LinkId>, Vec<LinkId>) =
            self.wanted.links_of(netns).partition(|id| matches!(self.wanted_link(*id).kind, Kind::Bridge { .. }));
        for id in others.iter().chain(&bridges) {
            self.configure_link(*id)?;
        }
        self.remove_routes(netns)?;
        self.add_odd_routes(netns)?;
        let links: Vec<LinkId> = others.into_iter().chain(bridges).collect();
        for id in in_order_of_routes(self.wanted, netns, &links) {
            self.set_addresses(id)?;
        }
        self.remove_routes(netns)?;
        self.add_routes(netns)?;
        self.set_forwarding(netns)
    }

    /// Last, so that a netns forwards only once it knows the ways.
    fn set_forwarding(&mut self, netns: NetnsId) -> Result<(), Refusal> {
        let act = || "plan".into();
        let Netns { name, forwarding: on, .. } = self.wanted.netns(netns, act)?;
        if self.now.netns(self.now.find_netns(name)?, act)?.forwarding == *on {
            return Ok(());
        }
        self.step(Step::SetForwarding { netns: name.clone(), on: *on })
    }

    /// Returns the link at a place after the steps so far.
    fn now_at(&self, place: &Place) -> Result<&Link, Refusal> {
        let id = self.now.find_place(place)?;
        self.now.link(id, || "plan".into())
    }

    fn configure_link(&mut self, id: LinkId) -> Result<(), Refusal> {
        let (wanted, link) = (self.wanted_link(id), self.wanted.place_of(id));
        let (up, bridge) = (wanted.up, wanted.controller);
        self.set_mtu(&link, wanted)?;
        let controller = bridge.map(|bridge| self.wanted_link(bridge).name.clone());
        let attached = self.now_at(&link)?.controller.map(|bridge| self.now.place_of(bridge).link);
        if attached != controller {
            self.step(Step::SetController { link: link.clone(), controller })?;
        }
        if up && !self.now_at(&link)?.up {
            self.step(Step::SetUp { link })?;
        }
        Ok(())
    }

    /// Gives a link the MTU that was chosen for it, and has a bridge know that it was chosen.
    fn set_mtu(&mut self, link: &Place, wanted: &Link) -> Result<(), Refusal> {
        let (now, Mtu { bytes, chosen }) = (self.now_at(link)?.mtu, wanted.mtu);
        let to_choose = !now.chosen && matches!(wanted.kind, Kind::Bridge { .. });
        if !chosen || (now.bytes == bytes && !to_choose) {
            return Ok(());
        }
        if now.bytes == bytes {
            // To set what it has would choose nothing. Another one below might be the end of IPv6.
            let other = if bytes < 65_535 { bytes + 1 } else { bytes - 1 };
            self.step(Step::SetMtu { link: link.clone(), mtu: other })?;
        }
        self.step(Step::SetMtu { link: link.clone(), mtu: bytes })
    }

    /// Gives a link its addresses in their order, in which the first of a network is the primary one: what does not fit into
    /// it goes, the rest is added behind.
    fn set_addresses(&mut self, id: LinkId) -> Result<(), Refusal> {
        let link = self.wanted.place_of(id);
        for ipv6 in [false, true] {
            let wanted = addresses_of(self.wanted_link(id), ipv6);
            let mut missing = wanted.iter().peekable();
            let mut going: Vec<IpNet> = Vec::new();
            for address in addresses_of(self.now_at(&link)?, ipv6) {
                let loses_primary = !ipv6 && going.iter().any(|gone| gone.trunc() == address.trunc());
                if loses_primary || missing.next_if(|next| **next == address).is_none() {
                    going.push(address);
                }
            }
            // Secondaries first: whether the kernel would promote one or take it along is then the same.
            for address in going.into_iter().rev() {
                self.step(Step::RemoveAddress { link: link.clone(), address })?;
            }
            for address in missing {
                self.step(Step::AddAddress { link: link.clone(), address: *address })?;
            }
        }
        Ok(())
    }
}

fn addresses_of(link: &Link, ipv6: bool) -> Vec<IpNet> {
    link.addresses.iter().filter(|address| address.is_ipv6() == ipv6).map(|address| address.cidr).collect()
}
