//! The session with `run`, which alone may build.
//!
//! The process at its other end runs a guest, and whoever has broken out of the sandbox speaks here. Whatever comes out of place ends
//! the session; before `Complete` that ends the lab as well.

use std::sync::{Arc, PoisonError, RwLockWriteGuard};

use super::log::log;
use super::requests::{Asker, Shared};
use super::workshop::Workshop;
use crate::fault;
use crate::plan::{Need, Step};
use crate::protocol::{Answer, Channel, ChannelError, Request, State};
use crate::topology::Limits;

/// Serves `run` until it lets go. If it does so before the lab is complete, the lab ends.
pub(super) fn serve(shared: &Arc<Shared>, channel: &Channel) {
    let mut session = Session {
        shared,
        workshop: Some(shared.workshop.write().unwrap_or_else(PoisonError::into_inner)),
        waiting: Vec::new(),
        with_sockets: true,
        broken: None,
        complete: false,
    };
    let outcome = loop {
        let request = match channel.receive() {
            Ok(request) => request,
            Err(error) => break error,
        };
        if let Err(error) = session.handle(request, channel) {
            break error;
        }
    };
    if !matches!(outcome, ChannelError::Closed) {
        log(format_args!("error: the channel of `run`: {outcome}"));
    }
    shared.end_unless_complete();
    // The server has the socket too, to see the end of `run` by it.
    channel.hang_up();
}

struct Session<'a> {
    shared: &'a Arc<Shared>,
    /// Until the lab is complete.
    workshop: Option<RwLockWriteGuard<'a, Workshop>>,
    /// Steps for the machine's own host that have come and were not looked at yet.
    waiting: Vec<Step>,
    /// There are files enough for a socket in each new netns.
    with_sockets: bool,
    /// Why nothing can be built, as the answer to `Commit`.
    broken: Option<Answer>,
    /// The lab stands by itself, as it is: it has its names.
    complete: bool,
}

impl Session<'_> {
    fn handle(&mut self, request: Request, channel: &Channel) -> Result<(), ChannelError> {
        match request {
            Request::Need(_) | Request::Steps(_) | Request::Commit | Request::Complete if self.complete => {
                Err(ChannelError::OutOfPlace("the lab is complete"))
            }
            Request::Need(need) => {
                self.make_room(need);
                Ok(())
            }
            // All of them are looked at before the first is done.
            Request::Steps(steps) if self.shared.config.on_host => {
                self.waiting.extend(steps);
                if self.waiting.len() > most_steps(self.shared.config.limits) {
                    return Err(ChannelError::OutOfPlace("no lab of this size takes so many steps"));
                }
                Ok(())
            }
            Request::Steps(steps) => {
                self.take_over();
                self.feed(steps);
                Ok(())
            }
            Request::Commit => {
                let answer = match self.begin() {
                    Some(answer) => answer,
                    // If `run` has gone the server ends the lab. One that does not read is not waited for: other labs may be waiting
                    // for their turn to be built on the machine.
                    None => self.commit(|done| drop(channel.offer(&Answer::Progress(done)))),
                };
                self.shared.outside.built();
                fault::point("committed");
                channel.send(&answer)
            }
            Request::Complete if !self.waiting.is_empty() => {
                Err(ChannelError::OutOfPlace("steps wait for their commit"))
            }
            Request::Complete => {
                self.take_over();
                let answer = self.complete();
                fault::point("completed");
                channel.send(&answer)?;
                fault::point("completion told");
                Ok(())
            }
            // What it takes to enter the lab is not for the process that runs a guest, nor is what others do to a lab that stands.
            Request::Join(_) => {
                channel.send(&Answer::Failed { errno: None, message: "`run` may not enter the lab".into() })
            }
            Request::Repair | Request::ByHand(_) => {
                let message = "this is not for the `run` that builds a lab".into();
                channel.send(&Answer::Failed { errno: None, message })
            }
            Request::Ping(pings) => channel.send(&self.shared.ping(pings, channel, Asker::Guest)),
            request => self.shared.answer(request, channel),
        }
    }

    /// Sees to it that there can be what the next steps need, or notes what there is too little of.
    fn make_room(&mut self, need: Need) {
        match self.shared.make_room(need) {
            Ok(with_sockets) => self.with_sockets = with_sockets,
            Err(short) => self.broken = self.broken.take().or(Some(short)),
        }
    }

    /// Ends the lab that this one replaces, unless nothing can be built in its place.
    fn take_over(&mut self) {
        if self.broken.is_none()
            && let Err(message) = self.shared.outside.take_over()
        {
            self.broken = Some(Answer::Failed { errno: None, message });
        }
    }

    /// Begins with the steps that have waited, or says why they can't be done.
    fn begin(&mut self) -> Option<Answer> {
        let steps = std::mem::take(&mut self.waiting);
        if steps.is_empty() || self.broken.is_some() {
            return None;
        }
        let obstacle = self.shared.obstacle(&steps);
        if obstacle.is_none() {
            self.take_over();
            self.feed(steps);
        }
        obstacle
    }

    fn feed(&self, steps: Vec<Step>) {
        if let (None, Some(workshop)) = (&self.broken, &self.workshop) {
            workshop.feed(steps, self.with_sockets);
        }
    }

    /// Waits until all steps are done, and tells now and then how many are.
    fn commit(&mut self, tell: impl FnMut(u64)) -> Answer {
        if let Some(broken) = &self.broken {
            return broken.clone();
        }
        match self.workshop.as_mut().and_then(|workshop| workshop.commit(tell)) {
            Some(Ok(())) => Answer::Done,
            Some(Err(failure)) => Answer::Refused(failure),
            None => Answer::Failed { errno: None, message: "the agent's builder has gone".into() },
        }
    }

    fn complete(&mut self) -> Answer {
        match self.commit(drop) {
            Answer::Done => {}
            other => return other,
        }
        let mut taken = Vec::new();
        if self.shared.config.publish {
            match self.shared.publish() {
                Ok(others) => taken = others,
                Err(answer) => return answer,
            }
        }
        fault::point("names made");
        self.complete = true;
        self.workshop = None;
        *self.shared.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Up;
        Answer::Completed(taken)
    }
}

/// Returns more steps than a plan can have in a lab of this size: each object is made, set in some ten ways and may have to make room
/// for another first.
pub(super) fn most_steps(limits: Limits) -> usize {
    let objects = limits.netns.saturating_add(limits.links).saturating_add(limits.addresses_and_routes);
    objects.saturating_add(1).saturating_mul(20)
}
