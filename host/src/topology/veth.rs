//! Virtual Ethernet pairs, as `ip link add ... type veth` makes them.

use super::{Errno, Kind, LinkId, LinkName, NetnsId, Refusal, Topology};

/// How many queues each way a link has for which nobody asked.
pub const QUEUES: u32 = 1;
/// What the kernel takes (`rtnl_create_link`).
const MAX_QUEUES: u32 = 4096;

impl Topology {
    /// Adds a pair, both ends down. Like `ip -n NETNS link add NAME type veth peer name PEER-NAME netns PEER-NETNS`.
    pub fn add_veth(
        &mut self,
        netns: NetnsId,
        name: LinkName,
        peer_netns: NetnsId,
        peer_name: LinkName,
    ) -> Result<(LinkId, LinkId), Refusal> {
        self.add_veth_with_queues(netns, name, peer_netns, peer_name, QUEUES)
    }

    /// The same with `numtxqueues QUEUES numrxqueues QUEUES` at both ends.
    pub fn add_veth_with_queues(
        &mut self,
        netns: NetnsId,
        name: LinkName,
        peer_netns: NetnsId,
        peer_name: LinkName,
        queues: u32,
    ) -> Result<(LinkId, LinkId), Refusal> {
        let act = || {
            let (near, far) = (self.netns_name(netns), self.netns_name(peer_netns));
            format!("add veth `{name}` in netns `{near}` with peer `{peer_name}` in netns `{far}`")
        };
        // In the kernel's order: it makes the near end, then the far one.
        self.name_is_free(netns, &name, act)?;
        if !(1..=MAX_QUEUES).contains(&queues) {
            return Err(Refusal::invalid(act(), format!("it can have 1 to {MAX_QUEUES} queues, and not {queues}")));
        }
        self.name_is_free(peer_netns, &peer_name, act)?;
        if netns == peer_netns && name == peer_name {
            return Err(Refusal::new(Errno::EEXIST, act(), "the two ends need two names in one netns"));
        }
        self.count_links(2, act)?;
        let near = LinkId(self.next_link);
        let far = LinkId(self.next_link + 1);
        self.insert_link(netns, name, Kind::Veth { peer: far });
        self.insert_link(peer_netns, peer_name, Kind::Veth { peer: near });
        for end in [near, far] {
            self.link_mut(end).queues = queues;
        }
        self.changed();
        Ok((near, far))
    }

    /// Returns the other end of a pair.
    pub fn peer(&self, id: LinkId) -> Result<LinkId, Refusal> {
        let act = || format!("get the peer of link {}", self.place_of(id));
        match self.link(id, act)?.kind {
            Kind::Veth { peer } => Ok(peer),
            ref other => Err(Refusal::invalid(act(), format!("it is a {} and has none", other.word()))),
        }
    }
}
