//! Calls that spend what a scenario is given, or break off: each runs into a limit of the host.

use std::hint::{black_box, spin_loop};
use std::io::{self, Read};
use std::{arch::wasm32, mem};

use orchestrator_net::netns;

use crate::answer::Answer;
use crate::call::Calls;
use crate::fields::Fields;

pub(crate) const CALLS: Calls = &[
    ("sys.trap", trap),
    ("sys.loop", run_for_ever),
    ("sys.recurse", recurse),
    ("sys.eat", eat),
    ("sys.print", print),
    ("sys.handles", handles),
];

fn trap(_: &Fields) -> Answer {
    wasm32::unreachable()
}

fn run_for_ever(_: &Fields) -> Answer {
    loop {
        spin_loop();
    }
}

fn recurse(_: &Fields) -> Answer {
    Ok(descend(0).to_string())
}

/// The black box hides from the compiler whom this calls, or it would find out that nothing depends on it.
fn descend(depth: u64) -> u64 {
    let deeper: fn(u64) -> u64 = black_box(descend);
    1 + deeper(depth + 1)
}

/// Filled with ones, for a page of zeros need not be there to be read.
fn eat(fields: &Fields) -> Answer {
    black_box(vec![1_u8; fields.number(0)?]);
    Ok(String::new())
}

/// Prints so many dots, and ends the line.
fn print(fields: &Fields) -> Answer {
    let mut dots = io::repeat(b'.').take(fields.number(0)?);
    io::copy(&mut dots, &mut io::stdout())?;
    println!();
    Ok(String::new())
}

/// Makes handles of the host and drops none.
fn handles(fields: &Fields) -> Answer {
    for _ in 0..fields.number(0)? {
        mem::forget(netns::host());
    }
    Ok(String::new())
}
