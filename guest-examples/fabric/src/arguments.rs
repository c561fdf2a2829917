//! What the user asks for: `LEAVES SPINES HOSTS [--ipv6]`.

use orchestrator_net::{Failure, Result};

const USAGE: &str = "usage: fabric LEAVES SPINES HOSTS [--ipv6], where HOSTS is the number at each leaf";

/// A fabric with one leaf has nobody to pass packets on to.
const LEAVES: Quantity =
    Quantity { name: "LEAVES", least: 2, most: 255, reason: "a leaf's hosts are the network 10.LEAF.0.0/16" };
const SPINES: Quantity =
    Quantity { name: "SPINES", least: 1, most: 128, reason: "a leaf's links to them share 172.16.LEAF.0/24" };
/// A bridge has 1,023 ports, yet of a broadcast to more than 1,000 the kernel drops the rest.
const HOSTS: Quantity = Quantity {
    name: "HOSTS",
    least: 1,
    most: 1000,
    reason: "a leaf asks all its hosts at once who has an address, and the kernel lets 1000 packets wait \
             (net.core.netdev_max_backlog)",
};

pub(crate) struct Arguments {
    pub(crate) leaves: u32,
    pub(crate) spines: u32,
    /// Of each leaf.
    pub(crate) hosts: u32,
    pub(crate) ipv6: bool,
}

impl Arguments {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let (options, numbers): (Vec<String>, Vec<String>) = arguments.partition(|argument| argument == "--ipv6");
        let mut numbers = numbers.into_iter();
        let parsed = Self {
            leaves: LEAVES.parse(numbers.next())?,
            spines: SPINES.parse(numbers.next())?,
            hosts: HOSTS.parse(numbers.next())?,
            ipv6: !options.is_empty(),
        };
        match numbers.next() {
            None => Ok(parsed),
            Some(surplus) => Err(misuse(&format!("`{surplus}` is one argument too many"))),
        }
    }
}

/// A number that the user gives.
struct Quantity {
    name: &'static str,
    least: u32,
    most: u32,
    /// Why there can't be more.
    reason: &'static str,
}

impl Quantity {
    fn parse(&self, number: Option<String>) -> Result<u32> {
        let Self { name, least, most, reason } = self;
        let number = number.ok_or_else(|| misuse(&format!("{name} is missing")))?;
        match number.parse::<u32>() {
            Ok(count) if (*least..=*most).contains(&count) => Ok(count),
            Ok(count) if count > *most => Err(misuse(&format!("{name} is `{number}` and at most {most}: {reason}"))),
            _ => Err(misuse(&format!("{name} is `{number}` and no number from {least} to {most}"))),
        }
    }
}

fn misuse(what: &str) -> Failure {
    format!("{what}\n{USAGE}").into()
}
