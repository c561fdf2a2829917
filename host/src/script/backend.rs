//! What is behind a script: whoever makes its steps real and answers its looks.

use std::time::Duration;

use crate::plan::Step;
use crate::topology::{NetnsName, Ping, PingAnswer, Refusal, observed};

/// Makes steps real and answers looks. The methods may wait; they are called where that holds nobody up.
pub trait Backend: Send {
    /// Does steps in their order.
    fn apply(&mut self, steps: Vec<Step>) -> Result<(), Refusal>;

    /// Pings, all at once.
    fn ping(&mut self, pings: Vec<Ping>) -> Result<Vec<PingAnswer>, Refusal>;

    /// Reads a netns.
    fn observe(&mut self, netns: NetnsName) -> Result<observed::Netns, Refusal>;

    /// Waits until the links carry; returns those that did not in time, as `NETNS/LINK`.
    fn settle(&mut self, timeout: Duration) -> Result<Vec<String>, Refusal>;

    /// Says that signals which end this process are waited for from now on, so that whoever has seen to them before need not.
    fn signals_are_waited_for(&mut self) {}

    /// Shows a line of the scenario to the user.
    fn log(&mut self, message: &str);
}
