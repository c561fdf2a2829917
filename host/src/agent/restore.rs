//! Making the lab what it should be, from whatever it has become.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;

use super::held::Held;
use super::log::log;
use super::look::{self, Reading};
use super::netns::{enter, on_a_visit};
use super::requests::Shared;
use super::workshop::Workshop;
use crate::kernel::{self, BatchError, Socket};
use crate::plan::{Step, edit};
use crate::topology::{
    Drift, LinkId, MacAddress, NetnsName, Place, Refusal, Strangers, Topology, drift, forget_own_ipv6, forget_peers,
    observed,
};

/// What is put right may bring to light what is not right yet.
const ROUNDS: usize = 4;

/// What became of an attempt to make the lab what it should be.
pub(super) struct Restored {
    /// What is still otherwise.
    pub(super) left: Vec<Drift>,
    /// What did not work last, and why.
    pub(super) failure: Option<String>,
}

/// What is removed that the model does not know.
#[derive(Debug)]
pub(super) enum Remove {
    /// Everything.
    All,
    /// Those links alone that have been made by a step, which shows in their MAC address.
    Own {
        /// These were there before, by netns and name.
        but: HashSet<(NetnsName, String)>,
    },
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
    pub(super) fn differences(&self, model: &Topology, reading: &[observed::Netns]) -> Vec<Drift> {
        let has_ipv6: HashMap<NetnsName, bool> = {
            let standing = self.standing();
            let netns = standing.topology.list_netns();
            netns.map(|(id, netns)| (netns.name.clone(), standing.has_ipv6(id))).collect()
        };
        let there: BTreeSet<&NetnsName> = reading.iter().map(|netns| &netns.name).collect();
        let compare = |found: &observed::Netns| {
            let Ok(id) = model.find_netns(&found.name) else { return Vec::new() };
            let mut expected = model.observe(id);
            forget_peers(&mut expected, |netns| there.contains(netns));
            let mut found = found.clone();
            for netns in [&mut expected, &mut found] {
                if model.is_on_machine() && netns.name.is_host() {
                    // It is the machine's own.
                    netns.links.retain(|link| link.kind != "loopback");
                }
                if has_ipv6.get(&netns.name) == Some(&false) {
                    forget_own_ipv6(netns);
                }
            }
            drift(&expected, &found)
        };
        reading.iter().flat_map(compare).collect()
    }

    /// Compares the whole lab with what it should be.
    pub(super) fn check(&self) -> io::Result<Vec<Drift>> {
        let reading = self.read(&None)?;
        let model = self.standing().should_be().clone();
        Ok(self.differences(&model, &reading.netns))
    }

    /// Makes the lab what `target` is where that is concerned.
    pub(super) fn restore(
        &self,
        workshop: &mut Workshop,
        target: &Topology,
        concerned: &Concerned,
        remove: &Remove,
    ) -> io::Result<Restored> {
        let mut failure = None;
        for _ in 0..ROUNDS {
            let mut reading = self.read(concerned)?;
            let mut actual = self.standing().topology.clone();
            let strangers = actual.adopt(&reading.netns);
            if self.remove_strangers(&strangers, &reading, remove, &mut failure)? {
                // What they have taken along is seen now.
                reading = self.read(concerned)?;
                actual.adopt(&reading.netns);
            }
            let steps = edit(&actual, target);
            self.standing().take_over(actual, &reading);
            let steps = match steps {
                Ok(steps) if steps.is_empty() => break,
                Ok(steps) => steps,
                Err(error) => {
                    log(format_args!("error: {error}"));
                    failure = Some(error.to_string());
                    break;
                }
            };
            // On the machine's own host what was in nobody's way once may be now.
            let prepared = if matches!(remove, Remove::All) { self.outside.prepare(&steps, false)? } else { Ok(()) };
            if let Err(conflict) = prepared {
                self.outside.built();
                let conflict = format!("could not {}: {}", conflict.step.act(), conflict.with);
                log(format_args!("error: {conflict}"));
                failure = Some(conflict);
                break;
            }
            workshop.begin_edit();
            workshop.feed(steps, true);
            let outcome = workshop.commit(drop);
            self.outside.built();
            match outcome {
                Some(Ok(())) => {}
                Some(Err(failed)) => failure = Some(Refusal::from(*failed).to_string()),
                None => break,
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
        Ok(Restored { left: missing.chain(self.differences(target, &reading.netns)).collect(), failure })
    }

    /// Removes what the model does not know. Returns whether there was anything.
    fn remove_strangers(
        &self,
        strangers: &Strangers,
        reading: &Reading,
        remove: &Remove,
        failure: &mut Option<String>,
    ) -> io::Result<bool> {
        let mut going: HashMap<&NetnsName, Vec<u32>> = HashMap::new();
        for (netns, name) in &strangers.links {
            let Some((index, mac)) = reading.indexes.get(&(netns.clone(), name.clone())) else { continue };
            let goes = match remove {
                Remove::All => true,
                Remove::Own { but } => {
                    is_made_by_a_step(netns, name, mac) && !but.contains(&(netns.clone(), name.clone()))
                }
            };
            if goes {
                going.entry(netns).or_default().push(*index);
            }
        }
        for (netns, indexes) in &going {
            let Ok(held) = self.standing().find_held(netns) else { continue };
            remove_links(&held, indexes)?;
        }
        let mut odd: BTreeSet<&NetnsName> = BTreeSet::new();
        if let Remove::All = remove {
            odd.extend(strangers.addresses.iter().map(|(netns, ..)| netns));
            odd.extend(strangers.routes.iter().map(|(netns, _)| netns));
        }
        for netns in &odd {
            let Ok(held) = self.standing().find_held(netns) else { continue };
            if let Some(refused) = remove_odd(&held, strangers)? {
                let because = refused.text.map_or_else(String::new, |text| format!(": {text}"));
                let what = "remove what was added by hand";
                *failure = Some(format!("netns `{netns}`: could not {what}: {}{because}", refused.errno));
            }
        }
        Ok(!going.is_empty() || !odd.is_empty())
    }
}

/// Removes the addresses and routes of a netns that no step makes.
fn remove_odd(held: &Held, strangers: &Strangers) -> io::Result<Option<BatchError>> {
    on_a_visit(|| {
        enter(held)?;
        let is_address = |on: &str, found: &observed::Address| {
            let same = |address: &observed::Address| address.cidr == found.cidr && address.rest == found.rest;
            let mut odd = strangers.addresses.iter();
            odd.any(|(netns, link, address)| *netns == held.name && link == on && same(address))
        };
        let is_route = |found: &observed::Route| {
            // Its link may have lost its carrier meanwhile.
            let same =
                |route: &observed::Route| *route == observed::Route { link_down: route.link_down, ..found.clone() };
            strangers.routes.iter().any(|(netns, route)| *netns == held.name && same(route))
        };
        kernel::remove_chosen(&Socket::open()?, is_address, is_route)
    })
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
    let peer_of = |link: LinkId| Some(model.place_of(model.peer(link).ok()?).netns);
    let mut names = BTreeSet::new();
    for step in steps {
        names.extend(step.netns().cloned());
        names.extend(step.link().map(|link| link.netns.clone()));
        names.extend(step.taken().into_iter().map(|place| place.netns));
        match step {
            Step::RemoveNetns { netns } => {
                let links = model.find_netns(netns).ok().into_iter().flat_map(|id| model.links_of(id));
                names.extend(links.filter_map(peer_of));
            }
            Step::SetNetns { link, .. } | Step::RemoveLink { link } | Step::SetName { link, .. } => {
                names.extend(model.find_place(link).ok().and_then(peer_of));
            }
            _ => {}
        }
    }
    names
}
