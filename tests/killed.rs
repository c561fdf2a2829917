//! What is left when processes are killed at any point of what they do: nothing, after at most one more command.
//!
//! The program is the build with faults (tests/faulty/main.rs), which halts at each point.

mod support;

#[path = "killed/act.rs"]
mod act;
#[path = "killed/play.rs"]
mod play;
#[path = "killed/stage.rs"]
mod stage;
#[path = "killed/trial.rs"]
mod trial;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use act::{ACTS, Act};
use stage::{LAB, Mode, on_stage};
use support::{Halts, Heard};
use trial::try_all;

/// How many containers a lab has that is killed.
const CONTAINERS: usize = 5;

/// Places that none of these acts passes: only a user with subordinate ids does, an edit (tests/edit/faults.rs), or `exec`.
const ELSEWHERE: [&str; 6] =
    ["ids to be mapped", "ids mapped", "edit committed", "edit completed", "edit to be undone", "lab entered"];

/// Declares a test of each act, in each of the three modes.
macro_rules! acts {
    ($($name:ident: $act:expr;)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn as_root() {
                on_stage(Mode::Root, CONTAINERS, |stage| _ = try_all(stage, $act));
            }

            #[test]
            fn as_user() {
                on_stage(Mode::User, CONTAINERS, |stage| _ = try_all(stage, $act));
            }

            #[test]
            fn on_host() {
                on_stage(Mode::OnHost, CONTAINERS, |stage| _ = try_all(stage, $act));
            }
        })*
    };
}

acts! {
    run_or_agent_that_is_killed_leaves_nothing: Act::Build;
    run_with_rm_or_agent_that_is_killed_leaves_nothing: Act::BuildAndRemove;
    replacing_that_is_killed_leaves_one_lab_or_nothing: Act::Replace;
    down_or_agent_that_is_killed_leaves_nothing: Act::Remove;
    sweep_that_is_killed_is_finished_by_the_next: Act::Sweep;
}

fn exec_in_a_lab_that_ends_meanwhile(mode: Mode) {
    on_stage(mode, 2, |stage| {
        stage.stand();
        let halts = Halts::listen(stage.machine);
        let exec = halts.orchestrator(&["exec", LAB, "c1", "--", "true"]).spawn();
        let Heard::Halted(halt) = halts.next() else { panic!("exec has ended") };
        assert_eq!(halt.place, "lab entered");
        stage.machine.orchestrator(&["down", LAB]).success();
        halt.go_on();
        exec.wait()
            .complains(2, "lab `lab` has ended: its agent has gone")
            .stderr_has("hint: `orchestrator list` shows");
        stage.machine.has_no_trace_of_labs();
    });
}

#[test]
fn exec_in_a_lab_that_ends_meanwhile_says_so_as_root() {
    exec_in_a_lab_that_ends_meanwhile(Mode::Root);
}

#[test]
fn exec_in_a_lab_that_ends_meanwhile_says_so_as_user() {
    exec_in_a_lab_that_ends_meanwhile(Mode::User);
}

#[test]
#[ignore = "takes minutes"]
fn larger_lab_that_is_killed_at_any_point_leaves_nothing() {
    for mode in [Mode::Root, Mode::User, Mode::OnHost] {
        on_stage(mode, 20, |stage| {
            for act in ACTS {
                println!("{mode:?}, {act:?}: {} kills", try_all(stage, act));
            }
        });
    }
}

#[test]
fn every_place_in_the_program_is_passed_by_one_of_these_acts() {
    let mut passed = BTreeSet::new();
    for mode in [Mode::Root, Mode::User, Mode::OnHost] {
        on_stage(mode, 2, |stage| {
            passed.extend(ACTS.iter().flat_map(|act| act.record(stage)).map(|point| point.place));
        });
    }
    let written = places(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(written.len() > 40, "{written:?}");
    let missing: Vec<_> = written.difference(&passed).filter(|place| !ELSEWHERE.contains(&place.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Finds the places that are written in the sources below a directory.
fn places(directory: &Path) -> BTreeSet<String> {
    let entries: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    let (directories, files): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
    let mut found: BTreeSet<String> = directories.iter().flat_map(|directory| places(directory)).collect();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let after = text.split("fault::point(\"").skip(1);
        found.extend(after.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    }
    found
}
