//! `wit/netns.wit`

use wasmtime::component::Resource;

use super::bindings::orchestrator::net::netns::{Host, HostNetns};
use super::drawing::{Drawing, NetnsHandle};
use super::errors::Failure;
use super::parse;
use crate::topology::NetnsId;

impl Host for Drawing {
    async fn host(&mut self) -> wasmtime::Result<Resource<NetnsHandle>> {
        self.hold_netns(NetnsId::HOST)
    }

    async fn add(&mut self, name: String) -> Result<Resource<NetnsHandle>, Failure> {
        let name = parse::netns_name("add netns", &name)?;
        let id = self.draw()?.add_netns(name)?;
        Ok(self.hold_netns(id)?)
    }

    async fn get(&mut self, name: String) -> Result<Resource<NetnsHandle>, Failure> {
        let name = parse::netns_name("get netns", &name)?;
        let id = self.topology.find_netns(&name)?;
        Ok(self.hold_netns(id)?)
    }

    async fn list(&mut self) -> wasmtime::Result<Vec<Resource<NetnsHandle>>> {
        let ids: Vec<NetnsId> = self.topology.list_netns().map(|(id, _)| id).collect();
        ids.into_iter().map(|id| self.hold_netns(id)).collect()
    }
}

impl HostNetns for Drawing {
    async fn name(&mut self, netns: Resource<NetnsHandle>) -> wasmtime::Result<String> {
        Ok(self.topology.netns_name(self.netns(&netns)?).to_string())
    }

    async fn forwarding(&mut self, netns: Resource<NetnsHandle>) -> Result<bool, Failure> {
        let id = self.netns(&netns)?;
        let act = || format!("ask whether netns `{}` forwards", self.topology.netns_name(id));
        Ok(self.topology.netns(id, act)?.forwarding)
    }

    async fn set_forwarding(&mut self, netns: Resource<NetnsHandle>, on: bool) -> Result<(), Failure> {
        let id = self.netns(&netns)?;
        Ok(self.draw()?.set_forwarding(id, on)?)
    }

    async fn autoconfiguration(&mut self, netns: Resource<NetnsHandle>) -> Result<bool, Failure> {
        let id = self.netns(&netns)?;
        let act = || format!("ask whether netns `{}` configures itself", self.topology.netns_name(id));
        Ok(self.topology.netns(id, act)?.autoconfiguration)
    }

    async fn set_autoconfiguration(&mut self, netns: Resource<NetnsHandle>, on: bool) -> Result<(), Failure> {
        let id = self.netns(&netns)?;
        Ok(self.draw()?.set_autoconfiguration(id, on)?)
    }

    async fn remove(&mut self, netns: Resource<NetnsHandle>) -> Result<(), Failure> {
        let id = self.netns(&netns)?;
        Ok(self.draw()?.remove_netns(id)?)
    }

    async fn drop(&mut self, netns: Resource<NetnsHandle>) -> wasmtime::Result<()> {
        self.table.delete(netns)?;
        Ok(())
    }
}
