//! Calls of interface `netns`.

use orchestrator_net::netns;

use crate::answer::{Answer, done, list};
use crate::call::Calls;
use crate::fields::Fields;

pub(crate) const CALLS: Calls = &[
    ("netns.add", add),
    ("netns.get", get),
    ("netns.list", all),
    ("netns.forwarding", forwarding),
    ("netns.set-forwarding", set_forwarding),
    ("netns.autoconfiguration", autoconfiguration),
    ("netns.set-autoconfiguration", set_autoconfiguration),
    ("netns.remove", remove),
];

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

fn forwarding(fields: &Fields) -> Answer {
    Ok(fields.netns(0)?.forwarding()?.to_string())
}

fn set_forwarding(fields: &Fields) -> Answer {
    done(fields.netns(0)?.set_forwarding(fields.text(1)? == "on"))
}

fn autoconfiguration(fields: &Fields) -> Answer {
    Ok(fields.netns(0)?.autoconfiguration()?.to_string())
}

fn set_autoconfiguration(fields: &Fields) -> Answer {
    done(fields.netns(0)?.set_autoconfiguration(fields.text(1)? == "on"))
}

fn remove(fields: &Fields) -> Answer {
    done(fields.netns(0)?.remove())
}
