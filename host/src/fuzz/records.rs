//! What one process of ours has left for another, or tells it, after something else had it in hand.

use crate::cache;
use crate::module::{self, Part, Survey, bundle};
use crate::protocol::journal::{self, Journal};
use crate::protocol::{Answer, Assembly, HelloError, check_greeting};
use crate::script;

/// The largest answer that is read here.
const LIMIT: usize = 1 << 16;

/// The first byte says what the others are.
pub fn records(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind {
        0 => journal(bytes),
        1 => greeting(bytes),
        2 => entry(bytes),
        3 => module(bytes),
        4 => drop(serde_json::from_slice::<script::CompileError>(bytes)),
        _ => answer(bytes),
    }
}

/// Neither a component, nor why there is none, nor what it is takes the program down.
fn module(bytes: &[u8]) {
    drop(Survey::of("module", bytes));
    drop(module::component("module", bytes));
    drop(Survey::of("bundle", &bundle(Part { name: "module", bytes }, &[Part { name: "library", bytes }])));
}

/// What can be read of a damaged journal is what was noted: written anew, it is the same.
fn journal(bytes: &[u8]) {
    let read = journal::parse(bytes);
    let Journal { opening: Some(opening), entries, .. } = &read else {
        assert_eq!(read.damaged, Some(1));
        return;
    };
    let mut text = serde_json::to_string(opening).expect("it has a JSON form") + "\n";
    for entry in entries {
        text += &(serde_json::to_string(entry).expect("it has a JSON form") + "\n");
    }
    let again = journal::parse(text.as_bytes());
    assert_eq!((again.opening.as_ref(), &again.entries, again.damaged), (Some(opening), entries, None));
}

fn greeting(bytes: &[u8]) {
    if let Err(HelloError::Version { theirs }) = check_greeting(bytes) {
        assert!(!theirs.contains(char::is_control), "{theirs:?}");
    }
}

/// Code comes out of an entry as it went in, or not at all.
fn entry(bytes: &[u8]) {
    if let Some(key) = std::str::from_utf8(bytes).ok().and_then(cache::fuzz::key) {
        assert_eq!(key.to_string().as_bytes(), bytes);
    }
    let code = cache::fuzz::unseal(bytes);
    if let Some(code) = &code {
        assert_eq!([code, &cache::fuzz::seal(code)[..]].concat(), bytes);
    }
    let sealed = [bytes, &cache::fuzz::seal(bytes)].concat();
    assert_eq!(cache::fuzz::unseal(&sealed), Some(bytes));
    // A CRC-32 finds each damage of one bit.
    let mut damaged = sealed;
    let at = bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>() % damaged.len();
    damaged[at] ^= 1;
    assert_eq!(cache::fuzz::unseal(&damaged), None);
}

/// One message of an agent.
fn answer(bytes: &[u8]) {
    let mut assembly = Assembly::new(LIMIT);
    for piece in bytes.chunks(64) {
        match assembly.take(piece) {
            Ok(true) => break,
            Ok(false) => {}
            Err(_) => return,
        }
    }
    if let Ok(answer) = assembly.read::<Answer>() {
        let said = postcard::to_stdvec(&answer).expect("what was read can be said");
        let heard: Answer = postcard::from_bytes(&said).expect("what was said can be read");
        let again = postcard::to_stdvec(&heard).expect("what was heard can be said");
        match answer {
            // Its maps have no order.
            Answer::Model(_) => assert_eq!(again.len(), said.len(), "{answer:?}"),
            _ => assert_eq!(again, said, "{answer:?}"),
        }
    }
}
