//! The answers to requests that anybody who may speak to the agent can make.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use super::capacity::Capacity;
use super::held::Held;
use super::icmp::Departure;
use super::icmp_socket::Exit;
use super::log::go_on;
use super::netns::{enter, on_a_visit};
use super::occupants::occupants;
use super::outside::Outside;
use super::standing::Standing;
use super::workshop::Workshop;
use super::{Config, icmp, look, settle};
use crate::kernel;
use crate::plan::{Need, Step};
use crate::protocol::{Answer, Channel, ChannelError, Host, Join, Origin, Request, State, Status};
use crate::topology::{Errno, MOST_PINGS, NetnsId, NetnsName, Ping, PingAnswer, PingOutcome, Refusal, WayOut};

/// Before a look the links are given this long to come to rest; it takes a few milliseconds.
const REST: Duration = Duration::from_secs(1);
/// The same where the kernel looks for duplicates of addresses: up to a second until it begins, and one that it waits for an answer
/// (RFC 4862, section 5.4.2).
const REST_WITH_DETECTION: Duration = Duration::from_secs(4);
/// By then the kernel has asked again for a neighbour that did not answer (`retrans_time_ms`, arp(7)), and been answered.
const NEIGHBOUR_ASKED_AGAIN: Duration = Duration::from_millis(1_200);
/// So often a ping is repeated that should have been answered.
const AGAIN: usize = 4;

/// What all threads of the agent share.
pub(super) struct Shared {
    pub(super) config: Arc<Config>,
    pub(super) standing: Arc<Mutex<Standing>>,
    pub(super) outside: Arc<Outside>,
    pub(super) state: Mutex<State>,
    /// Who may write builds or edits, and who reads keeps others from it.
    pub(super) workshop: RwLock<Workshop>,
    pub(super) origin: Mutex<Origin>,
    pub(super) started: SystemTime,
    pub(super) outer_pid: i32,
}

/// For whom something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// The scenario, by way of `run`.
    Guest,
    /// Who gave a command.
    User,
}

fn failed(act: &str, error: &io::Error) -> Answer {
    let errno = error.raw_os_error().map(kernel::errno_of);
    let cause = errno.as_ref().map_or_else(|| error.to_string(), ToString::to_string);
    Answer::Failed { message: format!("could not {act}: {cause}"), errno }
}

fn refused(refusal: &Refusal) -> Answer {
    Answer::Failed { message: refusal.to_string(), errno: refusal.errno.clone() }
}

impl Shared {
    /// Answers a request that needs no session.
    pub(super) fn answer(&self, request: Request, channel: &Channel) -> Result<(), ChannelError> {
        match request {
            Request::Ping(pings) => channel.send(&self.ping(pings, channel, Asker::User)),
            Request::Observe(netns) => channel.send(&self.observe(&netns)),
            Request::ObserveAll => channel.send(&self.observe_all()),
            Request::Settle(timeout) => channel.send(&self.settle(timeout, channel)),
            Request::Status => channel.send(&self.status()),
            Request::Join(netns) => match self.join(&netns) {
                Ok((answer, held)) => {
                    // Whom a command becomes has no right to raw sockets, and a user namespace no heed of `ping`'s own.
                    let allow = || enter(&held).and_then(|()| kernel::allow_ping_sockets_if_new());
                    if held.own.is_none() {
                        go_on("let all groups ping", on_a_visit(allow));
                    }
                    self.hand_over(&answer, &held.netns, channel)
                }
                Err(answer) => channel.send(&answer),
            },
            Request::Model => channel.send(&self.model()),
            Request::Check => channel.send(&self.look_for_drift()),
            Request::Repair => channel.send(&self.repair()),
            Request::Occupants(names) => channel.send(&Answer::Occupants(occupants(&self.standing(), names.iter()))),
            Request::ByHand(step) => channel.send(&self.by_hand(step)),
            Request::Down => self.outside.end(0),
            Request::Need(_)
            | Request::Steps(_)
            | Request::Commit
            | Request::Complete
            | Request::Edit(_)
            | Request::Undo => {
                let message = "only the `run` that builds a lab may do this".into();
                channel.send(&Answer::Failed { errno: None, message })
            }
        }
    }

    /// Sends the answer to `Join` with the descriptors that it is about.
    fn hand_over(&self, answer: &Answer, netns: &OwnedFd, channel: &Channel) -> Result<(), ChannelError> {
        let pid = File::open("/proc/self/ns/pid")?;
        let user = if self.config.rootless { Some(File::open("/proc/self/ns/user")?) } else { None };
        let mut descriptors = vec![netns.as_raw_fd(), pid.as_raw_fd()];
        descriptors.extend(user.as_ref().map(AsRawFd::as_raw_fd));
        channel.send_with(answer, &descriptors)
    }

    /// Ends the lab if `run` has let go of it before it was complete.
    pub(super) fn end_unless_complete(&self) {
        if *self.state.lock().unwrap_or_else(PoisonError::into_inner) == State::Building {
            self.outside.end(1);
        }
    }

    pub(super) fn origin(&self) -> Origin {
        self.origin.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_origin(&self, origin: Origin) {
        *self.origin.lock().unwrap_or_else(PoisonError::into_inner) = origin;
    }

    /// Gives `ip netns` the names of the namespaces that there are now. Returns those that somebody else has.
    pub(super) fn publish(&self) -> Result<Vec<String>, Answer> {
        let held = self.namespaces();
        let netns: Vec<_> = held.into_iter().map(|held| (held.name, held.netns.as_raw_fd())).collect();
        self.outside.publish(&netns).map_err(|error| {
            let message = format!("could not add the names for `ip netns`: {error}");
            Answer::Failed { errno: None, message }
        })
    }

    /// Sees to it that there can be what the next steps need. Tells whether there are files for a socket in each new netns too, or what
    /// there is too little of.
    pub(super) fn make_room(&self, need: Need) -> Result<bool, Answer> {
        let mut capacity = Capacity::read(need, self.config.outer_max_netns);
        if self.outside.is_to_replace() {
            capacity = capacity.without_memory();
        }
        match capacity.shortage(need, self.standing().own_netns()) {
            Some(shortage) => Err(Answer::Short(Box::new(shortage))),
            None => Ok(capacity.has_sockets_for(need)),
        }
    }

    /// Finds what of the machine's own is in the way of steps.
    pub(super) fn obstacle(&self, steps: &[Step]) -> Option<Answer> {
        match self.outside.prepare(steps, self.config.publish) {
            Ok(Ok(())) => None,
            Ok(Err(conflict)) => Some(Answer::Conflict(Box::new(conflict))),
            Err(error) => {
                let message = format!("could not compare the lab with the machine: {error}");
                Some(Answer::Failed { errno: None, message })
            }
        }
    }

    pub(super) fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists the namespaces with their descriptors, the host first.
    pub(super) fn namespaces(&self) -> Vec<Held> {
        self.standing().all_held()
    }

    fn status(&self) -> Answer {
        let (netns, links) = {
            let standing = self.standing();
            (standing.topology.netns_count(), standing.topology.link_count())
        };
        Answer::Status(Status {
            module: self.origin().module,
            state: *self.state.lock().unwrap_or_else(PoisonError::into_inner),
            on_host: self.config.on_host,
            netns,
            links,
            agent_pid: self.outer_pid,
            started: self.started,
        })
    }

    pub(super) fn ping(&self, pings: Vec<Ping>, channel: &Channel, asker: Asker) -> Answer {
        if pings.iter().any(|ping| ping.count as usize > MOST_PINGS) {
            let message = format!("could not ping: each sends at most {MOST_PINGS} requests");
            return Answer::Failed { errno: None, message };
        }
        if let Err(error) = self.rest_before(&pings, channel) {
            return failed("wait for the links", &error);
        }
        // What can't leave has its answer already.
        let mut answers = Vec::with_capacity(pings.len());
        let mut departures = Vec::with_capacity(pings.len());
        let mut sources = HashMap::new();
        for ping in pings {
            match self.depart(ping, asker, &mut sources) {
                Ok(Ok(departure)) => {
                    answers.push(None);
                    departures.push(departure);
                }
                Ok(Err(answer)) => answers.push(Some(answer)),
                Err(refusal) => return refused(&refusal),
            }
        }
        let arrived = match asker {
            Asker::Guest => self.ping_patiently(departures, channel),
            Asker::User => icmp::ping(&departures, channel.as_fd()),
        };
        match arrived {
            Err(error) => failed("ping", &error),
            Ok(arrived) => {
                let mut arrived = arrived.into_iter();
                Answer::Pinged(answers.into_iter().filter_map(|answer| answer.or_else(|| arrived.next())).collect())
            }
        }
    }

    /// Pings, and again where the model says that a reply should have come: a busy kernel drops packets, above all questions for a
    /// neighbour that go to hundreds of ports at once (`net.core.netdev_max_backlog`), and asks again only after a second.
    fn ping_patiently(&self, mut departures: Vec<Departure>, channel: &Channel) -> io::Result<Vec<PingAnswer>> {
        let mut answers = icmp::ping(&departures, channel.as_fd())?;
        let mut places: Vec<usize> = (0..answers.len()).collect();
        for _ in 0..AGAIN {
            let (mut lost, mut again) = (Vec::new(), Vec::new());
            for (place, mut departure) in places.into_iter().zip(departures) {
                if answers[place].outcome != PingOutcome::Reply && self.should_be_answered(&departure.ping) {
                    departure.ping.timeout = departure.ping.timeout.max(NEIGHBOUR_ASKED_AGAIN);
                    lost.push(place);
                    again.push(departure);
                }
            }
            if lost.is_empty() {
                break;
            }
            for (place, answer) in lost.iter().zip(icmp::ping(&again, channel.as_fd())?) {
                answers[*place] = answer;
            }
            (places, departures) = (lost, again);
        }
        Ok(answers)
    }

    fn should_be_answered(&self, ping: &Ping) -> bool {
        self.standing().topology.ping(ping).is_ok_and(|model| model.outcome == PingOutcome::Reply)
    }

    /// Finds where a ping leaves from. From the machine's own netns it gets no further than the lab: a guest must not learn of the
    /// networks that the machine is in. Through the machine it would get there from any other netns too, so where a guest asks,
    /// the model has to find the way there and back.
    ///
    /// Each source is looked at once.
    fn depart(
        &self,
        ping: Ping,
        asker: Asker,
        sources: &mut HashMap<NetnsId, Held>,
    ) -> Result<Result<Departure, PingAnswer>, Refusal> {
        let standing = self.standing();
        let id = standing.topology.find_netns(&ping.source)?;
        if asker == Asker::Guest && standing.topology.is_on_machine() {
            let answer = standing.topology.ping(&ping)?;
            if answer.outcome != PingOutcome::Reply {
                return Ok(Err(answer));
            }
        }
        let exit = if !standing.is_machine(id) {
            Exit::Routed
        } else {
            match standing.topology.way_out(id, ping.target) {
                Some(WayOut::Own) => Exit::Machine(None),
                Some(WayOut::Over(link)) => Exit::Machine(Some(standing.topology.place_of(link).link)),
                None => {
                    let outcome = PingOutcome::Unreachable(Errno::ENETUNREACH);
                    return Ok(Err(PingAnswer { outcome, sent: 0, received: 0, round_trip: None }));
                }
            }
        };
        let from = sources.entry(id).or_insert_with(|| standing.held(id)).clone();
        Ok(Ok(Departure { ping, from, exit }))
    }

    /// Lets what was built come to rest where it matters to these pings.
    fn rest_before(&self, pings: &[Ping], channel: &Channel) -> io::Result<()> {
        let ipv6 = pings.iter().any(|ping| ping.target.is_ipv6());
        let (concerned, when) = self.standing().restless(pings);
        if concerned.is_empty() {
            return Ok(());
        }
        let detects = concerned.iter().any(|(netns, _)| netns.autoconfiguration);
        let rest = if detects { REST_WITH_DETECTION } else { REST };
        // What has not come to rest in this time is not waited for again.
        settle::settle(&concerned, rest, ipv6, channel.as_fd())?;
        self.standing().has_rested(&concerned, ipv6, when);
        Ok(())
    }

    fn settle(&self, timeout: Duration, channel: &Channel) -> Answer {
        let all: Vec<_> = self.namespaces().into_iter().map(|netns| (netns, None)).collect();
        match settle::settle(&all, timeout, kernel::has_ipv6(), channel.as_fd()) {
            Ok(waiting) => Answer::Settled(waiting.into_iter().collect()),
            Err(error) => failed("wait for the links", &error),
        }
    }

    fn observe(&self, name: &NetnsName) -> Answer {
        let netns = match self.standing().find_held(name) {
            Ok(netns) => netns,
            Err(refusal) => return refused(&refusal),
        };
        look::observe(&netns).map_or_else(|error| failed("read the netns", &error), Answer::Observed)
    }

    fn observe_all(&self) -> Answer {
        self.read(&None).map_or_else(|error| failed("read the lab", &error), |reading| Answer::Observed(reading.netns))
    }

    /// Compares the lab with what it should be, while nobody builds or edits.
    fn look_for_drift(&self) -> Answer {
        let Ok(_workshop) = self.workshop.try_read() else { return Answer::Busy };
        self.list_drift()
    }

    /// The same for who keeps others from building or editing.
    pub(super) fn list_drift(&self) -> Answer {
        self.check().map_or_else(|error| failed("read the lab", &error), Answer::Drift)
    }

    /// Returns what a command needs to enter a netns, and the descriptor of the netns itself.
    fn join(&self, name: &NetnsName) -> Result<(Answer, Held), Answer> {
        let standing = self.standing();
        let held = standing.find_held(name).map_err(|refusal| refused(&refusal))?;
        let hosts = standing.topology.list_netns().map(|(id, netns)| {
            let links = standing.topology.links_of(id).filter_map(|link| standing.topology.standing(link));
            let node = &standing.nodes[&id];
            let addresses = links.flat_map(|link| &link.addresses).filter(|held| !held.automatic);
            Host {
                netns: netns.name.clone(),
                descriptor: node.netns.as_raw_fd(),
                inode: node.inode,
                addresses: addresses.map(|held| held.cidr.addr()).collect(),
            }
        });
        let (on_host, one_id) = (self.config.on_host, self.config.one_id.clone());
        Ok((Answer::Join(Join { hosts: hosts.collect(), on_host, one_id }), held))
    }
}
