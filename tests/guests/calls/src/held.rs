//! Calls that keep a handle and use it later, when what it stood for may have gone.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::thread::LocalKey;

use orchestrator_net::link::{self, Link};
use orchestrator_net::netns::Netns;

use crate::answer::{Answer, Refusal, done, list};
use crate::call::Calls;
use crate::fields::Fields;

pub(crate) const CALLS: Calls = &[
    ("hold.link", hold_link),
    ("held.name", name),
    ("held.set-up", set_up),
    ("held.remove", remove),
    ("hold.netns", hold_netns),
    ("held.netns-name", netns_name),
    ("held.link-list", link_list),
    ("held.remove-netns", remove_netns),
];

type Handles<T> = RefCell<BTreeMap<String, T>>;

thread_local! {
    static LINKS: Handles<Link> = Handles::default();
    static NETNS: Handles<Netns> = Handles::default();
}

fn hold_link(fields: &Fields) -> Answer {
    hold(&LINKS, fields, fields.link(1)?)
}

fn name(fields: &Fields) -> Answer {
    with(&LINKS, fields, |link| Ok(link.name()))
}

fn set_up(fields: &Fields) -> Answer {
    with(&LINKS, fields, |link| done(link.set_up()))
}

fn remove(fields: &Fields) -> Answer {
    with(&LINKS, fields, |link| done(link.remove()))
}

fn hold_netns(fields: &Fields) -> Answer {
    hold(&NETNS, fields, fields.netns(1)?)
}

fn netns_name(fields: &Fields) -> Answer {
    with(&NETNS, fields, |netns| Ok(netns.name()))
}

fn link_list(fields: &Fields) -> Answer {
    with(&NETNS, fields, |netns| list(link::list(netns)?.iter().map(|link| link.name())))
}

fn remove_netns(fields: &Fields) -> Answer {
    with(&NETNS, fields, |netns| done(netns.remove()))
}

fn hold<T>(handles: &'static LocalKey<Handles<T>>, fields: &Fields, handle: T) -> Answer {
    let key = fields.text(0)?.to_owned();
    handles.with_borrow_mut(|handles| handles.insert(key, handle));
    Ok(String::new())
}

fn with<T>(handles: &'static LocalKey<Handles<T>>, fields: &Fields, play: impl FnOnce(&T) -> Answer) -> Answer {
    let key = fields.text(0)?;
    handles.with_borrow(|handles| match handles.get(key) {
        Some(handle) => play(handle),
        None => Err(Refusal::misuse(format!("nothing is held under `{key}`"))),
    })
}
