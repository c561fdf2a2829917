//! Calls of interface `address`.

use orchestrator_net::address;

use crate::answer::{Answer, done, list};
use crate::call::Calls;
use crate::fields::Fields;

pub(crate) const CALLS: Calls = &[("address.add", add), ("address.remove", remove), ("address.list", all)];

fn add(fields: &Fields) -> Answer {
    done(address::add(&fields.link(0)?, fields.text(2)?))
}

fn remove(fields: &Fields) -> Answer {
    done(address::remove(&fields.link(0)?, fields.text(2)?))
}

fn all(fields: &Fields) -> Answer {
    list(address::list(&fields.link(0)?)?)
}
