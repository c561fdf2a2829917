//! The fields of a call behind its name, read as what the call needs.

use std::str::FromStr;

use orchestrator_net::link::{self, Link};
use orchestrator_net::netns::{self, Netns};

use crate::answer::Refusal;

pub(crate) struct Fields<'a>(Vec<&'a str>);

impl<'a> Fields<'a> {
    pub(crate) fn new(fields: Vec<&'a str>) -> Self {
        Self(fields)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn text(&self, place: usize) -> Result<&'a str, Refusal> {
        let field = self.0.get(place).copied();
        field.ok_or_else(|| Refusal::misuse(format!("field {} is missing", place + 1)))
    }

    pub(crate) fn number<T: FromStr>(&self, place: usize) -> Result<T, Refusal> {
        let field = self.text(place)?;
        field.parse().map_err(|_| Refusal::misuse(format!("`{field}` is no number that fits")))
    }

    /// The fields from `place` on.
    pub(crate) fn rest(&self, place: usize) -> &[&'a str] {
        self.0.get(place..).unwrap_or_default()
    }

    pub(crate) fn netns(&self, place: usize) -> Result<Netns, Refusal> {
        Ok(netns::get(self.text(place)?)?)
    }

    /// The link that two fields name: its netns at `place`, its own name behind.
    pub(crate) fn link(&self, place: usize) -> Result<Link, Refusal> {
        Ok(link::get(&self.netns(place)?, self.text(place + 1)?)?)
    }
}
