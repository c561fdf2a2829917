//! Expectations: questions to the kernel that fail where it answers otherwise.

use std::fmt;

use crate::netns::Netns;
use crate::probe::{self, PingOutcome, PingResult};
use crate::{Failure, Result};

/// How many requests follow a first ping that was lost.
const MORE_REQUESTS: u32 = 3;
/// How long each of them waits for its reply.
const PATIENCE_MS: u32 = 1_000;

/// Pings `target` from `source` and fails unless a reply comes.
///
/// One ping of 200 milliseconds is the rule. But the first one after a build may be lost while the kernel is still busy with
/// it, so silence is answered by three more requests with a second for each.
pub fn expect_reply(source: &Netns, target: &str) -> Result<PingResult> {
    let mut result = probe::ping(source, target)?;
    if result.outcome == PingOutcome::NoReply {
        result = probe::ping_within(source, target, MORE_REQUESTS, PATIENCE_MS)?;
    }
    if result.outcome != PingOutcome::Reply {
        return Err(unexpected(source, target, "a reply", &result));
    }
    Ok(result)
}

/// Pings all at once, each of `sources` the target at its place, and fails unless each gets a reply.
///
/// Whoever was not answered within a second is asked again, one after the other, as [`expect_reply`] does.
pub fn expect_replies(sources: &[&Netns], targets: &[String]) -> Result<Vec<PingResult>> {
    let mut results = probe::ping_all(sources, targets, PATIENCE_MS)?;
    for ((result, source), target) in results.iter_mut().zip(sources).zip(targets) {
        if result.outcome != PingOutcome::Reply {
            *result = expect_reply(source, target)?;
        }
    }
    Ok(results)
}

/// Pings `target` from `source` and fails unless the request goes out and nobody answers.
///
/// Nothing tells silence from an answer that is late, so the one ping waits its 200 milliseconds.
pub fn expect_no_reply(source: &Netns, target: &str) -> Result<PingResult> {
    let result = probe::ping(source, target)?;
    if result.outcome != PingOutcome::NoReply {
        return Err(unexpected(source, target, "no reply", &result));
    }
    Ok(result)
}

/// Pings `target` from `source` and fails unless there is no way to it.
///
/// One ping is enough: the kernel knows at once that it has no route. A target that is only silent is reached, so it fails too.
pub fn expect_unreachable(source: &Netns, target: &str) -> Result<PingResult> {
    let result = probe::ping(source, target)?;
    if result.outcome != PingOutcome::Unreachable {
        return Err(unexpected(source, target, "no way there", &result));
    }
    Ok(result)
}

/// Returns the line of the address that begins with `words`, or fails if the kernel has none in `netns`.
///
/// The words are those of `ip -o address`, link first: `br0 inet 172.16.0.1/24`.
pub fn expect_address(netns: &Netns, words: &str) -> Result<String> {
    find(netns, "an address", probe::addresses(netns)?, words)
}

/// Returns the line of the route that begins with `words`, or fails if the kernel has none in `netns`.
///
/// The words are those of `ip route`: `default via 172.16.0.1`.
pub fn expect_route(netns: &Netns, words: &str) -> Result<String> {
    find(netns, "a route", probe::routes(netns)?, words)
}

/// Compares word by word, for `ip` pads its columns, and `10.0.0.1` is no beginning of `10.0.0.12`.
fn find(netns: &Netns, what: &str, mut lines: Vec<String>, words: &str) -> Result<String> {
    let begins = |line: &String| {
        let mut found = line.split_whitespace();
        words.split_whitespace().all(|word| found.next() == Some(word))
    };
    if let Some(place) = lines.iter().position(begins) {
        return Ok(lines.swap_remove(place));
    }
    let (name, found) = (netns.name(), lines.join("`, `"));
    Err(format!("{name}: expected {what} `{words}`, got `{found}`").into())
}

fn unexpected(source: &Netns, target: &str, expected: &str, result: &PingResult) -> Failure {
    let source = source.name();
    format!("{source} pings {target}: expected {expected}, got {result}").into()
}

impl fmt::Display for PingResult {
    /// Writes what a person wants to know: `reply in 0.06 ms`, `no reply within 200 ms`, `network is unreachable`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.outcome, self.round_trip_us) {
            // Where the lab is only planned, nothing was there to take the time of.
            (PingOutcome::Reply, 0) => f.write_str("reply"),
            (PingOutcome::Reply, us) => write!(f, "reply in {:.2} ms", f64::from(us) / 1000.0),
            (PingOutcome::NoReply | PingOutcome::Unreachable, _) => f.write_str(&self.message),
        }
    }
}
