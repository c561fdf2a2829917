//! `orchestrator plan`: what it prints, for whom, and how it ends.

mod support;

#[path = "plan/clock.rs"]
mod clock;
#[path = "plan/digest.rs"]
mod digest;
#[path = "plan/ends.rs"]
mod ends;
#[path = "plan/formats.rs"]
mod formats;
#[path = "plan/looks.rs"]
mod looks;
#[path = "plan/on_host.rs"]
mod on_host;

use serde_json::Value;
use support::{Command, GUEST_CALLS, Kind, Machine, Outcome, confined, forbidden, kernel_test, on_machine};

/// Every example, with arguments for those that take some.
const EXAMPLES: [(&str, &[&str]); 11] = [
    ("two-containers", &[]),
    ("single-container", &[]),
    ("n-containers", &["4"]),
    ("n-containers", &["4", "--ipv6"]),
    ("direct-pair", &[]),
    ("full-mesh", &[]),
    ("full-mesh", &["3"]),
    ("two-lans", &[]),
    ("two-routers", &[]),
    ("fabric", &["2", "2", "2"]),
    ("fabric", &["3", "2", "1", "--ipv6"]),
];

const FORMATS: [&str; 5] = ["table", "json", "ip", "dot", "mermaid"];

/// Begins a command with an example as its scenario.
fn example<'m>(m: &'m Machine, words: &[&str], (example, arguments): (&str, &[&str])) -> Command<'m> {
    m.command("orchestrator").args(words).arg(example).arg("--").args(arguments)
}

/// Begins a `plan` with `options`, whose scenario plays `calls`, separated by white space.
fn plan<'m>(m: &'m Machine, options: &[&str], calls: &str) -> Command<'m> {
    let calls: Vec<&str> = calls.split_whitespace().collect();
    m.command("orchestrator").args(&["plan", GUEST_CALLS]).args(options).arg("--").args(&calls)
}

/// Returns the plan of a scenario that plays `calls`.
#[track_caller]
fn planned(m: &Machine, options: &[&str], calls: &str) -> Value {
    plan(m, &[&["--format", "json"], options].concat(), calls).run().success().json()
}

/// Finds that there was never any lab, nor a directory for one.
#[track_caller]
fn nothing_was_made(m: &Machine) {
    m.has_no_trace_of_labs();
    let labs = m.labs_directory();
    assert!(!m.outside(&labs).exists(), "there is {labs}");
    assert!(!m.outside("/run/netns").exists(), "there is /run/netns");
}

#[test]
fn examples_are_all_here() {
    on_machine(Kind::User, |m| {
        let listed = m.orchestrator(&["examples", "--json"]).success().json();
        let scenarios = listed.as_array().unwrap().iter().filter(|listed| listed["kind"] == "scenario");
        let listed: Vec<&str> = scenarios.map(|listed| listed["name"].as_str().unwrap()).collect();
        let mut here: Vec<&str> = EXAMPLES.iter().map(|(name, _)| *name).collect();
        here.dedup();
        here.sort_unstable();
        let mut listed = listed;
        listed.sort_unstable();
        assert_eq!(here, listed);
    });
}

kernel_test!(plan_needs_no_namespace_and_leaves_nothing, |m| {
    let none = "for kind in user pid mnt net; do echo 0 >/proc/sys/user/max_${kind}_namespaces; done";
    confined(m, none, &["run", "two-containers"]).run().fails_with(3);
    confined(m, none, &["plan", "two-containers"]).run().success().stdout_has("netns container1\n");
    m.has_no_trace_of_labs();
});

kernel_test!(plan_needs_no_place_for_labs, |m| {
    let planned = m.command("orchestrator").args(&["plan", "two-containers"]).env_remove("XDG_RUNTIME_DIR").run();
    planned.success().stdout_has("netns container1\n");
    nothing_was_made(m);
    // Nor does it mind one that can't be used.
    let labs = m.labs_directory();
    let base = labs.strip_suffix("/labs").unwrap();
    m.command("sh").args(&["-euc", "mkdir -m 777 $0", base]).run().success();
    assert_eq!(m.orchestrator(&["plan", "two-containers"]).success().stdout(), planned.stdout());
    m.command("rmdir").arg(base).run().success();
});

#[test]
fn plan_needs_no_right_to_make_user_namespaces() {
    on_machine(Kind::User, |m| {
        forbidden(m, "", &["plan", "two-containers"]).run().success().stdout_has("netns container1\n");
        nothing_was_made(m);
    });
}

/// What every example prints, in every format, on stdout and on stderr.
#[track_caller]
fn printed(m: &Machine) -> Vec<String> {
    let mut printed = Vec::new();
    for scenario in EXAMPLES {
        for format in FORMATS {
            let outcome = example(m, &["plan", "--format", format], scenario).run();
            outcome.success();
            printed.push(format!("{scenario:?} {format}\n{}--\n{}", outcome.stdout(), outcome.stderr()));
        }
    }
    printed
}

#[test]
fn plan_is_the_same_for_everybody_everywhere() {
    let mut of_root = Vec::new();
    on_machine(Kind::Root, |m| {
        of_root = printed(m);
        nothing_was_made(m);
    });
    on_machine(Kind::User, |m| {
        // Another machine, with links, settings and a lab of its own, at another place, under other variables.
        let make = "ip link add br0 type bridge; ip address add 172.16.0.1/24 dev br0; ip link set br0 up
            sysctl -qw net.ipv4.ip_forward=1; hostname elsewhere";
        m.root_command("sh").args(&["-euc", make]).run().success();
        m.orchestrator(&["run", "two-containers"]).success();
        for (of_root, of_user) in of_root.iter().zip(printed(m)) {
            assert_eq!(*of_root, of_user);
        }
        let elsewhere = m.command("orchestrator").args(&["plan", "two-lans"]).cwd("/");
        let elsewhere = elsewhere.env("TZ", "Asia/Tokyo").env("LANG", "ja_JP.UTF-8").env("RUST_LOG", "trace").run();
        assert_eq!(elsewhere.success().stdout(), m.orchestrator(&["plan", "two-lans"]).success().stdout());
        m.orchestrator(&["down", "two-containers"]).success();
        let undo = "ip link del br0; sysctl -qw net.ipv4.ip_forward=0";
        m.root_command("sh").args(&["-euc", undo]).run().success();
    });
}

#[test]
fn arguments_and_name_shape_a_plan() {
    on_machine(Kind::User, |m| {
        let digest = |arguments| {
            example(m, &["plan", "--json"], ("n-containers", arguments)).run().success().json()["digest"].clone()
        };
        assert_eq!(digest(&["3"]), digest(&["3"]));
        assert_ne!(digest(&["3"]), digest(&["4"]));
        plan(m, &[], "lab.name").run().success().stderr_has("lab.name: ok calls\n");
        plan(m, &["--name", "other-1"], "lab.name").run().success().stderr_has("lab.name: ok other-1\n");
        plan(m, &["--name", "Other"], "lab.name").run().fails_with(2).stderr_has("--name");
        // A lab of that name may stand; it has nothing to do with this.
        m.stand_empty("calls");
        plan(m, &[], "lab.name netns.list").run().success().stderr_has("netns.list: ok host\n");
        m.orchestrator(&["down", "calls"]).success();
    });
}

kernel_test!(what_a_scenario_says_is_beside_the_plan, |m| {
    let calls = "sys.print-text,out sys.print-stderr,err lab.log,said netns.add,red probe.links,red";
    let outcome = plan(m, &["--json"], calls).run();
    outcome.success().json();
    let said = "sys.print-text,out: ok\n";
    for words in ["out\n", said, "err\n", "calls: said\n", "netns.add,red: ok\n", "probe.links,red: ok lo: <LOOPBACK>"]
    {
        outcome.stderr_has(words);
    }
    // On a terminal a plan says nothing that it would obey.
    let shown = plan(m, &[], "sys.print-text,a\x1b[2Jb lab.log,c\x07d").on_terminal().wait();
    shown.success().stdout_lacks("\x1b").stdout_lacks("\x07").stdout_has("a\\u{1b}[2Jb").stdout_has("c\\u{7}d");
});

kernel_test!(warnings_are_said_once_by_plan_and_run_alike, |m| {
    let warnings = |outcome: &Outcome| -> Vec<String> {
        let lines = outcome.success().stderr().lines().filter(|line| line.starts_with("warning: "));
        lines.map(str::to_owned).collect()
    };
    let calls = "bridge.add,host,br0 link.set-up,host,br0";
    let planned = warnings(&plan(m, &[], calls).run());
    assert_eq!(planned.len(), 1, "{planned:?}");
    assert!(planned[0].starts_with("warning: bridge `br0` in netns `host` has no ports"), "{planned:?}");
    assert_eq!(warnings(&m.play("t", &["--rm"], calls).run()), planned);
    // Looks on the way do not repeat them; of many, some are said and the rest counted.
    let calls = "repeat,30,bridge.add,host,b{} probe.links,host lab.apply probe.routes,host";
    let many = warnings(&plan(m, &[], calls).run());
    assert_eq!(many.len(), 21, "{many:#?}");
    assert_eq!(many.last().map(String::as_str), Some("warning: 10 more like these"));
    assert_eq!(warnings(&m.play("t", &["--rm"], calls).run()), many);
    for scenario in EXAMPLES {
        assert_eq!(warnings(&example(m, &["plan"], scenario).run()), Vec::<String>::new(), "{scenario:?}");
    }
});
