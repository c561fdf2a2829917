//! The messages.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::bounded::at_most;
use crate::plan::{Conflict, Need, Shortage, Step, StepFailure};
use crate::topology::{Drift, Errno, Limits, MOST_PINGS, NetnsName, Ping, PingAnswer, Topology, observed};

/// Pings of one request that are under way at a time. Whoever asks for more waits for as many rounds.
pub const PINGS_AT_ONCE: usize = 256;

/// The most steps that go in one message, some 40 kB.
pub const STEPS_AT_ONCE: usize = 400;

/// Steps that may be on their way to the builder, who has not begun with them.
pub const STEPS_AHEAD: usize = 4096;

/// What an agent can be asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// The next steps up to `Commit` need this. Only from `run`, and before them; it has no answer, but where a limit is too low for it
    /// none of them is begun, and `Commit` is answered by [`Answer::Short`].
    Need(Need),
    /// Begin with these steps. Only from `run`; it has no answer, so that building starts while more are on the way.
    Steps(#[serde(deserialize_with = "at_most::<_, _, STEPS_AT_ONCE>")] Vec<Step>),
    /// Say how the steps so far went: [`Answer::Done`], or [`Answer::Refused`], [`Answer::Conflict`], [`Answer::Short`] or
    /// [`Answer::Failed`]. Only from `run`.
    Commit,
    /// From now on the lab stands by itself: [`Answer::Completed`]. Only from `run`.
    Complete,
    /// Ping, all at once: [`Answer::Pinged`].
    Ping(#[serde(deserialize_with = "at_most::<_, _, MOST_PINGS>")] Vec<Ping>),
    /// Read a netns from the kernel, without the peers of its veths: [`Answer::Observed`].
    Observe(NetnsName),
    /// Read all of the lab from the kernel: [`Answer::Observed`].
    ObserveAll,
    /// Wait until every link that has a carrier carries frames: [`Answer::Settled`].
    Settle(Duration),
    /// [`Answer::Status`].
    Status,
    /// Hand over what a command needs to enter a netns: [`Answer::Join`].
    Join(NetnsName),
    /// Tell what the lab should be: [`Answer::Model`].
    Model,
    /// Edit the lab: [`Answer::Done`], and [`Answer::Model`] behind it, and then from this channel alone `Need`, `Steps` and `Commit`,
    /// which is answered by [`Answer::Edited`], `Undo`, looks, and `Complete`, after which the channel ends. Without that the lab is as
    /// it was then.
    Edit(EditOrder),
    /// Undo what this edit has done: [`Answer::Drift`] of what could not be.
    Undo,
    /// Compare the lab with what it should be: [`Answer::Drift`].
    Check,
    /// Put the lab right: [`Answer::Repaired`].
    Repair,
    /// Tell which processes are in namespaces: [`Answer::Occupants`].
    Occupants(#[serde(deserialize_with = "at_most::<_, _, STEPS_AT_ONCE>")] Vec<NetnsName>),
    /// Do this as if it had been done by hand, and know of it: [`Answer::Done`]. Only what changes a link in place.
    ByHand(Step),
    /// End, with all that the lab has. Answered by the end of the channel.
    Down,
}

/// Who wants to edit a lab, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EditOrder {
    /// Where the lab comes from then.
    pub origin: Origin,
    /// How large it may become from now on.
    pub limits: Limits,
    /// Its host is to be the machine itself.
    pub on_host: bool,
    /// It may come from another module than before.
    pub update: bool,
    /// Namespaces may go that have processes in them.
    pub force: bool,
}

/// The scenario that a lab comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The module, as it was given.
    pub module: String,
    /// What makes it the same module: a file's path, or that it is a built-in example.
    pub source: String,
}

/// What a lab should be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Model {
    /// The network.
    pub topology: Topology,
    /// What was changed by hand since the last scenario.
    pub by_hand: Vec<Step>,
}

/// What became of the steps of an edit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Edited {
    /// The step that failed, after which all was undone.
    pub failure: Option<Box<StepFailure>>,
    /// What was not as it should be where the edit has been, before it.
    pub drift: Vec<Drift>,
    /// What could not be undone.
    pub left: Vec<Drift>,
}

/// What became of a lab that was to be put right.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Repaired {
    /// What is not right.
    pub left: Vec<Drift>,
    /// What did not work last, and why.
    pub failure: Option<String>,
}

/// A process in a netns that is to go.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Occupant {
    /// The netns.
    pub netns: NetnsName,
    /// Its PID, as the agent sees it.
    pub pid: u32,
    /// Its name.
    pub command: String,
}

/// What it answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// It is done.
    Done,
    /// A step failed; the lab ends when `run` lets go of it.
    Refused(Box<StepFailure>),
    /// A step would meet something of the machine's, so nothing was begun.
    Conflict(Box<Conflict>),
    /// The answer to `Commit` is on its way; so many of the steps since the one before are done.
    Progress(u64),
    /// A limit of the machine is too low for the steps, so nothing was begun.
    Short(Box<Shortage>),
    /// The lab stands by itself; these names in `/run/netns` are somebody else's.
    Completed(Vec<String>),
    /// What became of each ping.
    Pinged(Vec<PingAnswer>),
    /// What stands.
    Observed(Vec<observed::Netns>),
    /// What was not at rest when the time was over, as `NETNS/LINK`.
    Settled(Vec<String>),
    /// What the lab is.
    Status(Status),
    /// How to enter a netns; descriptors of the net, PID and (without root) user namespace come with it, in this order.
    Join(Join),
    /// What the lab should be.
    Model(Box<Model>),
    /// Somebody else builds or edits the lab.
    Busy,
    /// The lab comes from this module, and not from the one that was named.
    OtherModule(String),
    /// Namespaces that are to go have processes in them, so nothing was begun.
    Occupied(Vec<Occupant>),
    /// These processes are in namespaces.
    Occupants(Vec<Occupant>),
    /// What became of an edit.
    Edited(Edited),
    /// In what the lab differs from what it should be.
    Drift(Vec<Drift>),
    /// What became of putting it right.
    Repaired(Repaired),
    /// The agent can't start here.
    Unable {
        /// What it could not do.
        act: String,
        /// What the kernel said.
        errno: Errno,
        /// It was about namespaces, which users and machines may be short of.
        about_namespaces: bool,
    },
    /// It could not be done.
    Failed {
        /// What the kernel said, if it was the kernel.
        errno: Option<Errno>,
        /// What could not be done and why.
        message: String,
    },
}

/// How far a lab is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its scenario has not returned yet.
    Building,
    /// It stands.
    Up,
}

/// What `list` shows of a lab.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The module that it was built from, as it was given.
    pub module: String,
    /// How far it is.
    pub state: State,
    /// Its host is the machine itself.
    pub on_host: bool,
    /// Its namespaces, the host among them.
    pub netns: usize,
    /// Its links, every `lo` left out.
    pub links: usize,
    /// The agent's PID in the PID namespace of `run`.
    pub agent_pid: i32,
    /// When the agent started.
    pub started: SystemTime,
}

/// What a command needs to enter a netns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Join {
    /// Every netns with the agent's descriptor of it and its addresses.
    pub hosts: Vec<Host>,
    /// The host is the machine itself, where everybody else is too.
    pub on_host: bool,
    /// There is only one uid in the lab, and this is to be done about it.
    pub one_id: Option<String>,
}

/// A netns as others in the lab know it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Host {
    /// Its name.
    pub netns: NetnsName,
    /// The agent's descriptor of it.
    pub descriptor: i32,
    /// Its inode, as `/proc/PID/ns/net` shows it.
    pub inode: u64,
    /// The addresses that its name stands for.
    pub addresses: Vec<IpAddr>,
}
