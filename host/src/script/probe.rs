//! `wit/probe.wit`

use std::net::IpAddr;
use std::time::Duration;

use wasmtime::component::Resource;

use super::bindings::orchestrator::net::probe::{Host, PingOutcome as WitOutcome, PingResult};
use super::drawing::{Drawing, NetnsHandle};
use super::errors::Failure;
use super::parse;
use crate::topology::{Errno, MOST_PINGS, NetnsName, PING_INTERVAL, Ping, PingAnswer, PingOutcome, Refusal, observed};

/// How long `ping` waits.
const SHORT: Duration = Duration::from_millis(200);
/// So many differences from the model are told of.
const MOST_SURPRISES: usize = 10;

impl Host for Drawing {
    async fn ping(&mut self, source: Resource<NetnsHandle>, target: String) -> Result<PingResult, Failure> {
        let ping = self.prepare(&source, &target, 1, SHORT)?;
        self.fly(ping).await
    }

    async fn ping_within(
        &mut self,
        source: Resource<NetnsHandle>,
        target: String,
        count: u32,
        timeout_ms: u32,
    ) -> Result<PingResult, Failure> {
        let ping = self.prepare(&source, &target, count, Duration::from_millis(timeout_ms.into()))?;
        self.fly(ping).await
    }

    async fn ping_all(
        &mut self,
        sources: Vec<Resource<NetnsHandle>>,
        targets: Vec<String>,
        timeout_ms: u32,
    ) -> Result<Vec<PingResult>, Failure> {
        let act = format!("ping {} targets", targets.len());
        if sources.len() != targets.len() {
            return Err(Refusal::invalid(act, format!("there are {} sources", sources.len())).into());
        }
        if targets.len() > MOST_PINGS {
            return Err(Refusal::invalid(act, format!("one call pings at most {MOST_PINGS}")).into());
        }
        let timeout = Duration::from_millis(timeout_ms.into());
        let pings = sources.iter().zip(&targets).map(|(source, target)| self.prepare(source, target, 1, timeout));
        let answers = self.ping_and_compare(pings.collect::<Result<_, _>>()?).await?;
        self.pass_time(answers.iter().map(|answer| time_of(answer, timeout)).max().unwrap_or_default()).await;
        Ok(answers.iter().map(|answer| result(answer, timeout)).collect())
    }

    async fn links(&mut self, netns: Resource<NetnsHandle>) -> Result<Vec<String>, Failure> {
        Ok(self.observe(&netns).await?.links.iter().map(ToString::to_string).collect())
    }

    async fn addresses(&mut self, netns: Resource<NetnsHandle>) -> Result<Vec<String>, Failure> {
        let links = self.observe(&netns).await?.links;
        let line = |link: &observed::Link, address: &observed::Address| format!("{} {address}", link.name);
        Ok(links.iter().flat_map(|link| link.addresses.iter().map(move |address| line(link, address))).collect())
    }

    async fn routes(&mut self, netns: Resource<NetnsHandle>) -> Result<Vec<String>, Failure> {
        Ok(self.observe(&netns).await?.routes.iter().map(ToString::to_string).collect())
    }
}

impl Drawing {
    fn prepare(
        &self,
        source: &Resource<NetnsHandle>,
        target: &str,
        count: u32,
        timeout: Duration,
    ) -> Result<Ping, Failure> {
        let source = self.present(source, "ping from")?;
        let target: IpAddr = parse::address("ping", target)?;
        let act = || format!("ping `{target}` from netns `{source}`");
        if count == 0 || count as usize > MOST_PINGS {
            return Err(Refusal::invalid(act(), format!("the count is {count} and has to be 1 to {MOST_PINGS}")).into());
        }
        if timeout.is_zero() {
            return Err(Refusal::invalid(act(), "the timeout is 0 ms").into());
        }
        Ok(Ping { source, target, count, timeout })
    }

    /// Returns the name of a netns that stands.
    fn present(&self, handle: &Resource<NetnsHandle>, verb: &str) -> Result<NetnsName, Failure> {
        let id = self.netns(handle)?;
        let act = || format!("{verb} netns `{}`", self.topology.netns_name(id));
        Ok(self.topology.netns(id, act)?.name.clone())
    }

    async fn fly(&mut self, ping: Ping) -> Result<PingResult, Failure> {
        let timeout = ping.timeout;
        let act = format!("ping `{}` from netns `{}`", ping.target, ping.source);
        let answers = self.ping_and_compare(vec![ping]).await?;
        let answer = answers.first().ok_or_else(|| Refusal::new(Errno::ENOENT, act, "nobody answered for it"))?;
        self.pass_time(time_of(answer, timeout)).await;
        Ok(result(answer, timeout))
    }

    /// Has the kernel ping, and says where it answers otherwise than the model: one of the two is wrong, or something is in the way
    /// that the model does not know of, such as a firewall.
    async fn ping_and_compare(&mut self, pings: Vec<Ping>) -> Result<Vec<PingAnswer>, Failure> {
        let asked = pings.clone();
        let answers = self.look_for_replies(pings).await?;
        if self.stage.is_rehearsal() {
            return Ok(answers);
        }
        for (ping, answer) in asked.iter().zip(&answers) {
            let Ok(model) = self.topology.ping(ping) else { continue };
            let replies = |answer: &PingAnswer| answer.outcome == PingOutcome::Reply;
            if replies(&model) != replies(answer) && self.surprises < MOST_SURPRISES {
                self.surprises += 1;
                eprintln!(
                    "note: ping `{}` from netns `{}`: the kernel says {}, the model of the network {}",
                    ping.target,
                    ping.source,
                    in_brief(answer),
                    in_brief(&model)
                );
            }
        }
        Ok(answers)
    }

    /// In a rehearsal nothing takes time by itself.
    async fn pass_time(&mut self, time: Duration) {
        if self.stage.is_rehearsal() {
            tokio::time::sleep(time).await;
        }
    }

    async fn observe(&mut self, netns: &Resource<NetnsHandle>) -> Result<observed::Netns, Failure> {
        let name = self.present(netns, "read")?;
        self.look_at(name).await
    }
}

fn in_brief(answer: &PingAnswer) -> String {
    match &answer.outcome {
        PingOutcome::Reply => "reply".into(),
        PingOutcome::NoReply => "no reply".into(),
        PingOutcome::Unreachable(errno) => format!("unreachable ({errno})"),
    }
}

/// Returns how long a ping has taken.
fn time_of(answer: &PingAnswer, timeout: Duration) -> Duration {
    let between = PING_INTERVAL.saturating_mul(answer.sent.saturating_sub(1));
    let last = match answer.outcome {
        PingOutcome::Reply => answer.round_trip.unwrap_or_default(),
        PingOutcome::NoReply => timeout,
        PingOutcome::Unreachable(_) => Duration::ZERO,
    };
    between.saturating_add(last)
}

fn result(answer: &PingAnswer, timeout: Duration) -> PingResult {
    let (outcome, message, errno) = match &answer.outcome {
        PingOutcome::Reply => (WitOutcome::Reply, String::new(), String::new()),
        PingOutcome::NoReply => {
            (WitOutcome::NoReply, format!("no reply within {} ms", timeout.as_millis()), String::new())
        }
        PingOutcome::Unreachable(errno) => (WitOutcome::Unreachable, in_words(errno), errno.name().to_owned()),
    };
    let microseconds = answer.round_trip.map_or(0, |time| u32::try_from(time.as_micros().max(1)).unwrap_or(u32::MAX));
    let (sent, received) = (answer.sent, answer.received);
    PingResult { outcome, message, errno, sent, received, round_trip_us: microseconds }
}

/// The words of ping(8).
fn in_words(errno: &Errno) -> String {
    match errno.name() {
        "ENETUNREACH" => "network is unreachable".into(),
        "EHOSTUNREACH" => "destination host is unreachable".into(),
        other => format!("unreachable: {other}"),
    }
}
