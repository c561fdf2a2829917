//! Calls of interface `lab`.

use orchestrator_net::lab;

use crate::answer::{Answer, done};
use crate::call::Calls;
use crate::fields::Fields;

pub(crate) const CALLS: Calls = &[("lab.name", name), ("lab.apply", apply), ("lab.wait", wait), ("lab.log", log)];

fn name(_: &Fields) -> Answer {
    Ok(lab::name())
}

fn apply(_: &Fields) -> Answer {
    done(lab::apply())
}

fn wait(fields: &Fields) -> Answer {
    done(lab::wait(fields.number(0)?))
}

fn log(fields: &Fields) -> Answer {
    lab::log(fields.text(0)?);
    Ok(String::new())
}
