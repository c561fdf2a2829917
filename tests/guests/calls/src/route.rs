//! Calls of interface `route`.

use orchestrator_net::route;

use crate::answer::{Answer, done, list};
use crate::call::Calls;
use crate::fields::Fields;

pub(crate) const CALLS: Calls = &[
    ("route.add", add),
    ("route.add-via", add_via),
    ("route.add-on-link", add_on_link),
    ("route.remove", remove),
    ("route.list", all),
];

fn add(fields: &Fields) -> Answer {
    done(route::add(&fields.netns(0)?, fields.text(1)?, fields.text(2)?))
}

fn add_via(fields: &Fields) -> Answer {
    done(route::add_via(&fields.link(0)?, fields.text(2)?, fields.text(3)?))
}

fn add_on_link(fields: &Fields) -> Answer {
    done(route::add_on_link(&fields.link(0)?, fields.text(2)?))
}

fn remove(fields: &Fields) -> Answer {
    done(route::remove(&fields.netns(0)?, fields.text(1)?))
}

fn all(fields: &Fields) -> Answer {
    list(route::list(&fields.netns(0)?)?)
}
