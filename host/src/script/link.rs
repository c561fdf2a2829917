//! `wit/link.wit`

use wasmtime::component::Resource;

use super::bindings::orchestrator::net::link::{Host, HostLink};
use super::drawing::{Drawing, LinkHandle, NetnsHandle};
use super::errors::Failure;
use super::parse;
use crate::topology::{Link, LinkId};

impl Host for Drawing {
    async fn get(&mut self, netns: Resource<NetnsHandle>, name: String) -> Result<Resource<LinkHandle>, Failure> {
        let name = parse::link_name("get link", &name)?;
        let id = self.topology.find_link(self.netns(&netns)?, &name)?;
        Ok(self.hold_link(id)?)
    }

    async fn list(&mut self, netns: Resource<NetnsHandle>) -> Result<Vec<Resource<LinkHandle>>, Failure> {
        let id = self.netns(&netns)?;
        let act = || format!("list the links of netns `{}`", self.topology.netns_name(id));
        let ids: Vec<LinkId> = self.topology.netns(id, act)?.links.iter().copied().collect();
        Ok(ids.into_iter().map(|id| self.hold_link(id)).collect::<wasmtime::Result<_>>()?)
    }
}

impl Drawing {
    /// Returns a link that stands, or the refusal to read it.
    fn read_link(&self, handle: &Resource<LinkHandle>) -> Result<&Link, Failure> {
        let id = self.link(handle)?;
        Ok(self.topology.link(id, || format!("read link {}", self.topology.place_of(id)))?)
    }
}

impl HostLink for Drawing {
    async fn name(&mut self, link: Resource<LinkHandle>) -> wasmtime::Result<String> {
        Ok(self.topology.place_of(self.link(&link)?).link.to_string())
    }

    async fn netns_name(&mut self, link: Resource<LinkHandle>) -> wasmtime::Result<String> {
        Ok(self.topology.place_of(self.link(&link)?).netns.to_string())
    }

    async fn kind(&mut self, link: Resource<LinkHandle>) -> wasmtime::Result<String> {
        Ok(self.topology.kind_of(self.link(&link)?).word().to_owned())
    }

    async fn mac_address(&mut self, link: Resource<LinkHandle>) -> Result<String, Failure> {
        Ok(self.read_link(&link)?.mac.to_string())
    }

    async fn mtu(&mut self, link: Resource<LinkHandle>) -> Result<u32, Failure> {
        Ok(self.read_link(&link)?.mtu.bytes)
    }

    async fn is_up(&mut self, link: Resource<LinkHandle>) -> Result<bool, Failure> {
        Ok(self.read_link(&link)?.up)
    }

    async fn set_up(&mut self, link: Resource<LinkHandle>) -> Result<(), Failure> {
        let id = self.link(&link)?;
        Ok(self.draw()?.set_up(id)?)
    }

    async fn set_down(&mut self, link: Resource<LinkHandle>) -> Result<(), Failure> {
        let id = self.link(&link)?;
        Ok(self.draw()?.set_down(id)?)
    }

    async fn set_mtu(&mut self, link: Resource<LinkHandle>, mtu: u32) -> Result<(), Failure> {
        let id = self.link(&link)?;
        Ok(self.draw()?.set_mtu(id, mtu)?)
    }

    async fn set_name(&mut self, link: Resource<LinkHandle>, name: String) -> Result<(), Failure> {
        let id = self.link(&link)?;
        let act = format!("rename link {} to", self.topology.place_of(id));
        let name = parse::link_name(&act, &name)?;
        Ok(self.draw()?.set_name(id, name)?)
    }

    async fn set_netns(&mut self, link: Resource<LinkHandle>, target: Resource<NetnsHandle>) -> Result<(), Failure> {
        let (id, target) = (self.link(&link)?, self.netns(&target)?);
        Ok(self.draw()?.set_netns(id, target)?)
    }

    async fn remove(&mut self, link: Resource<LinkHandle>) -> Result<(), Failure> {
        let id = self.link(&link)?;
        Ok(self.draw()?.remove_link(id)?)
    }

    async fn drop(&mut self, link: Resource<LinkHandle>) -> wasmtime::Result<()> {
        self.table.delete(link)?;
        Ok(())
    }
}
