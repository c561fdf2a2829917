//! Guests that mean ill. Each is a file in `hostile/guests/`, with its exact outcome beside it; `hostile/README.md` says how to read
//! and add one.
//!
//! Whatever a guest does, the lab that stood before stands as before and no other does, no process is left, none has had more memory
//! than it may, and the end comes in time.

mod support;

#[path = "hostile/guest.rs"]
mod guest;
#[path = "hostile/surroundings.rs"]
mod surroundings;
#[path = "hostile/transcript.rs"]
mod transcript;

use std::env;
use std::fmt::Write as _;

use guest::Guest;
use support::kernel_test;
use surroundings::Surroundings;

/// Has the outcomes written instead of compared. They are to be read before they are believed, so the test fails all the same.
const WRITE: &str = "ORCHESTRATOR_WRITE_OUTCOMES";

kernel_test!(each_guest_ends_as_its_outcome_says_and_nothing_is_harmed, |m| {
    let surroundings = Surroundings::make(m);
    Guest::furnish(m);
    let mut faults = String::new();
    for guest in Guest::all() {
        let found = guest.play(m);
        surroundings.are_as_before(&guest.name);
        if env::var_os(WRITE).is_some() {
            guest.write(&found.transcript);
        } else if let Err(difference) = transcript::compare(guest.expected(), &found.transcript) {
            let _ = writeln!(faults, "{}: the outcome is another:\n{difference}", guest.name);
        }
        faults.extend(found.excesses.iter().map(|excess| format!("{}: {excess}\n", guest.name)));
    }
    surroundings.end();
    assert!(faults.is_empty(), "{faults}");
    assert!(env::var_os(WRITE).is_none(), "the outcomes were written: read them, and run again without {WRITE}");
});
