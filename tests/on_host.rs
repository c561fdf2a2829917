//! `run --on-host`: a lab in the machine's own network, and all else there as it was.

mod support;

#[path = "on_host/conflicts.rs"]
mod conflicts;
#[path = "on_host/down.rs"]
mod down;
#[path = "on_host/guest.rs"]
mod guest;
#[path = "on_host/journal.rs"]
mod journal;
#[path = "on_host/killed.rs"]
mod killed;
#[path = "on_host/random.rs"]
mod random;
#[path = "on_host/several.rs"]
mod several;
#[path = "on_host/stands.rs"]
mod stands;

use std::time::Duration;

use support::{Command, Kind, Machine, Portrait, on_machine};

/// How long something may take that takes a moment.
const SOON: Duration = Duration::from_secs(10);

/// The lab of a test that needs only one.
const LAB: &str = "lab";

/// A lab with a bit of everything on the host: a bridge with a port and addresses, a pair, and a route.
const SMALL: &str = "
    netns.add,c1 bridge.add,host,br0 veth.add,host,veth1,c1,eth0 bridge.add-port,host,br0,veth1
    link.set-up,host,veth1 link.set-up,host,br0 address.add,host,br0,172.16.0.1/24 address.add,host,br0,fd16::1/64
    link.set-up,c1,eth0 address.add,c1,eth0,172.16.0.2/24 address.add,c1,eth0,fd16::2/64
    veth.add,host,pair0,host,pair1 link.set-up,host,pair0 link.set-up,host,pair1 address.add,host,pair0,172.18.0.1/32
    route.add,host,172.30.0.0/16,172.16.0.2 route.add,host,fd30::/48,fd16::2 ";

/// The links that [`SMALL`] has on the host.
const LINKS: [&str; 4] = ["br0", "pair0", "pair1", "veth1"];

/// Runs `test` on a machine that has a network of its own, and finds that network as it was afterwards.
#[track_caller]
fn inhabited(test: impl FnOnce(&Machine, &Portrait)) {
    on_machine(Kind::Root, |m| {
        m.inhabit();
        let before = Portrait::of(m);
        test(m, &before);
        before.assert_is_again(m);
        m.vacate();
    });
}

/// Finds that all that was there is there and unchanged, and returns what was added.
#[track_caller]
fn added(m: &Machine, before: &Portrait) -> Vec<String> {
    let differences = before.differences(&Portrait::of(m));
    let (added, others): (Vec<String>, Vec<String>) =
        differences.into_iter().partition(|line| line.starts_with("added: "));
    assert_eq!(others, Vec::<String>::new(), "of what was there before");
    added
}

/// Begins a `run --on-host` whose scenario plays `calls`; a refusal of one ends it, unless `?` stands before.
fn play<'m>(m: &'m Machine, lab: &str, options: &[&str], calls: &str) -> Command<'m> {
    let marked = |call: &str| if call.starts_with('?') { call.to_owned() } else { format!("!{call}") };
    let calls: Vec<String> = calls.split_whitespace().map(marked).collect();
    m.play(lab, &[&["--on-host"], options].concat(), &calls.join(" "))
}

/// Lets a lab stand on the host.
#[track_caller]
fn stand(m: &Machine, lab: &str, calls: &str) {
    play(m, lab, &[], calls).run().success();
}

#[track_caller]
fn down(m: &Machine, lab: &str) {
    m.orchestrator(&["down", lab]).success();
}

/// Returns the names of the machine's links whose alias is that of a lab.
#[track_caller]
fn links_of(m: &Machine, lab: &str) -> Vec<String> {
    let links = m.ip(&["link"]);
    let beginning = format!("orchestrator lab {lab} ");
    let marked = links
        .as_array()
        .into_iter()
        .flatten()
        .filter(|link| link["ifalias"].as_str().is_some_and(|alias| alias.starts_with(&beginning)));
    let mut names: Vec<String> =
        marked.map(|link| link["ifname"].as_str().expect("a link has a name").to_owned()).collect();
    names.sort();
    names
}

/// Tells whether the machine has a link of that name.
fn has_link(m: &Machine, name: &str) -> bool {
    m.root_command("ip").args(&["link", "show", "dev", name]).run().code() == 0
}

/// Does something to the machine as its root.
#[track_caller]
fn by_hand(m: &Machine, script: &str) {
    m.root_command("sh").args(&["-euc", script]).run().success();
}
