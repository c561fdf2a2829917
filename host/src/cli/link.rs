//! `orchestrator link`

use clap::{Args, ValueEnum};

use super::output::print;
use super::{Exit, Failure, complete, speak_to};
use crate::lab;
use crate::plan::Step;
use crate::topology::{LinkName, NameError, NetnsName, Place};

/// Change a link of a lab by hand, to see what happens then
#[derive(Debug, Args)]
#[command(after_help = "\
As with `ip link set`, a link that is set down loses its routes and IPv6 addresses, and only those that come with its addresses return when it is set up. `check` knows of the change; the next `run` of the scenario puts it back and says so.

Examples:
  orchestrator link two-containers container1 eth0 down
  orchestrator link two-containers container1 eth0 mtu 1400")]
pub(super) struct Link {
    /// Lab, or USER/LAB as root
    #[arg(add = complete::lab())]
    lab: String,
    /// Netns that the link is in
    netns: String,
    /// Link
    link: String,
    /// What is to be done with it
    change: Change,
    /// Its MTU in bytes
    #[arg(value_name = "N", required_if_eq("change", "mtu"))]
    mtu: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Change {
    Up,
    Down,
    Mtu,
}

impl Link {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let unfit = |error: NameError| Failure { exit: Exit::Usage, error: error.into(), hint: None };
        let netns = NetnsName::parse(&self.netns).map_err(unfit)?;
        let link = Place { netns, link: LinkName::parse(&self.link).map_err(unfit)? };
        let step = match (self.change, self.mtu) {
            (Change::Up, None) => Step::SetUp { link },
            (Change::Down, None) => Step::SetDown { link },
            (Change::Mtu, Some(mtu)) => Step::SetMtu { link, mtu },
            _ => return Err(Failure::usage("only `mtu` takes a number")),
        };
        let (_, client) = speak_to(&self.lab)?;
        client.by_hand(step.clone()).map_err(|error| match error {
            // The model's own words: a name that is not there, a number that does not fit.
            lab::Error::Agent { .. } => Failure { exit: Exit::Usage, ..error.into() },
            error @ lab::Error::Step(_) => {
                Failure::from(error).hint(format!("`orchestrator repair {}` undoes what was changed by hand", self.lab))
            }
            error => error.into(),
        })?;
        print(&format!("{step}\n"))?;
        Ok(Exit::Done)
    }
}
