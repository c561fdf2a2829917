//! Making the lab what it should be, from whatever it has become.

use std::collections::{BTreeSet, HashMap};
use std::io;

use super::held::Held;
use super::look::{self, Reading};
use super::netns::{enter, on_a_visit};
use super::requests::Shared;
use super::workshop::Workshop;
use crate::kernel::{self, Socket};
use crate::plan::{Step, edit};
use crate::topology::{Drift, MacAddress, NetnsName, Place, Strangers, Topology, drift, observed};

/// What is put right may bring to light what is not right yet.
const ROUNDS: usize = 4;

/// Whose links are removed that the model does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remove {
    /// Everybody's.
    All,
    /// Those alone that have been made by a step, which shows in their MAC address.
    Own,
}

/// The namespaces that something is about; without a list it is all of them.
pub(super) type Concerned = Option<BTreeSet<NetnsName>>;

impl Shared {
    /// Reads namespaces from the kernel.
    pub(super) fn read(&self, concerned: &Concerned) -> io::Result<Reading> {
        let (held, expected) = {
            let standing = self.standing();
            let mut held = standing.all_held();
            if let Some(names) = concerned {
                held.retain(|held| names.contains(&held.name));
            }
            let expected = look::expected(&standing.topology, &held);
            (held, expected)
        };
        look::read_all(&held, &expected, concerned.is_none())
    }

    /// Lists in what a network, as it was read, differs from a model of it.
    pub(super) fn differences(model: &Topology, reading: &[observed::Netns]) -> Vec<Drift> {
        let there: BTreeSet<&NetnsName> = reading.iter().map(|netns| &netns.name).collect();
        let compare = |found: &observed::Netns| {
            let Ok(id) = model.find_netns(&found.name) else { return Vec::new() };
            let mut expected = model.observe(id);
            // The other end is only known where its netns was read too.
            for link in &mut expected.links {
                link.peer.take_if(|peer| !there.contains(&peer.netns));
            }
            drift(&expected, found)
        };
        reading.iter().flat_map(compare).collect()
    }

    /// Compares the whole lab with what it should be.
    pub(super) fn check(&self) -> io::Result<Vec<Drift>> {
        let reading = self.read(&None)?;
        Ok(Self::differences(&self.standing().topology, &reading.netns))
    }

    /// Makes the lab what `target` is where that is concerned. Returns what is still otherwise.
    pub(super) fn restore(
        &self,
        workshop: &mut Workshop,
        target: &Topology,
        concerned: &Concerned,
        remove: Remove,
    ) -> io::Result<Vec<Drift>> {
        for _ in 0..ROUNDS {
            let reading = self.read(concerned)?;
            let (actual, strangers) = {
                let mut actual = self.standing().topology.clone();
                let strangers = actual.adopt(&reading.netns);
                (actual, strangers)
            };
            let removed = self.remove_strangers(&strangers, &reading, remove)?;
            // What a stranger has taken along is seen when all is read again.
            let reading = if removed { self.read(concerned)? } else { reading };
            let actual = if removed {
                let mut actual = actual;
                actual.adopt(&reading.netns);
                actual
            } else {
                actual
            };
            let Ok(steps) = edit(&actual, target) else { break };
            self.standing().take_over(actual, &reading);
            if steps.is_empty() {
                break;
            }
            workshop.begin_edit();
            workshop.feed(steps, true);
            if workshop.commit(drop).is_none() {
                break;
            }
        }
        // What was made anew is in no list of what was concerned before.
        let concerned = concerned.as_ref().map(|names| {
            let named = |name: &&NetnsName| target.find_netns(name).is_ok();
            names.iter().filter(named).cloned().collect()
        });
        let reading = self.read(&concerned)?;
        let there: BTreeSet<&NetnsName> = reading.netns.iter().map(|netns| &netns.name).collect();
        let wanted = target.list_netns().map(|(_, netns)| &netns.name);
        let missing = wanted
            .filter(|name| concerned.as_ref().is_none_or(|names| names.contains(*name)) && !there.contains(name))
            .map(|name| Drift {
                netns: name.clone(),
                what: "the netns".into(),
                expected: Some("there".into()),
                found: None,
            });
        Ok(missing.chain(Self::differences(target, &reading.netns)).collect())
    }

    /// Removes links that the model does not know. Returns whether there were any.
    fn remove_strangers(&self, strangers: &Strangers, reading: &Reading, remove: Remove) -> io::Result<bool> {
        let mut going: HashMap<&NetnsName, Vec<u32>> = HashMap::new();
        for (netns, name) in &strangers.links {
            let Some((index, mac)) = reading.indexes.get(&(netns.clone(), name.clone())) else { continue };
            if remove == Remove::All || is_made_by_a_step(netns, name, mac) {
                going.entry(netns).or_default().push(*index);
            }
        }
        for (netns, indexes) in &going {
            let Ok(held) = self.standing().find_held(netns) else { continue };
            remove_links(&held, indexes)?;
        }
        Ok(!going.is_empty())
    }
}

fn is_made_by_a_step(netns: &NetnsName, name: &str, mac: &str) -> bool {
    let link = crate::topology::LinkName::parse(name);
    link.is_ok_and(|link| MacAddress::at(&Place { netns: netns.clone(), link }).to_string() == *mac)
}

/// Removes links; one may have gone with another.
fn remove_links(held: &Held, indexes: &[u32]) -> io::Result<()> {
    on_a_visit(|| {
        enter(held)?;
        let socket = Socket::open()?;
        for index in indexes {
            let _ = socket.batch(vec![kernel::remove_link(*index)]);
        }
        Ok(())
    })
}

/// Finds the namespaces in which steps change something, and those that lose something by it.
pub(super) fn concerned(model: &Topology, steps: &[Step]) -> BTreeSet<NetnsName> {
    let mut names = BTreeSet::new();
    let mut touch = |netns: &NetnsName| {
        names.insert(netns.clone());
    };
    let peer_of = |place: &Place| Some(model.place_of(model.peer(model.find_place(place).ok()?).ok()?).netns);
    for step in steps {
        match step {
            Step::AddNetns { netns, .. }
            | Step::SetForwarding { netns, .. }
            | Step::SetAutoconfiguration { netns, .. } => {
                touch(netns);
            }
            Step::RemoveNetns { netns } => {
                touch(netns);
                let links = model.find_netns(netns).ok().into_iter().flat_map(|id| model.links_of(id));
                let peers: Vec<NetnsName> =
                    links.filter_map(|link| Some(model.place_of(model.peer(link).ok()?).netns)).collect();
                peers.iter().for_each(&mut touch);
            }
            Step::AddVeth { near, far, .. } => {
                touch(&near.place.netns);
                touch(&far.place.netns);
            }
            Step::AddBridge { bridge } => touch(&bridge.place.netns),
            Step::SetNetns { link, target, .. } => {
                touch(&link.netns);
                touch(target);
                peer_of(link).iter().for_each(&mut touch);
            }
            Step::RemoveLink { link } | Step::SetName { link, .. } => {
                touch(&link.netns);
                peer_of(link).iter().for_each(&mut touch);
            }
            Step::SetUp { link }
            | Step::SetDown { link }
            | Step::SetMtu { link, .. }
            | Step::SetController { link, .. }
            | Step::AddAddress { link, .. }
            | Step::RemoveAddress { link, .. }
            | Step::AddRoute { link, .. }
            | Step::RemoveRoute { link, .. } => touch(&link.netns),
        }
    }
    names
}
