//! `orchestrator ping`

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;

use super::output::{print, print_json};
use super::{Exit, Failure, complete, speak_to};
use crate::lab::{Client, Error};
use crate::render::{self, Pinged};
use crate::topology::{MOST_PINGS, NetnsName, Ping as Question, PingOutcome, harmless, observed};

/// Ping within a lab; all pairs of namespaces if none are named
#[derive(Debug, Args)]
#[command(after_help = "\
Returns 1 if any ping had no reply. Needs no `ping` program.

Examples:
  orchestrator ping two-containers                              # all pairs
  orchestrator ping two-containers container1 172.16.0.3")]
pub(super) struct Ping {
    /// Lab, or USER/LAB as root
    #[arg(add = complete::lab())]
    lab: String,
    /// Netns that sends
    #[arg(requires = "to")]
    from: Option<String>,
    /// Netns, or address, that is to answer
    to: Option<String>,
    /// Requests to send to each
    #[arg(short, long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    count: u32,
    /// How long to wait for each reply
    #[arg(short = 'W', long, default_value = "1s", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Ping {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let (_, mut client) = speak_to(&self.lab)?;
        let pairs = match (&self.from, &self.to) {
            (Some(from), Some(to)) => vec![self.one_pair(&client, from, to)?],
            _ => self.all_pairs(&client)?,
        };
        let questions = pairs.iter().map(|(from, _, target)| Question {
            source: from.clone(),
            target: *target,
            count: self.count,
            timeout: self.timeout,
        });
        let answers = client.ping_patiently(questions.collect()).map_err(|error| in_lab(error, &self.lab))?;
        let pinged: Vec<Pinged> = pairs
            .into_iter()
            .zip(answers)
            .map(|((from, to, target), answer)| Pinged { from: from.to_string(), to, target, answer })
            .collect();
        if self.json {
            print_json(&render::ping_json(&pinged))?;
        } else {
            print(&render::ping_table(&pinged))?;
        }
        let all_replied = pinged.iter().all(|pinged| pinged.answer.outcome == PingOutcome::Reply);
        Ok(if all_replied { Exit::Done } else { Exit::No })
    }

    fn one_pair(&self, client: &Client, from: &str, to: &str) -> Result<(NetnsName, String, IpAddr), Failure> {
        let from = netns_name(from, &self.lab)?;
        if let Ok(target) = to.parse::<IpAddr>() {
            return Ok((from, to.to_owned(), target));
        }
        let name = netns_name(to, &self.lab)?;
        let read = client.observe(name.clone()).map_err(|error| in_lab(error, &self.lab))?;
        let target = address_of(&read)
            .ok_or_else(|| Failure::usage(format!("netns `{name}` of lab `{}` has no address to ping", self.lab)))?;
        Ok((from, name.to_string(), target))
    }

    fn all_pairs(&self, client: &Client) -> Result<Vec<(NetnsName, String, IpAddr)>, Failure> {
        let read = client.observe_all()?;
        let ends: Vec<(&NetnsName, IpAddr)> =
            read.iter().filter_map(|netns| Some((&netns.name, address_of(netns)?))).collect();
        for silent in read.iter().filter(|netns| address_of(netns).is_none()) {
            eprintln!("note: netns `{}` has no address and is left out", silent.name);
        }
        let pairs = ends.len() * ends.len().saturating_sub(1);
        if pairs > MOST_PINGS {
            let message =
                format!("lab `{}` has {pairs} pairs of namespaces, and a table has at most {MOST_PINGS}", self.lab);
            return Err(Failure::usage(message).hint(format!("name two: `orchestrator ping {} FROM TO`", self.lab)));
        }
        let others = |(from, _): &(&NetnsName, IpAddr)| {
            let from = (*from).clone();
            ends.iter()
                .filter(|(to, _)| **to != from)
                .map(|(to, target)| (from.clone(), to.to_string(), *target))
                .collect::<Vec<_>>()
        };
        Ok(ends.iter().flat_map(others).collect())
    }
}

/// Chooses the address by which a netns is pinged: its first that is not of `lo` and not link-local, IPv4 before IPv6.
fn address_of(netns: &observed::Netns) -> Option<IpAddr> {
    let links = netns.links.iter().filter(|link| link.kind != "loopback");
    let addresses = links.flat_map(|link| &link.addresses).filter(|address| address.scope == "global");
    addresses.map(|address| address.cidr.addr()).min_by_key(IpAddr::is_ipv6)
}

/// Parses the name of a netns that should be in a lab.
pub(super) fn netns_name(text: &str, lab: &str) -> Result<NetnsName, Failure> {
    NetnsName::parse(text)
        .map_err(|_| Failure::usage(format!("lab `{lab}` has no netns `{}`", harmless(text))))
        .map_err(|failure| failure.hint(format!("`orchestrator show {lab}` shows them")))
}

/// Says of an agent's error that a name of the user's led to it, if so.
pub(super) fn in_lab(error: Error, lab: &str) -> Failure {
    let not_found = matches!(&error, Error::Agent { errno: Some(errno), .. } if errno.name() == "ENOENT");
    let failure = Failure::from(error);
    if not_found {
        return Failure { exit: Exit::Usage, ..failure }.hint(format!("`orchestrator show {lab}` shows what it has"));
    }
    failure
}
