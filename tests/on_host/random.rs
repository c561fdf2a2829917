//! Random labs that are built, killed and removed on a machine that is in use all the while.

use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::{Machine, Portrait};
use crate::{LAB, inhabited, links_of};

const LABS: usize = 200;
/// After so many labs the whole machine is compared; after each one its links and what it would say to `ip`.
const PORTRAIT_EVERY: usize = 20;

const NETNS: [&str; 4] = ["host", "host", "n1", "n2"];
const LINKS: [&str; 6] = ["br0", "br1", "l2", "l3", "l4", "l5"];
/// Some are the machine's, or overlap what is.
const ADDRESSES: [&str; 10] = [
    "172.20.0.1/24",
    "172.20.0.2/24",
    "172.21.0.1/16",
    "172.20.0.9/32",
    "fd20::1/64",
    "fd20::2/64",
    "fd21::1/48",
    "10.0.0.9/16",
    "172.17.0.9/24",
    "fd10::9/64",
];
const DESTINATIONS: [&str; 6] =
    ["172.30.0.0/16", "172.31.0.0/24", "fd30::/48", "fd31::/64", "default", "192.168.50.0/24"];
const GATEWAYS: [&str; 4] = ["172.20.0.7", "172.21.0.7", "fd20::7", "fd21::7"];

/// How a lab comes to its end.
#[derive(Clone, Copy, Debug)]
enum End {
    Down,
    Rm,
    AgentKilled,
    RunKilled(u64),
    RunInterrupted(u64),
}

fn pick(list: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(list)
}

/// Draws one call; many are refused, and change nothing.
fn call() -> impl Strategy<Value = String> {
    let (netns, link) = (|| pick(&NETNS), || pick(&LINKS));
    prop_oneof![
        2 => (netns(), pick(&LINKS[..2])).prop_map(|(n, l)| format!("bridge.add,{n},{l}")),
        4 => (netns(), pick(&LINKS[2..]), netns(), pick(&LINKS[2..])).prop_map(|(n, l, m, k)| format!("veth.add,{n},{l},{m},{k}")),
        6 => (netns(), link()).prop_map(|(n, l)| format!("link.set-up,{n},{l}")),
        1 => (netns(), link()).prop_map(|(n, l)| format!("link.set-down,{n},{l}")),
        1 => (netns(), link(), link()).prop_map(|(n, l, k)| format!("link.set-name,{n},{l},{k}")),
        1 => (netns(), link(), netns()).prop_map(|(n, l, m)| format!("link.set-netns,{n},{l},{m}")),
        1 => (netns(), link()).prop_map(|(n, l)| format!("link.remove,{n},{l}")),
        1 => (netns(), link()).prop_map(|(n, l)| format!("link.set-mtu,{n},{l},1400")),
        3 => (netns(), pick(&LINKS[..2]), pick(&LINKS[2..])).prop_map(|(n, b, l)| format!("bridge.add-port,{n},{b},{l}")),
        5 => (netns(), link(), pick(&ADDRESSES[..7])).prop_map(|(n, l, a)| format!("address.add,{n},{l},{a}")),
        2 => (netns(), pick(&DESTINATIONS[..4]), pick(&GATEWAYS)).prop_map(|(n, d, g)| format!("route.add,{n},{d},{g}")),
        1 => Just("lab.apply".to_owned()),
        1 => (netns(), pick(&GATEWAYS)).prop_map(|(n, g)| format!("probe.ping-within,{n},{g},1,50")),
    ]
}

/// What the machine would not have: at most one in a lab, as it is refused for that.
fn trouble() -> impl Strategy<Value = String> {
    prop_oneof![
        (pick(&LINKS), pick(&ADDRESSES[7..])).prop_map(|(l, a)| format!("address.add,host,{l},{a}")),
        (pick(&DESTINATIONS[4..]), pick(&GATEWAYS)).prop_map(|(d, g)| format!("route.add,host,{d},{g}")),
        pick(&["eth0", "docker0", "vethapp"]).prop_map(|l| format!("bridge.add,host,{l}")),
        pick(&["app", "upstream"]).prop_map(|n| format!("netns.add,{n}")),
    ]
}

fn lab() -> impl Strategy<Value = (Vec<String>, End)> {
    let end = prop_oneof![
        2 => Just(End::Down),
        1 => Just(End::Rm),
        3 => Just(End::AgentKilled),
        2 => (0..300u64).prop_map(End::RunKilled),
        1 => (0..300u64).prop_map(End::RunInterrupted),
    ];
    let calls = (prop::collection::vec(call(), 5..40), prop::option::weighted(0.2, trouble()), end);
    calls.prop_map(|(calls, trouble, end)| {
        let first = ["netns.add,n1".to_owned(), "netns.add,n2".to_owned(), "bridge.add,host,br0".to_owned()];
        (first.into_iter().chain(calls).chain(trouble).collect(), end)
    })
}

/// Builds a lab and ends it in its way. Returns how many links it had on the machine when it stood, if it did.
#[track_caller]
fn build_and_end(m: &Machine, calls: &[String], end: End) -> usize {
    let calls: Vec<String> = calls.iter().map(|call| format!("?{call}")).collect();
    let options: &[&str] = if matches!(end, End::Rm) { &["--on-host", "--rm"] } else { &["--on-host"] };
    let run = m.play(LAB, options, &calls.join(" ")).spawn();
    if let End::RunKilled(ms) | End::RunInterrupted(ms) = end {
        thread::sleep(Duration::from_millis(ms));
        let signal = if matches!(end, End::RunKilled(_)) { "-KILL" } else { "-INT" };
        let ours: Vec<(u32, String)> =
            m.processes().into_iter().filter(|(_, command)| command.starts_with("orchestrator ")).collect();
        for (pid, _) in ours.iter().filter(|(_, command)| command.starts_with("orchestrator run ")) {
            // It may have ended by now.
            drop(m.root_command("kill").args(&[signal, &pid.to_string()]).run());
        }
        let _ = run.wait();
        if m.labs().is_empty() {
            ours.into_iter().for_each(|(pid, _)| m.ends(pid));
        } else {
            m.orchestrator(&["down", LAB]).success();
        }
        return 0;
    }
    let ended = run.wait();
    // Refused for what the machine has, or it stands.
    assert!([0, 2].contains(&ended.code()), "{ended}");
    let links = links_of(m, LAB).len();
    match end {
        _ if ended.code() != 0 => {}
        End::AgentKilled => {
            m.kill_agent(LAB);
            m.orchestrator(&["list"]).success();
        }
        End::Down => {
            let ended = m.orchestrator(&["down", LAB]);
            assert_eq!((ended.success().stdout(), ended.stderr()), ("", ""));
        }
        End::Rm | End::RunKilled(_) | End::RunInterrupted(_) => {}
    }
    links
}

#[test]
fn random_labs_leave_a_machine_in_use_as_it_was_and_never_cut_it_off() {
    inhabited(|m, before| {
        // As a session over SSH would be: packets from elsewhere, each of which is to be answered.
        let pings = ["netns", "exec", "upstream", "ping", "-i", "0.2", "-W", "5", "10.0.0.5"];
        let mut session = m.root_command("ip").args(&pings).deadline(Duration::from_secs(1200)).spawn();
        session.stdout_gets("bytes from 10.0.0.5");
        let with_session = Portrait::of(m);
        let links = m.ip(&["link"]);

        let (mut stood, mut most) = (0, 0);
        let mut runner = TestRunner::deterministic();
        // An ordinary user plays root in a user namespace, where a few show that it is no different.
        let labs = if geteuid().is_root() { LABS } else { LABS / 10 };
        for number in 1..=labs {
            let (calls, end) = lab().new_tree(&mut runner).expect("a lab can be drawn").current();
            let links_of_lab = build_and_end(m, &calls, end);
            stood += usize::from(links_of_lab > 0);
            most = most.max(links_of_lab);
            assert_eq!(links_of(m, LAB), Vec::<String>::new(), "{end:?} of {calls:?}");
            assert_eq!(m.ip(&["link"]), links, "{end:?} of {calls:?}");
            m.has_no_trace_of_labs_but(&["app", "upstream"]);
            if number % PORTRAIT_EVERY == 0 {
                with_session.assert_is_again(m);
            }
        }
        assert!(stood > labs / 4 && most > 3, "{stood} of the {labs} labs stood, with {most} links at most");
        session.signal(Signal::SIGINT);
        session.wait().success().stdout_has(" 0% packet loss");
        before.assert_is_again(m);
    });
}
