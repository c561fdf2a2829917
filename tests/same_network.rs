//! The script of `plan --format ip`, `run --on-host` and the plan itself are one and the same network.
//!
//! Each way has a machine of its own, with the machine's own network as the host.

mod support;

#[path = "same_network/draw.rs"]
mod draw;
#[path = "same_network/pair.rs"]
mod pair;
#[path = "same_network/planned.rs"]
mod planned;
#[path = "same_network/quoted.rs"]
mod quoted;
#[path = "same_network/seen.rs"]
mod seen;

use std::cell::RefCell;
use std::time::Duration;

use nix::unistd::geteuid;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestError, TestRunner};

use pair::Pair;
use support::{GUEST_CALLS, Kind, Machine, on_machine};

const RANDOM_NETWORKS: u32 = 300;
/// How long a failure is made smaller, and by how many tries.
const SHRINKING: Duration = Duration::from_secs(120);
const SHRINKS: u32 = 300;

/// Lists the built-in examples, each with every kind of arguments that it has.
fn examples(m: &Machine) -> Vec<Vec<String>> {
    let listed = m.orchestrator(&["examples", "--json"]).success().json();
    let mut examples = Vec::new();
    for example in listed.as_array().expect("an array").iter().filter(|example| example["kind"] == "scenario") {
        let text = |field: &str| example[field].as_str().expect("a text").to_owned();
        let usage = text("arguments");
        let mut words = vec![text("name"), "--".to_owned()];
        // A number in capitals.
        let words_of_usage = usage.split(' ').map(|word| word.trim_matches(['[', ']']));
        let numbers = words_of_usage.filter(|word| word.starts_with(|letter: char| letter.is_ascii_uppercase()));
        words.extend(numbers.map(|_| "3".to_owned()));
        examples.push(words.clone());
        if usage.contains("--ipv6") {
            words.push("--ipv6".to_owned());
            examples.push(words);
        }
    }
    examples
}

#[test]
fn examples_are_the_same_by_plan_script_and_run_on_host() {
    let mut found = Vec::new();
    on_machine(Kind::Root, |m| found = examples(m));
    assert!(found.len() >= 8, "{found:?}");
    for words in found {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let pair = Pair::new();
        let planned = pair.plan("json", &words).json();
        assert_eq!(planned["digest"], planned::digest(&planned["topology"]), "{words:?}");
        let on_host = ["plan", "--on-host", "--format", "json", "--name", pair::LAB];
        let on_host = pair.built.root_command("orchestrator").args(&on_host).args(&words).run().success().json();
        assert_eq!(planned::on_private_host(&on_host["topology"]), planned["topology"], "{words:?}");
        pair.is_the_same(&words);
        pair.finish();
    }
}

/// The seed of a half, which is always the same unless PROPTEST_RNG_SEED has another.
fn seed(half: u64) -> RngSeed {
    match ProptestConfig::default().rng_seed {
        RngSeed::Random => RngSeed::Fixed(1 + half),
        RngSeed::Fixed(seed) => RngSeed::Fixed(seed.wrapping_add(half)),
    }
}

/// How many networks are drawn: all by real root, and some by an ordinary user, whose machines differ in nothing that matters here.
fn networks() -> u32 {
    if geteuid().is_root() { RANDOM_NETWORKS } else { RANDOM_NETWORKS / 10 }
}

#[test]
fn random_networks_are_the_same_by_plan_script_and_run_on_host() {
    random_networks_are_the_same(0);
}

#[test]
fn as_many_random_networks_are_the_same_meanwhile() {
    random_networks_are_the_same(1);
}

/// Compares half of them. Either half waits for the kernel a good part of its time, so the other goes on beside it.
fn random_networks_are_the_same(half: u64) {
    let seed = seed(half);
    let config = ProptestConfig {
        cases: networks() / 2,
        rng_seed: seed,
        max_shrink_time: u32::try_from(SHRINKING.as_millis()).expect("it fits"),
        max_shrink_iters: SHRINKS,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    // A pair that has shown a difference is not used again.
    let pair = RefCell::new(None);
    let outcome = TestRunner::new(config).run(&draw::network(), |calls| {
        let on = pair.take().unwrap_or_else(Pair::new);
        let mut words = vec![GUEST_CALLS, "--"];
        words.extend(calls.iter().map(String::as_str));
        on.is_the_same(&words);
        pair.replace(Some(on));
        Ok(())
    });
    if let Err(TestError::Fail(reason, calls)) = outcome {
        panic!("with PROPTEST_RNG_SEED={seed}, the calls\n  {}\n{reason}", calls.join("\n  "));
    }
    outcome.expect("no case is rejected");
    pair.take().expect("the pair of the last case").finish();
}

/// Networks that were not the same once, or could not be made.
const ONCE_NOT_THE_SAME: [&str; 6] = [
    // A veth goes with its netns, later than the kernel says that this is gone.
    "netns.add,n1 veth.add,host,e0,n1,e1 lab.apply netns.remove,n1 netns.add,n2 veth.add,n2,e4,host,e0",
    // A bridge that loses a port gets IPv6 back by its larger MTU, and has forgotten to make no link-local address of its own. The
    // look lets it come to rest before.
    "netns.add,n1 netns.add,n2 bridge.add,host,br0 link.set-up,host,br0 veth.add,host,e0,n1,e1 veth.add,host,e2,n2,e3 \
     link.set-up,host,e2 link.set-up,n2,e3 link.set-mtu,host,e0,1000 bridge.add-port,host,br0,e0 \
     bridge.add-port,host,br0,e2 probe.links,host link.remove,host,e0",
    // The same where that had been said already.
    "netns.add,n1 netns.add,n2 veth.add,n1,e0,n2,e1 veth.add,n1,e2,n2,e3 link.set-up,n1,e2 link.set-up,n2,e3 lab.apply \
     bridge.add,n1,br0 link.set-up,n1,br0 bridge.add-port,n1,br0,e0 bridge.add-port,n1,br0,e2 link.set-mtu,n1,e0,1000 \
     probe.links,n1 bridge.remove-port,n1,e0",
    // And where it only follows a new port for a moment, until it has the MTU that it was given.
    "netns.add,n1 bridge.add,host,br0 link.set-up,host,br0 veth.add,host,e0,n1,e1 link.set-up,host,e0 link.set-up,n1,e1 \
     bridge.add-port,host,br0,e0 veth.add,host,e2,n1,e3 probe.links,host link.set-mtu,host,br0,1280 \
     link.set-mtu,host,e2,68 bridge.add-port,host,br0,e2",
    // It keeps the MTU that it has, but as its own, before it follows.
    "netns.add,n1 bridge.add,n1,br0 link.set-up,n1,br0 veth.add,n1,e0,host,e1 link.set-up,n1,e0 link.set-up,host,e1 \
     link.set-mtu,n1,e0,1000 lab.apply bridge.add-port,n1,br0,e0 link.set-mtu,n1,br0,1500",
    // Gateways that have got routes through other gateways: a chain over one link, a circle over two, one that is its own, and
    // at last without the network in which they were reached.
    "netns.add,n1 netns.add,n2 veth.add,n1,e0,n2,e0 veth.add,n1,e1,n2,e1 link.set-up,n1,e0 link.set-up,n1,e1 \
     link.set-up,n2,e0 link.set-up,n2,e1 address.add,n1,e0,2001:db8::1/64 address.add,n1,e1,2001:db8::1/64 \
     address.add,n1,e0,10.0.0.1/24 address.add,n1,e1,10.0.0.2/24 \
     route.add-via,n1,e0,2001:db8:9::/48,2001:db8::2 route.add-via,n1,e0,2001:db8::2/128,2001:db8::3 \
     route.add-via,n1,e0,2001:db8::3/128,2001:db8::4 route.add-via,n1,e0,2001:db8::6/128,2001:db8::7 \
     route.add-via,n1,e1,2001:db8::7/128,2001:db8::6 route.add-via,n1,e1,2001:db8::8/128,2001:db8::8 \
     route.add-via,n1,e0,10.0.0.6/32,10.0.0.7 route.add-via,n1,e1,10.0.0.7/32,10.0.0.6 \
     address.remove,n1,e0,2001:db8::1/64 address.remove,n1,e1,2001:db8::1/64 probe.routes,n1",
];

#[test]
fn networks_that_were_not_the_same_once_are_so_now() {
    let pair = Pair::new();
    for calls in ONCE_NOT_THE_SAME {
        let words: Vec<&str> = [GUEST_CALLS, "--"].into_iter().chain(calls.split_whitespace()).collect();
        pair.is_the_same(&words);
    }
    pair.finish();
}

#[test]
fn names_that_a_shell_would_read_do_not_get_into_a_script() {
    let names = ["$(reboot)", "a b", "';x", "`reboot`", "a;reboot", "a\nreboot", "-h", "\"", "&reboot"];
    let calls = names.iter().flat_map(|name| {
        let calls = ["netns.add,{}", "bridge.add,red,{}", "veth.add,red,{},host,v", "link.set-name,red,v,{}"];
        calls.map(|call| call.replace("{}", name))
    });
    let mut words = vec!["plan".to_owned(), "--format".to_owned(), "ip".to_owned(), GUEST_CALLS.to_owned()];
    words.extend(["--", "!netns.add,red", "!veth.add,red,v,host,w", "lab.apply"].map(str::to_owned));
    words.extend(calls);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    on_machine(Kind::Root, |m| {
        let planned = m.orchestrator(&words);
        let refused =
            planned.success().stderr().lines().filter(|line| line.contains(": invalid-argument EINVAL ")).count();
        assert_eq!(refused, 4 * names.len(), "{planned}");
        quoted::check(planned.stdout());
        assert!(!planned.stdout().contains("reboot"), "{planned}");
        assert_eq!(planned.stdout().lines().filter(|line| line.starts_with("ip ")).count(), 2, "{planned}");
    });
}
