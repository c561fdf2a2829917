//! What is left when processes are killed at any point of what they do: nothing, after at most one more command.
//!
//! The program is the build with faults (tests/faulty/main.rs), which halts at each point.

mod support;

use support::{Halts, Heard, Kind, Machine, on_faulty_machine};

/// Runs a command from point to point, with what it starts, and lists these as `COMMAND: PLACE`.
#[track_caller]
fn points(m: &Machine, halts: &Halts<'_>, args: &[&str]) -> Vec<String> {
    let running = halts.orchestrator(args).spawn();
    let mut points = Vec::new();
    let mut this = None;
    loop {
        match halts.next() {
            Heard::Halted(halt) => {
                points.push(format!("{}: {}", halt.command, halt.place));
                if halt.command == args[0] {
                    this = Some(halt.pid);
                }
                halt.go_on();
            }
            Heard::Ended(pid) if Some(pid) == this => break,
            Heard::Ended(_) => {}
        }
    }
    running.wait().success();
    assert!(m.labs().len() < 2);
    points
}

#[test]
fn points_are_passed_by_the_process_of_the_script_and_by_the_agent() {
    for kind in [Kind::Root, Kind::User] {
        on_faulty_machine(kind, |m| {
            let halts = Halts::listen(m);
            let points = points(m, &halts, &["run", "two-containers"]);
            for passed in ["run: directory made", "run: completion heard", "agent: executed", "agent: batch sent"] {
                assert!(points.iter().any(|point| point == passed), "{passed}: {points:#?}");
            }
            drop(halts);
            m.orchestrator(&["down", "two-containers"]).success();
        });
    }
}
