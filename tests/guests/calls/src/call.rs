//! One call: how it is written, and where it is looked up.

use crate::answer::{Answer, Refusal};
use crate::fields::Fields;
use crate::{abuse, address, bridge, held, lab, link, netns, probe, repeat, route, sys, veth};

/// Plays one kind of call.
pub(crate) type Function = fn(&Fields) -> Answer;

/// A part of the table of calls: the name of each with what plays it.
pub(crate) type Calls = &'static [(&'static str, Function)];

const TABLE: [Calls; 12] = [
    netns::CALLS,
    link::CALLS,
    veth::CALLS,
    bridge::CALLS,
    address::CALLS,
    route::CALLS,
    lab::CALLS,
    probe::CALLS,
    held::CALLS,
    sys::CALLS,
    abuse::CALLS,
    repeat::CALLS,
];

pub(crate) struct Call<'a> {
    /// The call as it was written, without its prefix.
    pub(crate) text: &'a str,
    must_succeed: bool,
}

impl<'a> Call<'a> {
    /// Reads `NAME,FIELD,...`, perhaps behind `!`, which lets a refusal end the scenario, or `?`, which does not.
    pub(crate) fn parse(argument: &'a str) -> Self {
        match argument.strip_prefix('!') {
            Some(text) => Self { text, must_succeed: true },
            None => Self { text: argument.strip_prefix('?').unwrap_or(argument), must_succeed: false },
        }
    }

    pub(crate) fn play(&self) -> Answer {
        let mut fields = self.text.split(',');
        let name = fields.next().unwrap_or_default();
        let (_, function) = TABLE
            .iter()
            .copied()
            .flatten()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| Refusal::misuse(format!("there is no call `{name}`")))?;

        function(&Fields::new(fields.collect()))
            .map_err(|refusal| Refusal { ends_scenario: refusal.ends_scenario || self.must_succeed, ..refusal })
    }
}
