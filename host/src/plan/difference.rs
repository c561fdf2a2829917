//! The difference between two networks, as steps in an order that the kernel accepts and does not sleep on.
//!
//! Each step is played on a rehearsal of the network as soon as it is chosen, so what the kernel does on the side (a link set
//! down loses its routes) is seen by the choice of the next, and the steps lead to the wanted network by construction.

mod addresses;
mod place;
mod routes;

use std::collections::{BTreeSet, HashMap, HashSet};

use thiserror::Error;

use super::order::in_order_of_routes;
use super::{NewLink, Step};
use crate::topology::{Changes, Kind, Link, LinkId, Mtu, Netns, NetnsId, NetnsName, Place, Refusal, Route, Topology};

/// A step that the model refuses although it accepted the network that the step leads to: a fault of this program.
#[derive(Debug, Error)]
#[error("no way was found to this network, which is a fault of orchestrator: {0}")]
pub struct PlanError(#[source] Refusal);

/// Returns the steps from the network that stands to the one that is wanted, which grew out of it.
pub fn difference(standing: &Topology, wanted: &Topology) -> Result<Vec<Step>, PlanError> {
    steps(&mut standing.rehearsal(), wanted, &Changes::between(standing, wanted))
}

/// The same, where `changed` is known to be all that differs. The steps are played on the network that stands.
pub(super) fn steps(now: &mut Topology, wanted: &Topology, changed: &Changes) -> Result<Vec<Step>, PlanError> {
    let stood = changed.links().filter(|id| now.standing(*id).is_some()).collect::<BTreeSet<_>>().into_iter().collect();
    let mut planner = Planner { now, wanted, changed, stood, steps: Vec::new() };
    planner.plan().map_err(PlanError)?;
    Ok(planner.steps)
}

struct Planner<'a> {
    /// The network after the steps so far. It knows what these have changed.
    now: &'a mut Topology,
    wanted: &'a Topology,
    /// What differed at first.
    changed: &'a Changes,
    /// The links of it that stood at first: they alone have the same identity in `now` and `wanted`, others the same place.
    stood: Vec<LinkId>,
    steps: Vec<Step>,
}

impl<'a> Planner<'a> {
    fn plan(&mut self) -> Result<(), Refusal> {
        self.set_down_for_ipv6()?;
        self.remove()?;
        self.put_in_place()?;
        self.loosen()?;
        self.set_autoconfiguration()?;
        self.build()
    }

    fn step(&mut self, step: Step) -> Result<(), Refusal> {
        step.play(self.now)?;
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
        let goes = |id: &NetnsId| self.now.has_netns(*id) && !self.wanted.has_netns(*id);
        let going: Vec<NetnsName> = self.changed.netns().filter(goes).map(|id| self.now.netns_name(id)).collect();
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
            let is_new = |id: &LinkId| self.now.find_place(&self.wanted.place_of(*id)).is_err();
            // Also what has gone with a netns that its peer was to leave.
            let changed: BTreeSet<LinkId> = self.changed.links().chain(self.now.changes().links()).collect();
            let wanted = changed.into_iter().filter_map(|id| Some((id, self.wanted.standing(id)?)));
            wanted.filter(|(id, _)| is_new(id)).collect()
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
        let mut configured = HashSet::new();
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
                    configured.insert(netns);
                }
            }
        }
        let mut rest: Vec<NetnsId> = self.concerned().into_iter().filter(|id| !configured.contains(id)).collect();
        rest.sort_by_key(|id| (self.is_hub(*id), *id == NetnsId::HOST));
        for netns in rest {
            self.add_netns(&self.wanted.netns_name(netns))?;
            self.configure(netns)?;
        }
        Ok(())
    }

    /// Lists the namespaces in which something differed, or was changed by the steps so far.
    fn concerned(&self) -> BTreeSet<NetnsId> {
        let links = self.changed.links().chain(self.now.changes().links());
        let netns = links.filter_map(|id| Some(self.wanted.standing(id)?.netns));
        netns.chain(self.changed.netns().filter(|id| self.wanted.has_netns(*id))).collect()
    }

    /// Lists the links of a netns that differed, or were changed by the steps so far; others that were may be among them.
    fn concerned_links(&self, netns: NetnsId) -> Result<Vec<LinkId>, Refusal> {
        let now = self.now.find_netns(&self.wanted.netns_name(netns))?;
        let links = self.changed.links_of(netns).chain(self.now.changes().links_of(now));
        let stays = |id: &LinkId| self.wanted.standing(*id).is_some_and(|link| link.netns == netns);
        Ok(links.filter(stays).collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// The host and the namespaces with bridges: there the agent turns address generation off for all links at once.
    fn is_hub(&self, netns: NetnsId) -> bool {
        netns == NetnsId::HOST || self.wanted.has_bridge(netns)
    }

    fn add_netns(&mut self, name: &NetnsName) -> Result<(), Refusal> {
        if self.now.find_netns(name).is_ok() {
            return Ok(());
        }
        let id = self.wanted.find_netns(name)?;
        self.step(Step::AddNetns { netns: name.clone(), hub: self.is_hub(id) })?;
        self.set_autoconfiguration_of(id)
    }

    /// Changes the namespaces that stand before their links come up, as that is what it shows in.
    fn set_autoconfiguration(&mut self) -> Result<(), Refusal> {
        let stands = |id: &NetnsId| self.now.find_netns(&self.wanted.netns_name(*id)).is_ok();
        let netns = self.changed.netns().filter(|id| self.wanted.has_netns(*id)).filter(stands);
        netns.collect::<Vec<_>>().into_iter().try_for_each(|id| self.set_autoconfiguration_of(id))
    }

    fn set_autoconfiguration_of(&mut self, id: NetnsId) -> Result<(), Refusal> {
        let Some((netns, on)) = self.setting_to_change(id, |netns| netns.autoconfiguration)? else { return Ok(()) };
        self.step(Step::SetAutoconfiguration { netns, on })
    }

    /// Returns what a setting of a netns is to become, if it is otherwise after the steps so far.
    fn setting_to_change(
        &self,
        id: NetnsId,
        setting: impl Fn(&Netns) -> bool,
    ) -> Result<Option<(NetnsName, bool)>, Refusal> {
        let act = || "plan".into();
        let wanted = self.wanted.netns(id, act)?;
        let now = self.now.netns(self.now.find_netns(&wanted.name)?, act)?;
        Ok((setting(now) != setting(wanted)).then(|| (wanted.name.clone(), setting(wanted))))
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
            queues: link.queues,
        })
    }

    /// Gives the links of a netns what they lack and takes what they have too much, bridges last, then the routes.
    fn configure(&mut self, netns: NetnsId) -> Result<(), Refusal> {
        for bridges in [false, true] {
            // A bridge may have followed its ports.
            for id in self.concerned_links(netns)? {
                if self.wanted_link(id).is_bridge() == bridges {
                    self.configure_link(id)?;
                }
            }
        }
        for id in self.links_in_order(netns, |_| true)? {
            self.set_up(id)?;
        }
        self.remove_routes(netns)?;
        self.add_odd_routes(netns)?;
        for ipv6 in [false, true] {
            for id in self.links_in_order(netns, |route| route.is_ipv6() == ipv6)? {
                self.set_addresses(id, ipv6)?;
            }
        }
        self.remove_routes(netns)?;
        self.add_routes(netns)?;
        self.set_forwarding(netns)
    }

    /// Lists the links that are concerned as they are to come up, or to get their addresses, by the routes that come with them.
    fn links_in_order(&self, netns: NetnsId, which: impl Fn(&Route) -> bool) -> Result<Vec<LinkId>, Refusal> {
        let mut links = self.concerned_links(netns)?;
        links.sort_by_key(|id| self.wanted_link(*id).is_bridge());
        Ok(in_order_of_routes(self.wanted.routes_of(netns), &links, which))
    }

    /// Last, so that a netns forwards only once it knows the ways.
    fn set_forwarding(&mut self, netns: NetnsId) -> Result<(), Refusal> {
        let Some((netns, on)) = self.setting_to_change(netns, |netns| netns.forwarding)? else { return Ok(()) };
        self.step(Step::SetForwarding { netns, on })
    }

    /// Returns the link at a place after the steps so far.
    fn now_at(&self, place: &Place) -> Result<&Link, Refusal> {
        let id = self.now.find_place(place)?;
        self.now.link(id, || "plan".into())
    }

    fn configure_link(&mut self, id: LinkId) -> Result<(), Refusal> {
        let (wanted, link) = (self.wanted_link(id), self.wanted.place_of(id));
        self.set_mtu(&link, wanted)?;
        let controller = wanted.controller.map(|bridge| self.wanted_link(bridge).name.clone());
        let attached = self.now_at(&link)?.controller.map(|bridge| self.now.place_of(bridge).link);
        if attached != controller {
            self.step(Step::SetController { link, controller })?;
        }
        Ok(())
    }

    fn set_up(&mut self, id: LinkId) -> Result<(), Refusal> {
        let (up, link) = (self.wanted_link(id).up, self.wanted.place_of(id));
        if up && !self.now_at(&link)?.up { self.step(Step::SetUp { link }) } else { Ok(()) }
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
}
