//! Commands drawn at random: the kernel and the model do the same, and refuse the same.

use orchestrator::topology::{LinkId, Place, Topology};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::script::{Generation, Looks, Script};
use crate::support::{Kind, Machine, on_machine};

/// How many networks are drawn and looked at after each command, unless PROPTEST_CASES says.
const CASES: u32 = 6;
/// How many are drawn and looked at when all is done, unless ORCHESTRATOR_TEST_SEQUENCES says.
const SEQUENCES: u32 = 200;
const COMMANDS: std::ops::Range<usize> = 10..60;

const NETNS: [&str; 3] = ["host", "red", "blue"];
const NAMES: [&str; 8] = ["eth0", "eth1", "eth2", "eth3", "eth4", "eth5", "eth6", "eth7"];
const QUEUES: [&str; 4] = ["0", "2", "16", "4097"];
const MTUS: [&str; 6] = ["1000", "1279", "1280", "1400", "9000", "1500"];
const ADDRESSES: [&str; 16] = [
    "10.0.0.1/24",
    "10.0.0.2/24",
    "10.0.0.3/24",
    "10.0.0.1/16",
    "10.1.0.1/24",
    "10.1.0.2/32",
    "192.168.0.1/30",
    "192.168.0.2/31",
    "127.0.0.1/8",
    "fd00::1/64",
    "fd00::2/64",
    "fd00::3/80",
    "fd01::1/64",
    "fd02::1/128",
    "fe80::5/64",
    "::1/128",
];
const DESTINATIONS: [&str; 9] = [
    "default",
    "10.9.0.0/16",
    "10.9.1.0/24",
    "10.0.0.0/24",
    "10.0.0.77/32",
    "::/0",
    "fd09::/48",
    "fd00::/64",
    "fd00::77/128",
];
const GATEWAYS: [&str; 9] =
    ["10.0.0.9", "10.0.0.1", "10.1.0.9", "192.168.0.2", "fd00::9", "fd00::1", "fd01::9", "fe80::9", "fe80::5"];

/// Returns the command that the numbers pick, of objects that are there as far as it can.
fn command(network: &Topology, generation: Generation, [which, a, b, c]: [u16; 4]) -> String {
    let pick = |list: &[&str], at: u16| list[usize::from(at) % list.len()].to_owned();
    let places: Vec<(LinkId, Place)> = network.list_links().map(|(id, _)| (id, network.place_of(id))).collect();
    let (id, Place { netns, link }) = places[usize::from(a) % places.len()].clone();
    let beside = network.list_links().filter(|(_, other)| Some(other.netns) == network.standing(id).map(|l| l.netns));
    let beside: Vec<String> = beside.map(|(_, other)| other.name.to_string()).collect();
    let up = network.standing(id).is_some_and(|link| link.up);
    let near = &beside[usize::from(b) % beside.len()];
    let bridges = network.list_links().filter(|(_, other)| other.kind.word() == "bridge");
    let bridges: Vec<Place> =
        bridges.map(|(id, _)| network.place_of(id)).filter(|place| place.netns == netns).collect();
    let (name, address, destination) = (pick(&NAMES, b), pick(&ADDRESSES, b), pick(&DESTINATIONS, b));
    let (gateway, other) = (pick(&GATEWAYS, c), pick(&NETNS, b));
    match which % 64 {
        26..=33 if link.as_str() == "lo" => format!("ip -n {netns} link set dev lo up"),
        41..=45 if link.as_str() == "lo" => format!("ip -n {netns} address add {} dev lo", pick(&ADDRESSES[8..], b)),
        46..=49 if link.as_str() == "lo" => format!("ip -n {netns} link set dev lo up"),
        0..=2 => format!("ip netns add {other}"),
        3 if other != "host" => format!("ip netns del {other}"),
        4 => format!("forward {other} {}", c % 2),
        5 => {
            let (peer, far, queues) = (pick(&NAMES, c), pick(&NETNS, a / 64), pick(&QUEUES, a));
            let queues = format!("numtxqueues {queues} numrxqueues {queues}");
            format!("ip -n {netns} link add name {name} {queues} type veth peer name {peer} {queues} netns {far}")
        }
        6..=9 => {
            let (peer, far) = (pick(&NAMES, c), pick(&NETNS, a / 64));
            format!("ip -n {netns} link add name {name} type veth peer name {peer} netns {far}")
        }
        10..=11 => format!("ip -n {netns} link add name {name} type bridge"),
        12 => format!("ip -n {netns} link del dev {link}"),
        13..=22 => format!("ip -n {netns} link set dev {link} up"),
        23..=25 => format!("ip -n {netns} link set dev {link} down"),
        26..=29 => format!("ip -n {netns} link set dev {link} mtu {}", pick(&MTUS, b)),
        // A link that is up and gets a carrier later has a link-local address of its new MAC address then, in a kernel that
        // gives it one.
        30..=31 if generation == Generation::Own && up => format!("ip -n {netns} link set dev {link} down"),
        30..=31 => format!("ip -n {netns} link set dev {link} name {name}"),
        32..=33 if network.peer(id).is_ok() => format!("ip -n {netns} link set dev {link} netns {other}"),
        // Refused, a port has lost its bridge in the kernel; the model changes nothing then, and the agent does not ask.
        34..=39 if network.standing(id).is_some_and(|link| link.controller.is_some()) && which % 2 == 0 => {
            format!("ip -n {netns} link set dev {link} nomaster")
        }
        34 => format!("ip -n {netns} link set dev {link} master {near}"),
        35..=39 if !bridges.is_empty() => {
            let bridge = &bridges[usize::from(c) % bridges.len()];
            format!("ip -n {netns} link set dev {link} master {}", bridge.link)
        }
        40 => format!("ip -n {netns} link set dev {link} nomaster"),
        41..=49 => format!("ip -n {netns} address add {address} dev {link}"),
        50..=52 => match network.standing(id).and_then(|link| link.addresses.iter().nth(usize::from(b) % 4)) {
            Some(held) if !held.automatic => format!("ip -n {netns} address del {} dev {link}", held.cidr),
            _ => format!("ip -n {netns} address del {address} dev {link}"),
        },
        53..=56 => format!("ip -n {netns} route add {destination} via {gateway}"),
        57..=58 => format!("ip -n {netns} route add {destination} via {gateway} dev {link}"),
        59..=61 => format!("ip -n {netns} route add {destination} dev {link}"),
        _ => format!("ip -n {netns} route del {destination}"),
    }
}

#[test]
fn random_commands_have_the_same_effects_on_the_kernel_and_on_the_model() {
    on_machine(Kind::Root, |m| {
        let drawn = std::env::var("PROPTEST_CASES").is_ok();
        let mut config = Config { failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
        config.cases = if drawn { config.cases } else { CASES };
        let strategy = (any::<bool>(), prop::collection::vec(any::<[u16; 4]>(), COMMANDS));
        let outcome = TestRunner::new(config).run(&strategy, |(own, numbers)| play(m, Looks::Always, own, &numbers));
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    });
}

#[test]
fn random_sequences_are_refused_in_the_same_places_and_lead_to_the_same() {
    on_machine(Kind::Root, |m| {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let cases = number("ORCHESTRATOR_TEST_SEQUENCES").map_or(SEQUENCES, |cases| u32::try_from(cases).unwrap());
        let seed = number("ORCHESTRATOR_TEST_SEED").map_or(RngSeed::Random, RngSeed::Fixed);
        let config =
            Config { cases, rng_seed: seed, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
        let strategy = (any::<bool>(), prop::collection::vec(any::<[u16; 4]>(), COMMANDS));
        let outcome = TestRunner::new(config).run(&strategy, |(own, numbers)| play(m, Looks::AtTheEnd, own, &numbers));
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    });
}

/// Plays the commands that the numbers pick, on a kernel and on the model.
fn play(m: &Machine, looks: Looks, own: bool, numbers: &[[u16; 4]]) -> Result<(), TestCaseError> {
    let generation = if own { Generation::Own } else { Generation::Off };
    let mut script = Script::looking(generation, looks);
    script.add("ip netns add red");
    for numbers in numbers {
        let command = command(script.model(), generation, *numbers);
        script.add(&command);
    }
    script.play(m).compare().map_err(TestCaseError::fail)
}
