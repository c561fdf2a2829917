//! `wit/veth.wit`

use wasmtime::component::Resource;

use super::bindings::orchestrator::net::veth::Host;
use super::drawing::{Drawing, LinkHandle, NetnsHandle};
use super::errors::Failure;
use super::parse;
use crate::topology::QUEUES;

impl Host for Drawing {
    async fn add(
        &mut self,
        netns: Resource<NetnsHandle>,
        name: String,
        peer_netns: Resource<NetnsHandle>,
        peer_name: String,
    ) -> Result<(Resource<LinkHandle>, Resource<LinkHandle>), Failure> {
        self.add_with_queues(netns, name, peer_netns, peer_name, QUEUES).await
    }

    async fn add_with_queues(
        &mut self,
        netns: Resource<NetnsHandle>,
        name: String,
        peer_netns: Resource<NetnsHandle>,
        peer_name: String,
        queues: u32,
    ) -> Result<(Resource<LinkHandle>, Resource<LinkHandle>), Failure> {
        let name = parse::link_name("add veth", &name)?;
        let peer_name = parse::link_name(&format!("add veth `{name}` with peer"), &peer_name)?;
        let (netns, peer_netns) = (self.netns(&netns)?, self.netns(&peer_netns)?);
        let (near, far) = self.draw()?.add_veth_with_queues(netns, name, peer_netns, peer_name, queues)?;
        Ok((self.hold_link(near)?, self.hold_link(far)?))
    }

    async fn peer(&mut self, link: Resource<LinkHandle>) -> Result<Resource<LinkHandle>, Failure> {
        let peer = self.topology.peer(self.link(&link)?)?;
        Ok(self.hold_link(peer)?)
    }
}
