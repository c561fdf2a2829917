//! Calls of interface `netns`.

use orchestrator_net::netns;

use crate::answer::{Answer, done, list};
use crate::call::Calls;
use crate::fields::Fields;

pub(crate) const CALLS: Calls =
    &[("netns.add", add), ("netns.get", get), ("netns.list", all), ("netns.remove", remove)];

fn add(fields: &Fields) -> Answer {
    netns::add(fields.text(0)?)?;
    Ok(String::new())
}

fn get(fields: &Fields) -> Answer {
    Ok(fields.netns(0)?.name())
}

fn all(_: &Fields) -> Answer {
    list(netns::list().iter().map(|netns| netns.name()))
}

fn remove(fields: &Fields) -> Answer {
    done(fields.netns(0)?.remove())
}
