//! Calls of interface `probe`.

use orchestrator_net::probe::{self, PingOutcome, PingResult};

use crate::answer::{Answer, Refusal, list, or_dash};
use crate::call::Calls;
use crate::fields::Fields;

pub(crate) const CALLS: Calls = &[
    ("probe.ping", ping),
    ("probe.ping-within", ping_within),
    ("probe.ping-all", ping_all),
    ("probe.links", links),
    ("probe.addresses", addresses),
    ("probe.routes", routes),
];

fn ping(fields: &Fields) -> Answer {
    Ok(show(&probe::ping(&fields.netns(0)?, fields.text(1)?)?))
}

fn ping_within(fields: &Fields) -> Answer {
    let (source, target) = (fields.netns(0)?, fields.text(1)?);
    let (count, timeout_ms) = (fields.number(2)?, fields.number(3)?);
    Ok(show(&probe::ping_within(&source, target, count, timeout_ms)?))
}

/// Behind the timeout, each field is one ping: `NETNS=TARGET`.
fn ping_all(fields: &Fields) -> Answer {
    let timeout_ms = fields.number(0)?;
    let mut sources = Vec::new();
    let mut targets = Vec::new();
    for pair in fields.rest(1) {
        let (source, target) =
            pair.split_once('=').ok_or_else(|| Refusal::misuse(format!("`{pair}` is not NETNS=TARGET")))?;
        sources.push(orchestrator_net::netns::get(source)?);
        targets.push(target.to_owned());
    }
    let sources: Vec<_> = sources.iter().collect();
    list(probe::ping_all(&sources, &targets, timeout_ms)?.iter().map(show))
}

fn links(fields: &Fields) -> Answer {
    list(probe::links(&fields.netns(0)?)?)
}

fn addresses(fields: &Fields) -> Answer {
    list(probe::addresses(&fields.netns(0)?)?)
}

fn routes(fields: &Fields) -> Answer {
    list(probe::routes(&fields.netns(0)?)?)
}

/// Leaves out the round trip, which is another one each time.
fn show(result: &PingResult) -> String {
    let outcome = match result.outcome {
        PingOutcome::Reply => "reply".to_owned(),
        PingOutcome::NoReply => "no-reply".to_owned(),
        PingOutcome::Unreachable => format!("unreachable {}", or_dash(&result.errno)),
    };
    format!("{outcome} sent={} received={}", result.sent, result.received)
}
