//! The model and the kernel on the same random networks: what each shows of them, and who reaches whom.
//!
//! Every network is drawn twice, on the model here and by the scenario `calls` in a lab, which then looks at what stands.

mod support;

#[path = "reach/dice.rs"]
mod dice;
#[path = "reach/drawing.rs"]
mod drawing;
#[path = "reach/networks.rs"]
mod networks;

use std::slice;
use std::time::Duration;

use orchestrator::plan::difference;
use orchestrator::topology::{Limits, Ping, PingAnswer, PingOutcome, Topology};

use dice::Dice;
use drawing::Drawing;
use support::{Kind, Machine, Running, kernel_test};

/// So many networks are drawn unless ORCHESTRATOR_TEST_NETWORKS says, others for labs of root than for those of a user.
const NETWORKS: u64 = 30;
/// So many stand at the same time.
const AT_ONCE: usize = 30;
/// The kernel limits how many errors a second it sends to one sender.
const MOST_COMPLAINTS: usize = 4;
/// So many pings are answered at once in one lab.
const MOST_PINGS: usize = 80;
/// The kernel gets round to the state of bridges about once a second, all namespaces of the machine together; what it was looking
/// for on a bridge that has no carrier it forgets then.
const REST_MS: u32 = 1_200;
/// For a second try, alone.
const LONG_REST_MS: u32 = 6_000;
/// More pings than this do not get lost by chance.
const MOST_LOST: usize = 4;

/// A network and what is asked of it.
struct Case {
    seed: u64,
    drawing: Drawing,
    /// The model of it as it is built.
    model: Topology,
    pings: Vec<Ping>,
    timeout: Duration,
}

impl Case {
    fn draw(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let drawing = networks::draw(&mut dice);
        let mut model = Topology::new(Limits::default()).rehearsal();
        for step in difference(&Topology::new(Limits::default()), &drawing.network).unwrap() {
            step.play(&mut model).unwrap();
        }
        // Every third waits for the end of searches for neighbours.
        let timeout = Duration::from_millis(if seed.is_multiple_of(3) { 3_600 } else { 400 });
        let mut pings: Vec<Ping> = Vec::new();
        let mut complaints = 0;
        let targets = networks::targets(&drawing.network);
        for (_, netns) in model.list_netns() {
            for target in &targets {
                let ping = Ping { source: netns.name.clone(), target: *target, count: 1, timeout };
                let answer = model.ping(&ping).unwrap();
                complaints += usize::from(answer.sent > 0 && matches!(answer.outcome, PingOutcome::Unreachable(_)));
                if answer.sent == 0 || answer.outcome != PingOutcome::Reply && complaints > MOST_COMPLAINTS {
                    // Of those that nothing is sent for a few are enough.
                    if dice.chance(80) {
                        continue;
                    }
                }
                pings.push(ping);
            }
        }
        while pings.len() > MOST_PINGS {
            pings.swap_remove(dice.below(pings.len()));
        }
        Self { seed, drawing, model, pings, timeout }
    }

    /// Returns the calls that look at the network, with what the model answers.
    fn looks(&self) -> Vec<(String, Vec<String>)> {
        let timeout = self.timeout.as_millis();
        let pairs: Vec<String> = self.pings.iter().map(|ping| format!("{}={}", ping.source, ping.target)).collect();
        let answers = self.pings.iter().map(|ping| self.model_says(ping)).collect();
        let mut looks = vec![(format!("probe.ping-all,{timeout},{}", pairs.join(",")), answers)];
        for (id, netns) in self.model.list_netns() {
            let observed = self.model.observe(id);
            let links = observed.links.iter().map(ToString::to_string).collect();
            let addresses = observed
                .links
                .iter()
                .flat_map(|link| link.addresses.iter().map(move |address| format!("{} {address}", link.name)));
            let routes = observed.routes.iter().map(ToString::to_string).collect();
            looks.push((format!("probe.links,{}", netns.name), links));
            looks.push((format!("probe.addresses,{}", netns.name), addresses.collect()));
            looks.push((format!("probe.routes,{}", netns.name), routes));
        }
        looks
    }

    fn model_says(&self, ping: &Ping) -> String {
        words(&self.model.ping(ping).unwrap())
    }

    /// Begins a scenario that draws the network, rests, and looks.
    fn play<'m>(&self, m: &'m Machine, rest_ms: u32, looks: &[String]) -> Running<'m> {
        let mut calls = self.drawing.calls.clone();
        calls.extend(["lab.apply".to_owned(), format!("sys.sleep,{rest_ms}")]);
        calls.extend_from_slice(looks);
        m.play(&format!("lab{}", self.seed), &["--rm"], &calls.join(" ")).spawn()
    }

    fn play_all<'m>(&self, m: &'m Machine, rest_ms: u32) -> Running<'m> {
        self.play(m, rest_ms, &self.looks().into_iter().map(|(call, _)| call).collect::<Vec<_>>())
    }

    /// Returns how what the scenario has printed differs from what the model says, and the pings that do.
    fn compare(&self, printed: &str) -> (Vec<String>, Vec<&Ping>) {
        let (mut differences, mut pings) = (Vec::new(), Vec::new());
        for (call, model) in self.looks() {
            let line = answer(&call, printed);
            let kernel: Vec<String> = line.split("; ").filter(|item| !item.is_empty()).map(comparable).collect();
            let model: Vec<String> = model.iter().map(|item| comparable(item)).collect();
            if call.starts_with("probe.ping-all") {
                let pairs = kernel.iter().zip(&model).zip(&self.pings);
                pings.extend(pairs.filter(|((kernel, model), _)| kernel != model).map(|(_, ping)| ping));
            } else if kernel != model {
                differences.push(format!("{call}\n    kernel {kernel:#?}\n    model  {model:#?}"));
            }
        }
        (differences, pings)
    }

    /// Tries all again, alone: what a busy machine has lost or was late with is no difference.
    fn confirm(&self, m: &Machine) -> Vec<String> {
        let played = self.play_all(m, LONG_REST_MS).wait();
        let (mut differences, pings) = self.compare(played.success().stdout());
        if pings.len() > MOST_LOST {
            differences.push(format!("{} pings differ, such as {:?}", pings.len(), pings[0]));
            return differences;
        }
        for ping in pings {
            let Ping { source, target, timeout, .. } = ping;
            let call = format!("probe.ping-within,{source},{target},1,{}", timeout.as_millis());
            let played = self.play(m, LONG_REST_MS, slice::from_ref(&call)).wait();
            let kernel = answer(&call, played.success().stdout());
            let model = self.model_says(ping);
            if kernel != model {
                differences.push(format!("ping {target} from {source}: kernel {kernel}, model {model}"));
            }
        }
        differences
    }
}

/// Returns what a call was answered.
fn answer<'a>(call: &str, printed: &'a str) -> &'a str {
    let line = printed.lines().find_map(|line| line.strip_prefix(call)?.strip_prefix(": ok"));
    line.unwrap_or_else(|| panic!("no answer to {call}: {printed}")).trim_start()
}

/// Words an answer as the scenario does.
fn words(answer: &PingAnswer) -> String {
    let outcome = match &answer.outcome {
        PingOutcome::Reply => "reply".to_owned(),
        PingOutcome::NoReply => "no-reply".to_owned(),
        PingOutcome::Unreachable(errno) => format!("unreachable {errno}"),
    };
    format!("{outcome} sent={} received={}", answer.sent, answer.received)
}

/// Of a veth without carrier the kernel says which of two states it is in by indexes, which the model does not know.
fn comparable(item: &str) -> String {
    item.replace("state LOWERLAYERDOWN", "state DOWN")
}

kernel_test!(random_networks_are_to_the_kernel_what_they_are_to_the_model, |m| {
    let asked = std::env::var("ORCHESTRATOR_TEST_NETWORKS").ok().and_then(|text| text.parse().ok());
    let networks = asked.unwrap_or(NETWORKS);
    let first = if m.kind() == Kind::Root { 0 } else { networks };
    let cases: Vec<Case> = (first..first + networks).map(Case::draw).collect();
    let mut doubtful = Vec::new();
    for cases in cases.chunks(AT_ONCE) {
        let running: Vec<Running<'_>> = cases.iter().map(|case| case.play_all(m, REST_MS)).collect();
        for (case, running) in cases.iter().zip(running) {
            let (differences, pings) = case.compare(running.wait().success().stdout());
            if !differences.is_empty() || !pings.is_empty() {
                doubtful.push(case);
            }
        }
    }
    for case in doubtful {
        let differences = case.confirm(m);
        let drawn = case.drawing.calls.join(" ");
        assert!(differences.is_empty(), "seed {}:\n  {}\n  drawn by {drawn}", case.seed, differences.join("\n  "));
    }
});
