//! What is legal and surely a mistake, said in words that help.
//!
//! The network is read once, and what is said of many objects alike is said of the first of them.

mod addresses;
mod gateways;
mod links;
#[cfg(test)]
mod tests;

use std::fmt;

use super::segments::Segments;
use super::{Address, Link, LinkId, Topology};

/// Something legal that is surely a mistake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// What it is about: ``link `veth1` in netns `host` ``.
    pub place: String,
    /// How that is, and what will come of it.
    pub what: String,
    /// What can be done.
    pub advice: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}; {}", self.place, self.what, self.advice)
    }
}

impl Topology {
    /// Lists what is legal and surely a mistake, each once, by place.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut survey = Survey { network: self, segments: self.segments(), warnings: Vec::new() };
        survey.links();
        survey.addresses();
        survey.gateways();
        survey.warnings.sort();
        survey.warnings
    }
}

struct Survey<'a> {
    network: &'a Topology,
    segments: Segments,
    warnings: Vec<Warning>,
}

impl<'a> Survey<'a> {
    fn warn(&mut self, place: String, what: String, advice: impl Into<String>) {
        self.warnings.push(Warning { place, what, advice: advice.into() });
    }

    fn link(&self, id: LinkId) -> &'a Link {
        self.network.standing(id).expect("the network was read as it stands")
    }

    /// Names a link as refusals do.
    fn words(&self, id: LinkId) -> String {
        format!("link {}", self.network.place_of(id))
    }

    /// Picks the link that is named for several: the first by place.
    fn first(&self, links: &[LinkId]) -> LinkId {
        *links.iter().min_by_key(|id| self.network.place_of(**id)).expect("there is one at least")
    }
}

/// The addresses of a link that somebody asked for.
fn given(link: &Link) -> impl Iterator<Item = &Address> {
    link.addresses.iter().filter(|address| !address.automatic)
}

/// Says of how many others the same is true; `what` is one of them.
fn and_more(count: usize, what: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!(" (and 1 more {what})"),
        _ => format!(" (and {count} more {what}s)"),
    }
}
