//! `wit/address.wit`

use wasmtime::component::Resource;

use super::bindings::orchestrator::net::address::Host;
use super::drawing::{Drawing, LinkHandle};
use super::errors::Failure;
use super::parse;

impl Host for Drawing {
    async fn add(&mut self, link: Resource<LinkHandle>, cidr: String) -> Result<(), Failure> {
        let cidr = parse::cidr("add address", &cidr)?;
        let id = self.link(&link)?;
        Ok(self.draw()?.add_address(id, cidr)?)
    }

    async fn remove(&mut self, link: Resource<LinkHandle>, cidr: String) -> Result<(), Failure> {
        let cidr = parse::cidr("remove address", &cidr)?;
        let id = self.link(&link)?;
        Ok(self.draw()?.remove_address(id, cidr)?)
    }

    async fn list(&mut self, link: Resource<LinkHandle>) -> Result<Vec<String>, Failure> {
        let addresses = self.topology.list_addresses(self.link(&link)?)?;
        Ok(addresses.iter().map(|address| address.cidr.to_string()).collect())
    }
}
