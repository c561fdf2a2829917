//! Asking a lab's agent.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use super::{Error, unable};
use crate::fault;
use crate::plan::{Need, Step};
use crate::protocol::{
    Answer, Channel, ChannelError, EditOrder, Edited, HelloError, Join, Model, Occupant, PINGS_AT_ONCE, Repaired,
    Request, STEPS_AHEAD, STEPS_AT_ONCE, Status, dial, greet, receive_greeting, send_greeting,
};
use crate::topology::{Drift, NetnsName, PING_INTERVAL, Ping, PingAnswer, harmless, observed};

/// The largest answer that is taken: a lab of 16,384 namespaces, read whole.
const ANSWER_LIMIT: usize = 256 << 20;
/// An agent that does not answer for this long, beyond what it was asked to take, is stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// Putting a lab right may mean to build all of it.
const REPAIR: Duration = Duration::from_secs(600);

/// A channel to a lab's agent.
#[derive(Debug)]
pub struct Client {
    channel: Channel,
    lab: String,
    rootless: bool,
}

impl Client {
    pub(super) fn new(socket: OwnedFd, lab: String, rootless: bool) -> Self {
        Self { channel: Channel::new(socket, ANSWER_LIMIT), lab, rootless }
    }

    /// Greets an agent that was just started. It gets ready at once, while this process has something else to do.
    pub(super) fn greet(self) -> Self {
        // An agent that has ended meanwhile `ready` finds.
        let _ = send_greeting(&self.channel);
        self
    }

    /// Waits until an agent that was just started and greeted is ready.
    pub fn ready(&self) -> Result<(), Error> {
        receive_greeting(&self.channel).map_err(|source| Error::Hello { lab: self.lab.clone(), source })?;
        fault::point("agent greeted");
        match self.channel.receive().map_err(Error::channel(&self.lab))? {
            Answer::Done => {
                fault::point("agent ready");
                Ok(())
            }
            Answer::Unable { act, errno, about_namespaces } => {
                let hint = if about_namespaces { unable::hint(&errno, self.rootless) } else { None };
                Err(Error::Unable { act, errno, hint })
            }
            other => Err(unexpected(other)),
        }
    }

    fn ask(&self, request: &Request) -> Result<Answer, Error> {
        self.channel.send(request).map_err(Error::channel(&self.lab))?;
        self.answer()
    }

    fn answer(&self) -> Result<Answer, Error> {
        match self.channel.receive().map_err(Error::channel(&self.lab))? {
            Answer::Failed { errno, message } => Err(Error::Agent { errno, message }),
            Answer::Refused(failure) => Err(failure.into()),
            Answer::Conflict(conflict) => Err(Error::Conflict(conflict)),
            Answer::Short(shortage) => Err(Error::Short(shortage)),
            Answer::Busy => Err(Error::Busy(self.lab.clone())),
            Answer::OtherModule(module) => Err(Error::OtherModule { lab: self.lab.clone(), module: harmless(&module) }),
            Answer::Occupied(occupants) => Err(Error::Occupied { lab: self.lab.clone(), occupants }),
            answer => Ok(answer),
        }
    }

    /// Has steps done, and waits until they are. `progress` is told how many are.
    pub fn apply(&self, steps: Vec<Step>, progress: impl FnMut(u64)) -> Result<(), Error> {
        match self.send_and_commit(steps, progress)? {
            Answer::Done => {
                fault::point("steps done");
                Ok(())
            }
            other => Err(unexpected(other)),
        }
    }

    fn send_and_commit(&self, steps: Vec<Step>, mut progress: impl FnMut(u64)) -> Result<Answer, Error> {
        let need = Need::of(&steps);
        if !need.is_nothing() {
            self.channel.send(&Request::Need(need)).map_err(Error::channel(&self.lab))?;
        }
        let mut sent = 0;
        let mut steps = steps.into_iter().peekable();
        while steps.peek().is_some() {
            // The agent begins with the first while the next are on the way.
            let some: Vec<Step> = steps.by_ref().take(STEPS_AT_ONCE).collect();
            sent += some.len();
            self.channel.send(&Request::Steps(some)).map_err(Error::channel(&self.lab))?;
            fault::point("steps sent");
            progress(sent.saturating_sub(STEPS_AHEAD) as u64);
        }
        self.channel.send(&Request::Commit).map_err(Error::channel(&self.lab))?;
        fault::point("commit sent");
        loop {
            match self.answer()? {
                Answer::Progress(done) => progress(done),
                answer => return Ok(answer),
            }
        }
    }

    /// Lets the lab stand by itself. Returns the names in `/run/netns` that somebody else has.
    pub fn complete(&self) -> Result<Vec<String>, Error> {
        match self.ask(&Request::Complete)? {
            Answer::Completed(taken) => {
                fault::point("completion heard");
                Ok(taken)
            }
            other => Err(unexpected(other)),
        }
    }

    /// Asks what the lab should be.
    pub fn model(&self) -> Result<Model, Error> {
        match self.ask(&Request::Model)? {
            Answer::Model(model) => Ok(*model),
            other => Err(unexpected(other)),
        }
    }

    /// Begins to edit the lab. What it should be up to then comes next, by `begun`. To be called while this process may still set up
    /// sockets.
    pub fn edit(&mut self, order: EditOrder) -> Result<(), Error> {
        let answer = self.ask(&Request::Edit(order))?;
        // Undoing takes its time too.
        self.be_patient(Duration::MAX)?;
        match answer {
            Answer::Done => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    /// Takes in what the lab should be that `edit` has begun with.
    pub fn begun(&self) -> Result<Model, Error> {
        match self.answer()? {
            Answer::Model(model) => Ok(*model),
            other => Err(unexpected(other)),
        }
    }

    /// Has the steps of an edit done. An error means that nothing was begun.
    pub fn apply_edit(&self, steps: Vec<Step>, progress: impl FnMut(u64)) -> Result<Edited, Error> {
        match self.send_and_commit(steps, progress)? {
            Answer::Edited(edited) => Ok(edited),
            other => Err(unexpected(other)),
        }
    }

    /// Has an edit undone. Returns what could not be.
    pub fn undo(&self) -> Result<Vec<Drift>, Error> {
        self.drifts(&Request::Undo)
    }

    /// Asks in what the lab differs from what it should be.
    pub fn check(&self) -> Result<Vec<Drift>, Error> {
        self.drifts(&Request::Check)
    }

    /// Has the lab put right.
    pub fn repair(&mut self) -> Result<Repaired, Error> {
        self.be_patient(REPAIR)?;
        match self.ask(&Request::Repair)? {
            Answer::Repaired(repaired) => Ok(repaired),
            other => Err(unexpected(other)),
        }
    }

    /// Asks which processes are in namespaces.
    pub fn occupants(&self, names: &[NetnsName]) -> Result<Vec<Occupant>, Error> {
        let mut all = Vec::new();
        for some in names.chunks(STEPS_AT_ONCE) {
            match self.ask(&Request::Occupants(some.to_vec()))? {
                Answer::Occupants(occupants) => all.extend(occupants),
                other => return Err(unexpected(other)),
            }
        }
        Ok(all)
    }

    fn drifts(&self, request: &Request) -> Result<Vec<Drift>, Error> {
        match self.ask(request)? {
            Answer::Drift(drifts) => Ok(drifts),
            other => Err(unexpected(other)),
        }
    }

    /// Has a step done by hand.
    pub fn by_hand(&self, step: Step) -> Result<(), Error> {
        match self.ask(&Request::ByHand(step))? {
            Answer::Done => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    fn be_patient(&mut self, patience: Duration) -> Result<(), Error> {
        self.channel.set_timeout(patience).map_err(Error::io("limit the time to wait"))
    }

    /// Pings, all at once, for as long as that takes.
    pub fn ping_patiently(&mut self, pings: Vec<Ping>) -> Result<Vec<PingAnswer>, Error> {
        let each = pings.iter().map(|ping| PING_INTERVAL.saturating_mul(ping.count).saturating_add(ping.timeout)).max();
        let rounds = u32::try_from(pings.len() / PINGS_AT_ONCE + 1).unwrap_or(u32::MAX);
        self.be_patient(each.unwrap_or_default().saturating_mul(rounds).saturating_add(PATIENCE))?;
        self.ping(pings)
    }

    /// Pings, all at once.
    pub fn ping(&self, pings: Vec<Ping>) -> Result<Vec<PingAnswer>, Error> {
        match self.ask(&Request::Ping(pings))? {
            Answer::Pinged(answers) => Ok(answers),
            other => Err(unexpected(other)),
        }
    }

    /// Reads a netns from the kernel, without the peers of its veths.
    pub fn observe(&self, netns: NetnsName) -> Result<observed::Netns, Error> {
        let read = self.read(&Request::Observe(netns))?.pop();
        read.ok_or_else(|| Error::Agent { errno: None, message: "the lab's agent read nothing".into() })
    }

    /// Reads the whole lab from the kernel.
    pub fn observe_all(&self) -> Result<Vec<observed::Netns>, Error> {
        self.read(&Request::ObserveAll)
    }

    fn read(&self, request: &Request) -> Result<Vec<observed::Netns>, Error> {
        match self.ask(request)? {
            Answer::Observed(netns) => Ok(netns),
            other => Err(unexpected(other)),
        }
    }

    /// Waits until the links carry; returns those that did not in time.
    pub fn settle(&self, timeout: Duration) -> Result<Vec<String>, Error> {
        match self.ask(&Request::Settle(timeout))? {
            Answer::Settled(waiting) => Ok(waiting),
            other => Err(unexpected(other)),
        }
    }

    /// Asks what the lab is.
    pub fn status(&self) -> Result<Status, Error> {
        match self.ask(&Request::Status)? {
            Answer::Status(status) => Ok(status),
            other => Err(unexpected(other)),
        }
    }

    /// Asks for what it takes to enter a netns.
    pub fn join(&self, netns: NetnsName) -> Result<(Join, Vec<OwnedFd>), Error> {
        let answer = self.channel.send(&Request::Join(netns)).and_then(|()| self.channel.receive_with());
        match answer.map_err(Error::channel(&self.lab))? {
            (Answer::Join(join), descriptors) => Ok((join, descriptors)),
            (Answer::Failed { errno, message }, _) => Err(Error::Agent { errno, message }),
            (other, _) => Err(unexpected(other)),
        }
    }

    /// Tells the agent to end, and waits until it has let go of the channel.
    pub fn down(self) -> Result<(), Error> {
        match self.channel.send(&Request::Down).and_then(|()| self.channel.receive::<Answer>()) {
            Err(ChannelError::Closed) => Ok(()),
            Err(error) => Err(Error::channel(&self.lab)(error)),
            Ok(other) => Err(unexpected(other)),
        }
    }
}

fn unexpected(answer: Answer) -> Error {
    Error::Agent { errno: None, message: format!("the lab's agent gave an answer that does not fit: {answer:?}") }
}

/// Connects to the agent that serves from a directory.
pub fn connect(directory: &Path, lab: &str) -> Result<Client, Error> {
    connect_within(directory, lab, PATIENCE)
}

/// Connects, and waits for each answer no longer than this.
pub(super) fn connect_within(directory: &Path, lab: &str, patience: Duration) -> Result<Client, Error> {
    let dialled = dial(directory).map_err(|error| match error.raw_os_error().map(nix::Error::from_raw) {
        Some(nix::Error::ENOENT) if !directory.exists() => Error::NoSuchLab(lab.to_owned()),
        // Not bound yet, or ending.
        Some(nix::Error::ENOENT | nix::Error::ECONNREFUSED) => Error::Busy(lab.to_owned()),
        Some(nix::Error::EAGAIN) => Error::Silent(lab.to_owned()),
        _ => Error::io(format!("connect to lab `{lab}`"))(error),
    })?;
    let mut client = Client::new(dialled.socket, lab.to_owned(), false);
    client.be_patient(patience)?;
    greet(&client.channel).map_err(|error| match error {
        HelloError::Channel(error) => Error::channel(lab)(error),
        source => Error::Hello { lab: lab.to_owned(), source },
    })?;
    Ok(client)
}
