//! Bridges and their ports, as `ip link set ... master` joins them.

use super::{Errno, Kind, LinkId, LinkName, NetnsId, Refusal, Topology};

/// The kernel's BR_MAX_PORTS, less port 0, which it does not give out.
const MAX_PORTS: usize = 1023;
/// What a bridge without ports has (ETH_DATA_LEN).
const DEFAULT_MTU: u32 = 1500;

impl Topology {
    /// Adds a bridge without ports, down. Like `ip -n NETNS link add NAME type bridge`.
    pub fn add_bridge(&mut self, netns: NetnsId, name: LinkName) -> Result<LinkId, Refusal> {
        let act = || format!("add bridge `{name}` in netns `{}`", self.netns_name(netns));
        self.name_is_free(netns, &name, act)?;
        self.count_links(1, act)?;
        self.changed();
        Ok(self.insert_link(netns, name, Kind::Bridge { ports: Vec::new() }))
    }

    /// Attaches a port, taking it from its bridge if it has one. Like `ip link set PORT master BRIDGE`.
    pub fn add_port(&mut self, bridge: LinkId, port: LinkId) -> Result<(), Refusal> {
        let act = || {
            let (port, bridge) = (self.place_of(port), self.place_of(bridge));
            format!("attach link {port} to bridge `{}`", bridge.link)
        };
        let controller = self.link(bridge, act)?;
        let candidate = self.link(port, act)?;
        let Kind::Bridge { ports } = &controller.kind else {
            let why = format!("`{}` is a {} and no bridge", controller.name, controller.kind.word());
            return Err(Refusal::new(Errno::EOPNOTSUPP, act(), why));
        };
        match candidate.kind {
            Kind::Veth { .. } => {}
            Kind::Bridge { .. } if bridge == port => {
                return Err(Refusal::new(Errno::ELOOP, act(), "a bridge can't be a port of itself"));
            }
            Kind::Bridge { .. } => {
                return Err(Refusal::new(Errno::ELOOP, act(), "a bridge can't be a port of a bridge"));
            }
            Kind::Loopback => return Err(Refusal::invalid(act(), "`lo` can't be a port")),
        }
        if controller.netns != candidate.netns {
            let why = format!("the bridge is in netns `{}`", self.netns_name(controller.netns));
            return Err(Refusal::invalid(act(), why));
        }
        if candidate.controller == Some(bridge) {
            return Ok(());
        }
        if ports.len() >= MAX_PORTS {
            let why = format!(
                "Linux gives a bridge {MAX_PORTS} ports, and all are taken; for more, join a second bridge to it by a veth pair"
            );
            return Err(Refusal::new(Errno::EXFULL, act(), why));
        }
        self.detach(port);
        let joining = self.link_mut(port);
        joining.controller = Some(bridge);
        let mtu = joining.mtu.bytes;
        self.ports_mut(bridge).push(port);
        self.link_mut(bridge).ports_by_mtu.insert((mtu, port));
        self.follow_ports_mtu(bridge);
        self.settle_link_local(port);
        self.changed();
        Ok(())
    }

    /// Detaches a port; nothing happens if it is none. Like `ip link set PORT nomaster`.
    pub fn remove_port(&mut self, port: LinkId) -> Result<(), Refusal> {
        self.link(port, || format!("detach link {}", self.place_of(port)))?;
        self.detach(port);
        self.settle_link_local(port);
        self.changed();
        Ok(())
    }

    /// Lists the ports of a bridge in the order they were attached.
    pub fn ports(&self, bridge: LinkId) -> Result<&[LinkId], Refusal> {
        let act = || format!("list the ports of link {}", self.place_of(bridge));
        match &self.link(bridge, act)?.kind {
            Kind::Bridge { ports } => Ok(ports),
            other => Err(Refusal::invalid(act(), format!("it is a {} and no bridge", other.word()))),
        }
    }

    /// Takes a link off its bridge, if it has one.
    pub(super) fn detach(&mut self, port: LinkId) {
        let leaving = self.link_mut(port);
        let mtu = leaving.mtu.bytes;
        if let Some(bridge) = leaving.controller.take() {
            self.ports_mut(bridge).retain(|id| *id != port);
            self.link_mut(bridge).ports_by_mtu.remove(&(mtu, port));
            self.follow_ports_mtu(bridge);
        }
    }

    fn ports_mut(&mut self, bridge: LinkId) -> &mut Vec<LinkId> {
        match &mut self.link_mut(bridge).kind {
            Kind::Bridge { ports } => ports,
            _ => unreachable!("only bridges are controllers"),
        }
    }

    /// Gives a bridge the smallest MTU of its ports, unless its own was chosen (the kernel's `br_mtu_auto_adjust`).
    pub(super) fn follow_ports_mtu(&mut self, bridge: LinkId) {
        let link = &self.links[&bridge];
        let (now, mtu) = (link.mtu, link.ports_by_mtu.first().map_or(DEFAULT_MTU, |(mtu, _)| *mtu));
        if !now.chosen && now.bytes != mtu {
            self.change_mtu(bridge, mtu);
        }
    }
}
