//! `orchestrator ping`

use std::net::IpAddr;

use serde_json::{Value, json};

use super::table::{or_dash, table};
use crate::topology::{PingAnswer, PingOutcome};

/// Who pinged whom, and what came of it.
pub struct Pinged {
    /// The netns that sent.
    pub from: String,
    /// The netns, or the address, that was to answer.
    pub to: String,
    /// The address that was pinged.
    pub target: IpAddr,
    /// What came of it.
    pub answer: PingAnswer,
}

/// Lays pings out, one a line.
pub fn ping_table(pinged: &[Pinged]) -> String {
    let cells = pinged.iter().map(|Pinged { from, to, target, answer }| {
        let result = match &answer.outcome {
            PingOutcome::Reply => "reply".into(),
            PingOutcome::NoReply => "no reply".into(),
            PingOutcome::Unreachable(errno) => format!("unreachable ({errno})"),
        };
        let time = answer.round_trip.map(|time| format!("{:.3} ms", time.as_secs_f64() * 1000.0));
        [from.clone(), to.clone(), target.to_string(), result, or_dash(time)]
    });
    table("", ["FROM", "TO", "ADDRESS", "RESULT", "TIME"], cells)
}

/// Returns pings as an array.
pub fn ping_json(pinged: &[Pinged]) -> Value {
    let value = |Pinged { from, to, target, answer }: &Pinged| {
        let (outcome, errno) = match &answer.outcome {
            PingOutcome::Reply => ("reply", None),
            PingOutcome::NoReply => ("no-reply", None),
            PingOutcome::Unreachable(errno) => ("unreachable", Some(errno.name())),
        };
        json!({
            "from": from,
            "to": to,
            "address": target,
            "outcome": outcome,
            "errno": errno,
            "sent": answer.sent,
            "received": answer.received,
            "round_trip_us": answer.round_trip.map(|time| time.as_micros() as u64),
        })
    };
    pinged.iter().map(value).collect()
}
