//! Links of any kind: what `ip link` shows and changes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Address, Addresses, Errno, Limits, LinkId, LinkLocal, LinkName, MacAddress, NetnsId, Place, QUEUES, Refusal,
    Topology,
};

/// Below this a link has no IPv6 (RFC 8200, section 5).
const IPV6_MIN_MTU: u32 = 1280;
const ETHERNET_MTU: u32 = 1500;
const LOOPBACK_MTU: u32 = 65_536;

/// What a link is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// `lo`.
    Loopback,
    /// One end of a pair.
    Veth {
        /// The other end.
        peer: LinkId,
    },
    /// A bridge.
    Bridge {
        /// The links attached to it, in that order.
        ports: Vec<LinkId>,
    },
}

impl Kind {
    /// Returns the kind as `ip -d link` prints it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Veth { .. } => "veth",
            Self::Bridge { .. } => "bridge",
        }
    }
}

/// The MTU of a link, and whether somebody chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mtu {
    /// The largest packet in bytes.
    pub bytes: u32,
    /// It was set. A bridge's own follows the smallest of its ports until then.
    pub chosen: bool,
}

/// One link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Link {
    /// Its name.
    pub name: LinkName,
    /// The netns that it is in.
    pub netns: NetnsId,
    /// What it is.
    pub kind: Kind,
    /// It is set administratively up.
    pub up: bool,
    /// Its MTU.
    pub mtu: Mtu,
    /// Its MAC address.
    pub mac: MacAddress,
    /// How many queues it has for sending, and as many for receiving.
    pub queues: u32,
    /// The bridge that it is a port of.
    pub controller: Option<LinkId>,
    /// Its addresses in the order they were added.
    pub addresses: Addresses,
    /// The ports of a bridge by their MTU: its own follows the smallest.
    pub(super) ports_by_mtu: BTreeSet<(u32, LinkId)>,
}

impl Link {
    /// Tells whether the kernel speaks IPv6 on it.
    pub fn has_ipv6(&self) -> bool {
        self.mtu.bytes >= IPV6_MIN_MTU
    }

    /// Tells whether it is a bridge.
    pub fn is_bridge(&self) -> bool {
        matches!(self.kind, Kind::Bridge { .. })
    }

    /// Returns the bridge's ports; none of any other kind.
    pub fn ports(&self) -> &[LinkId] {
        match &self.kind {
            Kind::Bridge { ports } => ports,
            _ => &[],
        }
    }
}

impl Topology {
    /// Puts a new link, down, into a netns. Its name must be free there.
    pub(super) fn insert_link(&mut self, netns: NetnsId, name: LinkName, kind: Kind) -> LinkId {
        let id = LinkId(self.next_link);
        self.next_link += 1;
        let (mac, bytes) = match kind {
            Kind::Loopback => (MacAddress::ZERO, LOOPBACK_MTU),
            _ => (MacAddress::at(&self.place(netns, name.clone())), ETHERNET_MTU),
        };
        let mtu = Mtu { bytes, chosen: false };
        let (addresses, ports_by_mtu) = (Addresses::default(), BTreeSet::new());
        let (up, queues, controller) = (false, QUEUES, None);
        let link = Link { name, netns, kind, up, mtu, mac, queues, controller, addresses, ports_by_mtu };
        self.netns_mut(netns).join(id, &link);
        self.links.insert(id, link);
        self.changes.note_link(netns, id);
        id
    }

    /// Refuses `count` new links past the limit.
    pub(super) fn count_links(&self, count: usize, act: impl FnOnce() -> String) -> Result<(), Refusal> {
        if self.link_count() + count > self.limits.links {
            return Err(Refusal::limit(act(), self.limits.links, "links", "--max-links"));
        }
        // Each netns has had its `lo`.
        let ever = Limits::ever(self.limits.links);
        if self.link_local == LinkLocal::Automatic && (self.next_link - self.next_netns) as usize + count > ever {
            return Err(Refusal::limit(act(), ever, "links in all, removed ones included", "--max-links"));
        }
        Ok(())
    }

    /// Refuses a link name that its netns has already.
    pub(super) fn name_is_free(
        &self,
        netns: NetnsId,
        name: &LinkName,
        act: impl Fn() -> String,
    ) -> Result<(), Refusal> {
        let home = self.netns(netns, &act)?;
        if home.by_name.contains_key(name) {
            let why = format!("netns `{}` has a link `{name}`", home.name);
            return Err(Refusal::new(Errno::EEXIST, act(), why));
        }
        Ok(())
    }

    /// Finds a link by its name. Like `ip -n NETNS link show dev NAME`.
    pub fn find_link(&self, netns: NetnsId, name: &LinkName) -> Result<LinkId, Refusal> {
        let act = || format!("get link `{name}` in netns `{}`", self.netns_name(netns));
        self.netns(netns, act)?
            .by_name
            .get(name)
            .copied()
            .ok_or_else(|| Refusal::new(Errno::ENODEV, act(), "there is none of that name"))
    }

    /// Finds a link by its place.
    pub fn find_place(&self, place: &Place) -> Result<LinkId, Refusal> {
        self.find_link(self.find_netns(&place.netns)?, &place.link)
    }

    /// Lists every link in the order they were added.
    pub fn list_links(&self) -> impl Iterator<Item = (LinkId, &Link)> {
        self.links.iter()
    }

    /// Returns a link, or the refusal to do `act` because it has gone.
    pub fn link(&self, id: LinkId, act: impl FnOnce() -> String) -> Result<&Link, Refusal> {
        self.links.get(&id).ok_or_else(|| Refusal::new(Errno::ENODEV, act(), "the link has gone"))
    }

    /// Returns a link that stands.
    pub fn standing(&self, id: LinkId) -> Option<&Link> {
        self.links.get(&id)
    }

    /// Returns where a link is, or was last.
    pub fn place_of(&self, id: LinkId) -> Place {
        match self.links.get(&id) {
            Some(link) => self.place(link.netns, link.name.clone()),
            None => self.gone_links[&id].0.clone(),
        }
    }

    /// Returns what a link is, or was.
    pub fn kind_of(&self, id: LinkId) -> &Kind {
        self.links.get(&id).map_or_else(|| &self.gone_links[&id].1, |link| &link.kind)
    }

    /// Returns a link whose presence was checked by `link`, to be changed.
    pub(super) fn link_mut(&mut self, id: LinkId) -> &mut Link {
        let link = self.links.get_mut(&id).expect("the caller has looked the link up");
        self.changes.note_link(link.netns, id);
        link
    }

    /// Sets a link up: its connected routes come, and a link-local address. Like `ip link set NAME up`.
    pub fn set_up(&mut self, id: LinkId) -> Result<(), Refusal> {
        let link = self.link(id, || format!("set link {} up", self.place_of(id)))?;
        if link.up {
            return Ok(());
        }
        self.link_mut(id).up = true;
        if *self.kind_of(id) == Kind::Loopback {
            self.add_loopback_addresses(id);
        }
        self.connect_all(id);
        self.settle_link_local(id);
        self.changed();
        Ok(())
    }

    /// Sets a link down: its routes and its IPv6 addresses go. Like `ip link set NAME down`.
    pub fn set_down(&mut self, id: LinkId) -> Result<(), Refusal> {
        let act = || format!("set link {} down", self.place_of(id));
        let link = self.link(id, act)?;
        if !link.up {
            return Ok(());
        }
        self.may_change(id, act)?;
        self.link_mut(id).up = false;
        self.drop_routes_over(id, |_| true);
        self.drop_addresses(id, Address::is_ipv6);
        self.changed();
        Ok(())
    }

    /// Sets the MTU. Like `ip link set NAME mtu MTU`.
    pub fn set_mtu(&mut self, id: LinkId, mtu: u32) -> Result<(), Refusal> {
        let act = || format!("set mtu {mtu} of link {}", self.place_of(id));
        let allowed = match self.link(id, act)?.kind {
            // Below, the kernel takes even IPv4 from it.
            Kind::Loopback => 68..=i32::MAX as u32,
            Kind::Veth { .. } | Kind::Bridge { .. } => 68..=65_535,
        };
        if !allowed.contains(&mtu) {
            let why = format!("a {} takes {} to {}", self.kind_of(id).word(), allowed.start(), allowed.end());
            return Err(Refusal::invalid(act(), why));
        }
        self.may_change(id, act)?;
        let link = self.link_mut(id);
        if link.mtu.bytes == mtu {
            // The kernel does not look further, so that a bridge goes on following its ports (`netif_set_mtu`).
            return Ok(());
        }
        link.mtu.chosen = true;
        self.change_mtu(id, mtu);
        if let Some(bridge) = self.link_mut(id).controller {
            self.follow_ports_mtu(bridge);
        }
        self.changed();
        Ok(())
    }

    /// Changes the MTU with what the kernel does at the limit of IPv6.
    pub(super) fn change_mtu(&mut self, id: LinkId, bytes: u32) {
        let link = self.link_mut(id);
        let (old, controller) = (std::mem::replace(&mut link.mtu.bytes, bytes), link.controller);
        if let Some(bridge) = controller {
            let ports = &mut self.link_mut(bridge).ports_by_mtu;
            ports.remove(&(old, id));
            ports.insert((bytes, id));
        }
        if !self.links[&id].has_ipv6() {
            self.drop_routes_over(id, |route| route.is_ipv6());
            self.drop_addresses(id, Address::is_ipv6);
        }
        self.settle_link_local(id);
    }

    /// Renames a link; its MAC address becomes that of its new place. Like `ip link set NAME name NEW`.
    pub fn set_name(&mut self, id: LinkId, name: LinkName) -> Result<(), Refusal> {
        let act = || format!("rename link {} to `{name}`", self.place_of(id));
        let link = self.link(id, act)?;
        if link.kind == Kind::Loopback {
            return Err(Refusal::invalid(act(), "every netns has its `lo`"));
        }
        if link.name == name {
            return Ok(());
        }
        let netns = link.netns;
        if link.up && self.netns[&netns].autoconfiguration {
            let why = format!(
                "it is up, and its link-local address is made by the kernel in netns `{}`",
                self.netns_name(netns)
            );
            return Err(Refusal::new(Errno::EBUSY, act(), why));
        }
        self.name_is_free(netns, &name, act)?;
        self.put(id, netns, name);
        self.changed();
        Ok(())
    }

    /// Moves a link to another netns, where it arrives down and bare. Like `ip link set NAME netns TARGET`.
    pub fn set_netns(&mut self, id: LinkId, target: NetnsId) -> Result<(), Refusal> {
        let name = self.place_of(id).link;
        self.move_to(id, target, name)
    }

    /// Moves a link and renames it on the way. Like `ip link set NAME netns TARGET name NEW`.
    pub fn move_to(&mut self, id: LinkId, target: NetnsId, name: LinkName) -> Result<(), Refusal> {
        let act = || {
            let (place, target) = (self.place_of(id), self.netns_name(target));
            format!("move link {place} to netns `{target}`")
        };
        let link = self.link(id, act)?;
        let why = match link.kind {
            Kind::Loopback => Some("every netns has its `lo`"),
            Kind::Bridge { .. } => Some("a bridge can't leave its netns"),
            Kind::Veth { .. } => None,
        };
        if let Some(why) = why {
            return Err(Refusal::invalid(act(), why));
        }
        self.netns(target, act)?;
        if link.netns == target && link.name == name {
            return Ok(());
        }
        self.name_is_free(target, &name, act)?;
        self.strip(id);
        self.put(id, target, name);
        self.changed();
        Ok(())
    }

    /// Gives a link another place.
    fn put(&mut self, id: LinkId, netns: NetnsId, name: LinkName) {
        let mac = MacAddress::at(&self.place(netns, name.clone()));
        let mut link = self.links.remove(&id).expect("the caller has looked the link up");
        self.netns_mut(link.netns).leave(id, &link);
        self.changes.forget_link(link.netns, id);
        (link.netns, link.name, link.mac) = (netns, name, mac);
        self.netns_mut(netns).join(id, &link);
        self.links.insert(id, link);
        self.changes.note_link(netns, id);
    }

    /// Takes from a link what it loses when it leaves its netns.
    fn strip(&mut self, id: LinkId) {
        self.link_mut(id).up = false;
        self.drop_routes_over(id, |_| true);
        self.drop_addresses(id, |_| true);
        self.detach(id);
    }

    /// Removes a link; a veth's peer goes too, a bridge's ports stay. Like `ip link del NAME`.
    pub fn remove_link(&mut self, id: LinkId) -> Result<(), Refusal> {
        let act = || format!("remove link {}", self.place_of(id));
        if self.link(id, act)?.kind == Kind::Loopback {
            return Err(Refusal::new(Errno::EOPNOTSUPP, act(), "every netns has its `lo`"));
        }
        self.drop_link(id);
        self.changed();
        Ok(())
    }

    /// Removes a link of any kind, with what hangs on it.
    pub(super) fn drop_link(&mut self, id: LinkId) {
        let Some(link) = self.links.get(&id) else { return };
        let ports: BTreeSet<LinkId> = link.ports().iter().copied().collect();
        for port in ports {
            self.detach(port);
            self.settle_link_local(port);
        }
        self.strip(id);
        let place = self.place_of(id);
        let link = self.links.remove(&id).expect("looked up above");
        self.netns_mut(link.netns).leave(id, &link);
        self.changes.note_link(link.netns, id);
        let peer = if let Kind::Veth { peer } = link.kind { Some(peer) } else { None };
        self.gone_links.insert(id, (place, link.kind));
        if let Some(peer) = peer {
            self.drop_link(peer);
        }
    }
}
