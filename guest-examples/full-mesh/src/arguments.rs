//! What the user asks for: `[N]`.

use orchestrator_net::{Failure, Result};

/// A mesh that still fits on a screen.
const USUALLY: u32 = 4;
/// 2,016 veth pairs: enough to see that nobody wants to go on like this.
const MAX_CONTAINERS: u32 = 64;

const USAGE: &str = "usage: full-mesh [N]";

/// Returns the number of containers.
pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<u32> {
    let containers = arguments.next().map_or(Ok(USUALLY), |number| count(&number))?;
    match arguments.next() {
        None => Ok(containers),
        Some(surplus) => Err(misuse(&format!("`{surplus}` is one argument too many"))),
    }
}

fn count(number: &str) -> Result<u32> {
    match number.parse() {
        Ok(count @ 2..=MAX_CONTAINERS) => Ok(count),
        _ => Err(misuse(&format!("`{number}` is no number from 2 to {MAX_CONTAINERS}"))),
    }
}

fn misuse(what: &str) -> Failure {
    format!("{what}\n{USAGE}").into()
}
