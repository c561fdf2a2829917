//! Calls of interface `link`.

use orchestrator_net::link;

use crate::answer::{Answer, done, list};
use crate::call::Calls;
use crate::fields::Fields;

pub(crate) const CALLS: Calls = &[
    ("link.get", get),
    ("link.list", all),
    ("link.show", show),
    ("link.set-up", set_up),
    ("link.set-down", set_down),
    ("link.set-mtu", set_mtu),
    ("link.set-name", set_name),
    ("link.set-netns", set_netns),
    ("link.remove", remove),
];

fn get(fields: &Fields) -> Answer {
    Ok(fields.link(0)?.name())
}

fn all(fields: &Fields) -> Answer {
    list(link::list(&fields.netns(0)?)?.iter().map(|link| link.name()))
}

fn show(fields: &Fields) -> Answer {
    let link = fields.link(0)?;
    let (name, netns, kind) = (link.name(), link.netns_name(), link.kind());
    let (mac_address, mtu) = (link.mac_address()?, link.mtu()?);
    let admin_state = if link.is_up()? { "up" } else { "down" };
    Ok(format!("{name} {netns} {kind} {mac_address} {mtu} {admin_state}"))
}

fn set_up(fields: &Fields) -> Answer {
    done(fields.link(0)?.set_up())
}

fn set_down(fields: &Fields) -> Answer {
    done(fields.link(0)?.set_down())
}

fn set_mtu(fields: &Fields) -> Answer {
    done(fields.link(0)?.set_mtu(fields.number(2)?))
}

fn set_name(fields: &Fields) -> Answer {
    done(fields.link(0)?.set_name(fields.text(2)?))
}

fn set_netns(fields: &Fields) -> Answer {
    done(fields.link(0)?.set_netns(&fields.netns(2)?))
}

fn remove(fields: &Fields) -> Answer {
    done(fields.link(0)?.remove())
}
