//! Pings, many at once.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno as Number;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::held::Held;
use super::icmp_socket::{Exit, IcmpSocket};
use super::netns::{enter, on_a_visit};
use crate::kernel;
use crate::protocol::PINGS_AT_ONCE;
use crate::topology::{PING_INTERVAL, Ping, PingAnswer, PingOutcome};

/// Nobody waits longer for a reply.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// A router has passed the request on, and says that another way is shorter (`ping_err`).
const REDIRECTED: Number = Number::EREMOTEIO;

/// A ping and where it leaves from.
pub(super) struct Departure {
    pub(super) ping: Ping,
    pub(super) from: Held,
    pub(super) exit: Exit,
}

/// Pings, each from the netns beside it, for as long as the asker is there.
pub(super) fn ping(pings: &[Departure], asker: BorrowedFd<'_>) -> io::Result<Vec<PingAnswer>> {
    on_a_visit(|| {
        let mut answers = Vec::with_capacity(pings.len());
        for (round, some) in pings.chunks(PINGS_AT_ONCE).enumerate() {
            if round > 0 {
                forget_neighbours(pings)?;
            }
            let mut flights = some.iter().map(Flight::open).collect::<io::Result<Vec<_>>>()?;
            fly(&mut flights, asker)?;
            answers.extend(flights.into_iter().map(Flight::answer));
        }
        Ok(answers)
    })
}

/// Has the namespaces forget their neighbours: the machine keeps some thousand in all (net.ipv4.neigh.default.gc_thresh3), and
/// so many pings would need more.
fn forget_neighbours(pings: &[Departure]) -> io::Result<()> {
    let mut sources: Vec<&Held> = pings.iter().map(|departure| &departure.from).collect();
    sources.sort_by_key(|from| &from.name);
    sources.dedup_by_key(|from| &from.name);
    for from in sources {
        enter(from)?;
        kernel::forget_neighbours(&kernel::Socket::open()?, |index| from.counts(index))?;
    }
    Ok(())
}

/// One ping under way.
struct Flight<'a> {
    ping: &'a Ping,
    /// Absent if there is no way to the target, which the kernel says at once.
    socket: Option<IcmpSocket>,
    sent: Vec<Instant>,
    replied: Vec<bool>,
    best: Option<Duration>,
    /// Requests that somebody said cannot arrive.
    refused: usize,
    error: Option<Number>,
}

impl<'a> Flight<'a> {
    fn open(departure: &'a Departure) -> io::Result<Self> {
        let Departure { ping, from, exit } = departure;
        enter(from)?;
        let mut flight =
            Self { ping, socket: None, sent: Vec::new(), replied: Vec::new(), best: None, refused: 0, error: None };
        let socket = IcmpSocket::open(ping.target, exit)?;
        match socket.connect(ping.target) {
            Ok(()) => flight.socket = Some(socket),
            Err(error) => flight.error = Some(error),
        }
        Ok(flight)
    }

    /// When this flight wants to be looked at again without a packet; `None` when it is over.
    fn next(&self) -> Option<Instant> {
        self.socket.as_ref()?;
        let last = self.sent.last()?;
        if self.sent.len() < self.ping.count as usize {
            return Some(*last + PING_INTERVAL);
        }
        let answered = self.replied.iter().filter(|replied| **replied).count() + self.refused;
        let patience = self.ping.timeout.min(LONGEST);
        if answered >= self.sent.len() { None } else { Some(*last + patience) }
    }

    /// Sends what is due. Returns whether the flight goes on.
    fn advance(&mut self) -> bool {
        let now = Instant::now();
        let Some(socket) = &self.socket else { return false };
        let due = self.sent.last().is_none_or(|last| now >= *last + PING_INTERVAL);
        if self.sent.len() < self.ping.count as usize && due {
            match socket.send(self.sent.len() as u16) {
                // Dropped on the way out: the peer is down, or the table of neighbours is full. Nobody will answer.
                Ok(()) | Err(Number::ENOBUFS) => {
                    self.sent.push(now);
                    self.replied.push(false);
                    // Within one machine the reply is often there already.
                    self.receive(Instant::now());
                }
                Err(error) => {
                    self.error = Some(error);
                    self.socket = None;
                    return false;
                }
            }
        }
        let is_over = |flight: &Self| match flight.next() {
            Some(next) => now >= next && flight.sent.len() >= flight.ping.count as usize,
            None => true,
        };
        if is_over(self) {
            // This thread may not have run for a while, and what has come in time counts.
            self.receive(now);
        }
        !is_over(self)
    }

    /// Takes what has come.
    fn receive(&mut self, now: Instant) {
        let Some(socket) = &self.socket else { return };
        loop {
            match socket.receive() {
                Ok(Some(number)) => {
                    let number = usize::from(number);
                    if let (Some(sent), Some(replied)) = (self.sent.get(number), self.replied.get_mut(number)) {
                        *replied = true;
                        let took = now.duration_since(*sent);
                        self.best = Some(self.best.map_or(took, |best| best.min(took)));
                    }
                }
                Ok(None) => {}
                Err(Number::EAGAIN | Number::EINTR) => return,
                // A router, or this netns itself, says that there is no way; the reply may still come.
                Err(error) => {
                    if error != REDIRECTED {
                        self.error = Some(error);
                        self.refused += 1;
                    }
                    socket.take_error();
                }
            }
        }
    }

    fn answer(self) -> PingAnswer {
        let received = self.replied.iter().filter(|replied| **replied).count() as u32;
        let outcome = match self.error {
            _ if received > 0 => PingOutcome::Reply,
            Some(error) => PingOutcome::Unreachable(kernel::errno_of(error as i32)),
            None => PingOutcome::NoReply,
        };
        PingAnswer { outcome, sent: self.sent.len() as u32, received, round_trip: self.best }
    }
}

fn fly(flights: &mut [Flight<'_>], asker: BorrowedFd<'_>) -> io::Result<()> {
    let mut flying: Vec<usize> = (0..flights.len()).collect();
    loop {
        flying.retain(|at| flights[*at].advance());
        let Some(next) = flying.iter().filter_map(|at| flights[*at].next()).min() else { return Ok(()) };
        let wait = next.saturating_duration_since(Instant::now());
        // Rounded up, so as not to wake a moment before something is due.
        let timeout = PollTimeout::try_from(wait.as_millis() + 1).unwrap_or(PollTimeout::MAX);
        let ready: Vec<usize> = {
            let mut waiting: Vec<PollFd<'_>> = flying
                .iter()
                .filter_map(|at| flights[*at].socket.as_ref())
                .map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN))
                .collect();
            // Asks for nothing, so it tells only of the end of the channel.
            waiting.push(PollFd::new(asker, PollFlags::empty()));
            match poll(&mut waiting, timeout) {
                Ok(_) | Err(Number::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            if waiting.pop().and_then(|asker| asker.any()).unwrap_or(false) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            let ready = waiting.iter().zip(&flying).filter(|(poll, _)| poll.any().unwrap_or(true));
            ready.map(|(_, at)| *at).collect()
        };
        let now = Instant::now();
        for at in ready {
            flights[at].receive(now);
        }
    }
}
