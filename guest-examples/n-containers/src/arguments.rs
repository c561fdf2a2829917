//! What the user asks for: `N [--ipv6]`.

use orchestrator_net::{Failure, Result};

/// The addresses of 10.0.0.0/16, less the first one, the host's and the last one.
const MAX_CONTAINERS: u32 = (1 << 16) - 3;

const USAGE: &str = "usage: n-containers N [--ipv6]";

pub(crate) struct Arguments {
    pub(crate) containers: u32,
    pub(crate) ipv6: bool,
}

impl Arguments {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut containers = None;
        let mut ipv6 = false;
        for argument in arguments {
            match argument.as_str() {
                "--ipv6" => ipv6 = true,
                number if containers.is_none() => containers = Some(count(number)?),
                surplus => return Err(misuse(&format!("`{surplus}` is one argument too many"))),
            }
        }
        let containers = containers.ok_or_else(|| misuse("the number of containers is missing"))?;
        Ok(Self { containers, ipv6 })
    }
}

fn count(number: &str) -> Result<u32> {
    match number.parse() {
        Ok(count @ 1..=MAX_CONTAINERS) => Ok(count),
        _ => Err(misuse(&format!("`{number}` is no number from 1 to {MAX_CONTAINERS}"))),
    }
}

fn misuse(what: &str) -> Failure {
    format!("{what}\n{USAGE}").into()
}
