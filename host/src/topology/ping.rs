//! Questions whether one netns reaches an address, and their answers.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Errno, NetnsName};

/// Between two requests of one ping.
pub const PING_INTERVAL: Duration = Duration::from_millis(200);

/// The most pings that may be asked for at once, and requests that one ping may send: the answer has to be thought of as one, and
/// requests are numbered in two bytes.
pub const MOST_PINGS: usize = 65_535;

/// ICMP echo requests from one netns to one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// The netns that sends.
    pub source: NetnsName,
    /// The address that is to answer.
    pub target: IpAddr,
    /// How many requests to send at most.
    pub count: u32,
    /// How long to wait for the reply to each.
    pub timeout: Duration,
}

/// What became of a ping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PingOutcome {
    /// At least one reply came back.
    Reply,
    /// Nobody answered in time.
    NoReply,
    /// There is no way: the kernel said so on sending, or a router did.
    Unreachable(Errno),
}

/// A ping that could be tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingAnswer {
    /// What became of it.
    pub outcome: PingOutcome,
    /// Requests that went out.
    pub sent: u32,
    /// Replies that came back.
    pub received: u32,
    /// The shortest round trip.
    pub round_trip: Option<Duration>,
}
