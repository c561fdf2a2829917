//! `wit/route.wit`

use wasmtime::component::Resource;

use super::bindings::orchestrator::net::route::Host;
use super::drawing::{Drawing, LinkHandle, NetnsHandle};
use super::errors::Failure;
use super::parse;

impl Host for Drawing {
    async fn add(&mut self, netns: Resource<NetnsHandle>, destination: String, gateway: String) -> Result<(), Failure> {
        let destination = parse::destination("add route", &destination)?;
        let gateway = parse::address(&format!("add route `{destination}` via"), &gateway)?;
        let netns = self.netns(&netns)?;
        Ok(self.draw()?.add_route(netns, destination, gateway)?)
    }

    async fn add_via(
        &mut self,
        link: Resource<LinkHandle>,
        destination: String,
        gateway: String,
    ) -> Result<(), Failure> {
        let destination = parse::destination("add route", &destination)?;
        let gateway = parse::address(&format!("add route `{destination}` via"), &gateway)?;
        let link = self.link(&link)?;
        Ok(self.draw()?.add_route_via(link, destination, gateway)?)
    }

    async fn add_on_link(&mut self, link: Resource<LinkHandle>, destination: String) -> Result<(), Failure> {
        let destination = parse::destination("add route", &destination)?;
        let link = self.link(&link)?;
        Ok(self.draw()?.add_route_on_link(link, destination)?)
    }

    async fn remove(&mut self, netns: Resource<NetnsHandle>, destination: String) -> Result<(), Failure> {
        let destination = parse::destination("remove route", &destination)?;
        let netns = self.netns(&netns)?;
        Ok(self.draw()?.remove_route(netns, destination)?)
    }

    async fn list(&mut self, netns: Resource<NetnsHandle>) -> Result<Vec<String>, Failure> {
        let routes = self.topology.list_routes(self.netns(&netns)?)?;
        Ok(routes.iter().map(ToString::to_string).collect())
    }
}
