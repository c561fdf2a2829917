//! The answers to requests that anybody who may speak to the agent can make.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::outside::Outside;
use super::standing::Standing;
use super::{Config, icmp, look, settle};
use crate::protocol::{Answer, Host, Join, State, Status};
use crate::topology::{NetnsId, NetnsName, Ping, Refusal};

/// Before a look the links are given this long to come to rest; it takes a few milliseconds.
const REST: Duration = Duration::from_secs(1);

/// What all threads of the agent share.
pub(super) struct Shared {
    pub(super) config: Arc<Config>,
    pub(super) standing: Arc<Mutex<Standing>>,
    pub(super) outside: Outside,
    pub(super) state: Mutex<State>,
    pub(super) started: SystemTime,
    pub(super) outer_pid: i32,
}

fn failed(act: &str, error: &io::Error) -> Answer {
    let errno = error.raw_os_error().map(crate::kernel::errno_of);
    let cause = errno.as_ref().map_or_else(|| error.to_string(), ToString::to_string);
    Answer::Failed { message: format!("could not {act}: {cause}"), errno }
}

fn refused(refusal: &Refusal) -> Answer {
    Answer::Failed { message: refusal.to_string(), errno: refusal.errno.clone() }
}

impl Shared {
    pub(super) fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists the namespaces with their descriptors, the host first.
    pub(super) fn namespaces(&self) -> Vec<(NetnsName, Arc<OwnedFd>)> {
        let standing = self.standing();
        let netns = standing.topology.list_netns();
        netns.map(|(id, netns)| (netns.name.clone(), standing.nodes[&id].netns.clone())).collect()
    }

    pub(super) fn status(&self) -> Answer {
        let (netns, links) = {
            let standing = self.standing();
            (standing.topology.netns_count(), standing.topology.link_count())
        };
        Answer::Status(Status {
            module: self.config.module.clone(),
            state: *self.state.lock().unwrap_or_else(PoisonError::into_inner),
            netns,
            links,
            agent_pid: self.outer_pid,
            started: self.started,
        })
    }

    pub(super) fn ping(&self, pings: Vec<Ping>) -> Answer {
        if let Err(error) = self.rest_before(&pings) {
            return failed("wait for the links", &error);
        }
        let mut flights = Vec::with_capacity(pings.len());
        for ping in pings {
            match self.standing().netns(&ping.source) {
                Ok(netns) => flights.push((ping, netns)),
                Err(refusal) => return refused(&refusal),
            }
        }
        icmp::ping(&flights).map_or_else(|error| failed("ping", &error), Answer::Pinged)
    }

    /// Lets what was built come to rest where it matters to these pings: at their ends, and in the bridges. The kernel works
    /// its queue off in order, so what lies between is at rest then too.
    fn rest_before(&self, pings: &[Ping]) -> io::Result<()> {
        let concerned: Vec<_> = {
            let mut standing = self.standing();
            if !std::mem::take(&mut standing.restless) {
                return Ok(());
            }
            let holds_target = |id: NetnsId| {
                standing.topology.links_of(id).filter_map(|link| standing.topology.standing(link)).any(|link| {
                    link.addresses.iter().any(|held| pings.iter().any(|ping| ping.target == held.cidr.addr()))
                })
            };
            let netns = standing.topology.list_netns().filter(|(id, netns)| {
                standing.topology.has_bridge(*id)
                    || pings.iter().any(|ping| ping.source == netns.name)
                    || holds_target(*id)
            });
            netns.map(|(id, netns)| (netns.name.clone(), standing.nodes[&id].netns.clone())).collect()
        };
        settle::settle(&concerned, REST).map(drop)
    }

    pub(super) fn settle(&self, timeout: Duration) -> Answer {
        match settle::settle(&self.namespaces(), timeout) {
            Ok(waiting) => Answer::Settled(waiting.into_iter().collect()),
            Err(error) => failed("wait for the links", &error),
        }
    }

    pub(super) fn observe(&self, wanted: Option<NetnsName>) -> Answer {
        let lab = self.namespaces();
        let wanted = match wanted {
            None => lab.iter().map(|(name, _)| name.clone()).collect(),
            Some(name) => match self.standing().topology.find_netns(&name) {
                Ok(_) => vec![name],
                Err(refusal) => return refused(&refusal),
            },
        };
        look::observe(&wanted, &lab).map_or_else(|error| failed("read the lab", &error), Answer::Observed)
    }

    /// Returns what a command needs to enter a netns, and the descriptor of the netns itself.
    pub(super) fn join(&self, name: &NetnsName) -> Result<(Answer, Arc<OwnedFd>), Answer> {
        use std::os::fd::AsRawFd;
        let standing = self.standing();
        let netns = standing.netns(name).map_err(|refusal| refused(&refusal))?;
        let hosts = standing.topology.list_netns().map(|(id, netns)| {
            let links = standing.topology.links_of(id).filter_map(|link| standing.topology.standing(link));
            let node = &standing.nodes[&id];
            let addresses = links.flat_map(|link| &link.addresses).filter(|held| !held.automatic);
            Host {
                netns: netns.name.clone(),
                descriptor: node.netns.as_raw_fd(),
                inode: node.inode,
                addresses: addresses.map(|held| held.cidr.addr()).collect(),
            }
        });
        Ok((Answer::Join(Join { hosts: hosts.collect() }), netns))
    }
}
