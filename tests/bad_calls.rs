//! Calls of a scenario that are refused, in the words that its author reads.
//!
//! A refusal is an answer, so one scenario tries many and returns success all the same; then nothing stands but what was
//! allowed.

mod support;

#[path = "bad_calls/addresses.rs"]
mod addresses;
#[path = "bad_calls/bridges.rs"]
mod bridges;
#[path = "bad_calls/handles.rs"]
mod handles;
#[path = "bad_calls/names.rs"]
mod names;
#[path = "bad_calls/routes.rs"]
mod routes;

use support::{GUEST_CALLS, Machine};

/// A call and what is answered to it.
type Exchange = (String, String);

/// Lets lab `t` stand: a scenario that plays the calls `before`, which must succeed, and then each of `calls` and has the
/// answer beside it.
#[track_caller]
fn answers(m: &Machine, before: &str, calls: &[Exchange]) {
    let before: Vec<String> = before.split_whitespace().map(|call| format!("!{call}")).collect();
    let mut words: Vec<&str> = vec!["run", GUEST_CALLS, "--name", "t", "--"];
    words.extend(before.iter().map(String::as_str));
    words.extend(calls.iter().map(|(call, _)| call.as_str()));
    let outcome = m.orchestrator(&words);
    outcome.success();
    let mut rest = outcome.stdout();
    for call in &before {
        let line = rest.strip_prefix(&format!("{}: ok", &call[1..])).and_then(|line| line.split_once('\n'));
        rest = line.unwrap_or_else(|| panic!("{call} is not answered in {outcome}")).1;
    }
    for (call, answer) in calls {
        let Some(after) = rest.strip_prefix(&format!("{call}: {answer}\n")) else {
            let found = rest.strip_prefix(&format!("{call}: ")).unwrap_or(rest).lines().next().unwrap_or_default();
            panic!("{call:?} was to be answered\n  {answer}\nand was answered\n  {found}");
        };
        rest = after;
    }
    assert_eq!(rest, "", "{outcome}");
}

/// Reads lines as the scenario prints them, `CALL: ANSWER`.
fn dialogue(text: &str) -> Vec<Exchange> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let exchange = |line: &str| {
        let (call, answer) = line.split_once(": ").expect("a call and an answer");
        (call.to_owned(), answer.to_owned())
    };
    lines.map(exchange).collect()
}

/// Writes a text as a message shows it.
fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|character| if character.is_control() { character.escape_debug().collect() } else { vec![character] })
        .collect()
}

/// Lists the links of a netns of lab `t` by name, as the kernel has them.
#[track_caller]
fn links(m: &Machine, netns: &str, which: &[&str]) -> Vec<String> {
    let read = m.lab_ip("t", netns, &[&["link", "show"], which].concat());
    let mut names: Vec<String> =
        read.as_array().unwrap().iter().map(|link| link["ifname"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}
