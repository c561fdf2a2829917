//! Two machines in which one network is made in two ways.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use crate::seen::look;
use crate::support::{Kind, Machine, Outcome, poll_until};
use crate::{planned, quoted};

/// How long a network may take to come to rest, and to be the same when it seems to be at rest.
const REST_WITHIN: Duration = Duration::from_secs(10);
const SAME_WITHIN: Duration = Duration::from_secs(2);
/// The lab's name in either machine.
pub(crate) const LAB: &str = "same";

/// Removes all that a script has made. Veths go with their host's ends, and bridges in one stroke.
const REMOVE: &str = "
ip -o link | while read -r _ name _; do
    name=${name%:}
    name=${name%@*}
    [ \"$name\" = lo ] || echo \"link set dev $name group 9\"
done >links
if [ -s links ]; then
    ip -batch links
    ip link del group 9
fi
rm links script
for path in /run/netns/*; do
    [ ! -e \"$path\" ] || echo \"netns del ${path#/run/netns/}\"
done | ip -batch -
";

/// Two machines, of which one runs scripts and the other `run --on-host`.
pub(crate) struct Pair {
    scripted: Machine,
    pub(crate) built: Machine,
}

impl Pair {
    /// Makes both, empty.
    pub(crate) fn new() -> Pair {
        Pair { scripted: Machine::new(Kind::Root), built: Machine::new(Kind::Root) }
    }

    /// Makes the network of a scenario in both ways, finds it to be the same and what was planned, and removes it.
    ///
    /// `scenario` is a module with its arguments behind `--`.
    pub(crate) fn is_the_same(&self, scenario: &[&str]) {
        let (scripted, built) = (&self.scripted, &self.built);
        let (script, ()) = at_once(
            || {
                let script = self.plan("ip", scenario).stdout().to_owned();
                quoted::check(&script);
                let path = scripted.write("script", &script);
                scripted.root_command("sh").arg(&path).run().success();
                script
            },
            || {
                let run = built.root_command("orchestrator").args(&["run", "--on-host", "--name", LAB]);
                run.args(scenario).run().success();
            },
        );
        let differences = self.differences_at_rest(&script);
        if !differences.is_empty() {
            let planned = self.plan("json", scenario).json();
            let mut differences = differences;
            for (way, machine) in [("script", scripted), ("run", built)] {
                let seen = planned::lines(&look(machine).topology());
                differences.extend(differ(["plan", way], &planned::lines(&planned["topology"]), &seen));
            }
            panic!("differ after {scenario:?}:\n{}\n--- the script\n{script}", differences.join("\n"));
        }
        at_once(
            || {
                scripted.root_command("sh").args(&["-euc", REMOVE]).run().success();
                is_empty(scripted);
            },
            || {
                built.orchestrator(&["down", LAB]).success();
                is_empty(built);
            },
        );
    }

    /// Plans a scenario for a lab with a host of its own.
    pub(crate) fn plan(&self, format: &str, scenario: &[&str]) -> Outcome {
        let plan = self.scripted.root_command("orchestrator").args(&["plan", "--format", format, "--name", LAB]);
        let planned = plan.args(scenario).run();
        planned.success();
        planned
    }

    /// Says what differs once both machines are at rest. The script has the digest of what was planned.
    fn differences_at_rest(&self, script: &str) -> Vec<String> {
        let begin = Instant::now();
        let mut differences = Vec::new();
        poll_until(begin + REST_WITHIN, || {
            let (scripted, built) = at_once(|| look(&self.scripted), || look(&self.built));
            differences = differ(["script", "run"], &scripted.lines(), &built.lines());
            for (way, seen) in [("script", &scripted), ("run", &built)] {
                let digest = planned::digest(&seen.topology());
                let is_planned = script.contains(&format!(" {digest}, "));
                differences.extend((!is_planned).then(|| format!("{way}: not as planned, but {digest}")));
            }
            let unrest = [scripted.unrest(), built.unrest()].concat();
            let done = unrest.is_empty() && (differences.is_empty() || begin.elapsed() > SAME_WITHIN);
            differences.extend(unrest);
            done.then_some(())
        });
        differences
    }

    /// Finds both machines as empty as they were at first.
    #[track_caller]
    pub(crate) fn finish(self) {
        self.scripted.finish();
        self.built.finish();
    }
}

/// Finds that a machine has no link but `lo`, and no netns with a name.
fn is_empty(m: &Machine) {
    let left = m.root_command("sh").args(&["-c", "ip -o link | grep -v '^1: lo:'; ls /run/netns"]).run();
    assert_eq!(left.stdout(), "", "{left}");
}

fn differ(names: [&str; 2], left: &BTreeSet<String>, right: &BTreeSet<String>) -> Vec<String> {
    let only = |[name, other]: [&str; 2], line: &String| format!("{name}, not {other}: {line}");
    let left_only = left.difference(right).map(|line| only(names, line));
    left_only.chain(right.difference(left).map(|line| only([names[1], names[0]], line))).collect()
}

/// Does two things at the same time.
fn at_once<A: Send, B: Send>(a: impl FnOnce() -> A, b: impl FnOnce() -> B + Send) -> (A, B) {
    thread::scope(|scope| {
        let b = scope.spawn(b);
        let a = a();
        (a, b.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}
