//! `wit/bridge.wit`

use wasmtime::component::Resource;

use super::bindings::orchestrator::net::bridge::Host;
use super::drawing::{Drawing, LinkHandle, NetnsHandle};
use super::errors::Failure;
use super::parse;
use crate::topology::LinkId;

impl Host for Drawing {
    async fn add(&mut self, netns: Resource<NetnsHandle>, name: String) -> Result<Resource<LinkHandle>, Failure> {
        let name = parse::link_name("add bridge", &name)?;
        let netns = self.netns(&netns)?;
        let id = self.draw()?.add_bridge(netns, name)?;
        Ok(self.hold_link(id)?)
    }

    async fn add_port(&mut self, bridge: Resource<LinkHandle>, port: Resource<LinkHandle>) -> Result<(), Failure> {
        let (bridge, port) = (self.link(&bridge)?, self.link(&port)?);
        Ok(self.draw()?.add_port(bridge, port)?)
    }

    async fn remove_port(&mut self, port: Resource<LinkHandle>) -> Result<(), Failure> {
        let port = self.link(&port)?;
        Ok(self.draw()?.remove_port(port)?)
    }

    async fn ports(&mut self, bridge: Resource<LinkHandle>) -> Result<Vec<Resource<LinkHandle>>, Failure> {
        let ids: Vec<LinkId> = self.topology.ports(self.link(&bridge)?)?.to_vec();
        Ok(ids.into_iter().map(|id| self.hold_link(id)).collect::<wasmtime::Result<_>>()?)
    }
}
