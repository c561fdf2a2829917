//! The session with a `run` that edits the lab while it stands.
//!
//! As while it is built, whoever has broken out of the sandbox may speak here. Until `Complete` the lab can become what it was, and
//! does so when the channel ends.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, PoisonError, RwLockWriteGuard, TryLockError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::log::{go_on, log};
use super::occupants::occupants;
use super::requests::{Asker, Shared};
use super::restore::{Concerned, Remove, Restored, concerned};
use super::session::most_steps;
use super::workshop::Workshop;
use crate::fault;
use crate::plan::{Need, Step, StepFailure};
use crate::protocol::{Answer, Channel, ChannelError, EditOrder, Edited, Model, Repaired, Request, State};
use crate::topology::{Drift, Errno, NetnsName, Strangers, Topology};

/// A scenario may take its time; its own limits end it.
const FOREVER: Duration = Duration::MAX;

/// How long whoever would build or edit waits for others to be through.
const PATIENCE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(2);

/// So many links of one netns take milliseconds to be read.
const MANY: usize = 256;

impl Shared {
    /// Leaves out namespaces with very many links: to read those would take longer than most edits.
    fn small(&self, names: &BTreeSet<NetnsName>) -> BTreeSet<NetnsName> {
        let standing = self.standing();
        let is_small = |name: &&NetnsName| {
            standing.topology.find_netns(name).is_ok_and(|id| standing.topology.links_of(id).take(MANY).count() < MANY)
        };
        names.iter().filter(is_small).cloned().collect()
    }

    /// Takes the workshop, unless somebody else builds or edits. A comparison that is under way is waited for.
    pub(super) fn begin(&self) -> Option<RwLockWriteGuard<'_, Workshop>> {
        if *self.state.lock().unwrap_or_else(PoisonError::into_inner) == State::Building {
            return None;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.workshop.try_write() {
                Ok(workshop) => return Some(workshop),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(POLL),
                Err(TryLockError::WouldBlock) => return None,
            }
        }
    }

    /// Returns what the lab should be.
    pub(super) fn model(&self) -> Answer {
        let standing = self.standing();
        Answer::Model(Box::new(Model { topology: standing.topology.clone(), by_hand: standing.by_hand.clone() }))
    }

    /// Puts the lab right.
    pub(super) fn repair(&self) -> Answer {
        let Some(mut workshop) = self.begin() else { return Answer::Busy };
        let target = self.standing().should_be().clone();
        match self.restore(&mut workshop, &target, &None, &Remove::All) {
            Ok(Restored { left, failure }) => {
                self.standing().should_be = if left.is_empty() { None } else { Some(target) };
                Answer::Repaired(Repaired { left, failure })
            }
            Err(error) => Answer::Failed { errno: None, message: format!("could not put the lab right: {error}") },
        }
    }

    /// Does a step that somebody wants done by hand.
    pub(super) fn by_hand(&self, step: Step) -> Answer {
        if !matches!(step, Step::SetUp { .. } | Step::SetDown { .. } | Step::SetMtu { .. }) {
            return Answer::Failed { errno: None, message: "only a link can be changed by hand, and in place".into() };
        }
        let Some(mut workshop) = self.begin() else { return Answer::Busy };
        let before = self.standing().topology.clone();
        if let Err(refusal) = step.play(&mut before.clone()) {
            return Answer::Failed { errno: refusal.errno.clone(), message: refusal.to_string() };
        }
        let concerned = Some(concerned(&before, std::slice::from_ref(&step)));
        if let Err(answer) = self.still_has(&step, &before, &concerned) {
            return answer;
        }
        workshop.begin_edit();
        workshop.feed(vec![step.clone()], true);
        match workshop.commit(drop) {
            Some(Ok(())) => {
                let mut standing = self.standing();
                if let Some(should_be) = &mut standing.should_be {
                    // Where it does not fit, it is a difference.
                    let _ = step.play(should_be);
                }
                standing.by_hand.push(step);
                Answer::Done
            }
            Some(Err(failure)) => {
                let nobody = Remove::Own { but: HashSet::new() };
                let left = self.restore(&mut workshop, &before, &concerned, &nobody);
                if !left.is_ok_and(|restored| restored.left.is_empty()) {
                    self.standing().should_be = Some(before);
                }
                Answer::Refused(failure)
            }
            None => Answer::Failed { errno: None, message: "the agent's builder has gone".into() },
        }
    }

    /// Looks whether the link that a step is about is still there, as to undo the step would be to make it anew.
    fn still_has(&self, step: &Step, model: &Topology, concerned: &Concerned) -> Result<(), Answer> {
        let reading = self.read(concerned);
        let reading = reading
            .map_err(|error| Answer::Failed { errno: None, message: format!("could not read the lab: {error}") })?;
        let mut actual = model.clone();
        actual.adopt(&reading.netns);
        if step.link().is_none_or(|place| actual.find_place(place).is_ok()) {
            return Ok(());
        }
        let text = Some("somebody has removed the link".into());
        Err(Answer::Refused(Box::new(StepFailure { step: step.clone(), errno: Errno::ENODEV, text })))
    }

    /// Serves an edit until it is complete or its channel ends.
    pub(super) fn edit(self: &Arc<Self>, order: EditOrder, channel: &mut Channel) -> Result<(), ChannelError> {
        let Some(workshop) = self.begin() else { return channel.send(&Answer::Busy) };
        let origin = self.origin();
        if order.origin.source != origin.source && !order.update {
            return channel.send(&Answer::OtherModule(origin.module));
        }
        if order.on_host != self.config.on_host {
            let message = if order.on_host {
                "the lab has a host of its own, and can't move to the machine's network (`--on-host`)"
            } else {
                "the lab is in the machine's network: give `--on-host`"
            };
            return channel.send(&Answer::Failed { errno: None, message: message.into() });
        }
        self.standing().topology.set_limits(order.limits);
        channel.set_timeout(FOREVER)?;
        channel.send(&Answer::Done)?;
        channel.send(&self.model())?;
        let mut edit = Edit { shared: self, workshop, order, steps: Vec::new(), is_committed: false, before: None };
        loop {
            match channel.receive() {
                // Whoever asks for more of the lab than an edit takes has to come anew, by the socket.
                Ok(Request::Complete) => {
                    let answer = edit.complete();
                    if !matches!(answer, Answer::Completed(_)) {
                        edit.undo();
                    }
                    fault::point("edit completed");
                    drop(edit);
                    channel.send(&answer)?;
                    return Err(ChannelError::Closed);
                }
                Ok(request) => {
                    if let Err(error) = edit.handle(request, channel) {
                        edit.undo();
                        return Err(error);
                    }
                }
                Err(error) => {
                    edit.undo();
                    return Err(error);
                }
            }
        }
    }
}

/// The lab as it was.
struct Before {
    /// The network, as the kernel had it where that was read.
    network: Topology,
    /// The network as it should have been.
    model: Topology,
    concerned: Concerned,
    /// Which namespaces were read.
    read: BTreeSet<NetnsName>,
    /// What was not as it should be. So it may stay.
    drift: Vec<Drift>,
    /// Links that are somebody else's, by netns and name.
    strangers: HashSet<(NetnsName, String)>,
}

/// An edit under way.
struct Edit<'a> {
    shared: &'a Arc<Shared>,
    workshop: RwLockWriteGuard<'a, Workshop>,
    order: EditOrder,
    /// The steps that have come.
    steps: Vec<Step>,
    /// They were begun, or refused: an edit is one difference.
    is_committed: bool,
    /// What the lab was, once anything was begun.
    before: Option<Before>,
}

impl Edit<'_> {
    fn handle(&mut self, request: Request, channel: &Channel) -> Result<(), ChannelError> {
        match request {
            // It is counted here.
            Request::Need(_) => Ok(()),
            Request::Steps(steps) => {
                self.steps.extend(steps);
                if self.steps.len() > most_steps(self.shared.config.limits) {
                    return Err(ChannelError::OutOfPlace("no lab of this size takes so many steps"));
                }
                Ok(())
            }
            Request::Commit if self.is_committed => Err(ChannelError::OutOfPlace("an edit is one difference")),
            Request::Commit => {
                self.is_committed = true;
                let answer = self.commit(channel);
                self.shared.outside.built();
                fault::point("edit committed");
                channel.send(&answer)
            }
            Request::Undo => {
                let left = self.undo();
                channel.send(&Answer::Drift(left))
            }
            Request::Ping(pings) => channel.send(&self.shared.ping(pings, channel, Asker::Guest)),
            Request::Check => channel.send(&self.shared.list_drift()),
            Request::Observe(_) | Request::Settle(_) => self.shared.answer(request, channel),
            // The process at the other end runs a guest, and has no business with anything else.
            _ => channel
                .send(&Answer::Failed { errno: None, message: "this is not for the `run` that edits a lab".into() }),
        }
    }

    fn commit(&mut self, channel: &Channel) -> Answer {
        let steps = std::mem::take(&mut self.steps);
        if !self.order.force {
            let occupants = occupants(&self.shared.standing(), steps.iter().filter_map(Step::removed_netns));
            if !occupants.is_empty() {
                return Answer::Occupied(occupants);
            }
        }
        let with_sockets = match self.shared.make_room(Need::of(&steps)) {
            Ok(with_sockets) => with_sockets,
            Err(short) => return short,
        };
        if let Some(obstacle) = self.shared.obstacle(&steps) {
            return obstacle;
        }
        let model = self.shared.standing().topology.clone();
        let touched = concerned(&model, &steps);
        // What is not as it should be stays so if the edit fails.
        let small = self.shared.small(&touched);
        let reading = match self.shared.read(&Some(small.clone())) {
            Ok(reading) => reading,
            Err(error) => {
                return Answer::Failed { errno: None, message: format!("could not read the lab: {error}") };
            }
        };
        self.shared.standing().avoid(&reading);
        let drift = self.shared.differences(&model, &reading.netns);
        let mut before = model.clone();
        let strangers = if drift.is_empty() { Strangers::default() } else { before.adopt(&reading.netns) };
        self.before = Some(Before {
            network: before,
            model,
            concerned: Some(touched),
            read: small,
            drift: drift.clone(),
            strangers: strangers.links.into_iter().collect(),
        });
        self.workshop.begin_edit();
        self.workshop.feed(steps, with_sockets);
        let failure = match self.workshop.commit(|done| drop(channel.offer(&Answer::Progress(done)))) {
            Some(Ok(())) => None,
            Some(Err(failure)) => Some(failure),
            None => return Answer::Failed { errno: None, message: "the agent's builder has gone".into() },
        };
        let left = if failure.is_some() { self.undo() } else { Vec::new() };
        Answer::Edited(Edited { failure, drift, left })
    }

    /// Makes the lab what it was. Returns what could not be undone.
    fn undo(&mut self) -> Vec<Drift> {
        let Some(Before { network, model, concerned, read, drift, strangers }) = self.before.take() else {
            return Vec::new();
        };
        fault::point("edit to be undone");
        let restored = self.shared.restore(&mut self.workshop, &network, &concerned, &Remove::Own { but: strangers });
        let left = match restored {
            Ok(Restored { left, .. }) => {
                // Nobody has looked whether this was there before.
                let may_have_been = |left: &Drift| left.expected.is_none() && !read.contains(&left.netns);
                left.into_iter().filter(|left| !drift.contains(left) && !may_have_been(left)).collect()
            }
            Err(error) => {
                log(format_args!("error: could not undo an edit: {error}"));
                self.shared.check().unwrap_or_default()
            }
        };
        // The model is what stands now, which may not be what should.
        self.shared.standing().should_be = if drift.is_empty() && left.is_empty() { None } else { Some(model) };
        // A netns that was made anew has another descriptor.
        if self.shared.config.publish {
            go_on("renew the names for `ip netns`", self.shared.publish().map_err(|_| "they can't be made"));
        }
        left
    }

    fn complete(&mut self) -> Answer {
        if !self.steps.is_empty() {
            return Answer::Failed { errno: None, message: "steps wait for their commit".into() };
        }
        let mut taken = Vec::new();
        if self.shared.config.publish && self.before.is_some() {
            match self.shared.publish() {
                Ok(others) => taken = others,
                Err(answer) => return answer,
            }
        }
        if self.before.take().is_some() || !self.is_committed {
            let mut standing = self.shared.standing();
            standing.by_hand.clear();
            // What the scenario draws now is what the lab should be, whatever an edit before it has left.
            standing.should_be = None;
            standing.topology.forget_gone();
            drop(standing);
            self.shared.set_origin(self.order.origin.clone());
        }
        Answer::Completed(taken)
    }
}
