//! A fault at every step of an edit, and every process killed that takes part in one.

use crate::support::{GUEST_CALLS, Halts, Heard, Kind, kill_all, on_faulty_machine};
use crate::{THIRD, TWO, is_right, shown};

/// What an edit makes of the lab: it adds, changes and removes.
fn edited() -> String {
    let moved = TWO.replace("10.0.0.2/24", "10.0.0.22/24").replace("route.add,c1,default,10.0.0.254", "");
    format!(
        "{moved} address.add,c1,eth0,10.5.0.1/24 address.add,c1,eth0,2001:db8::1/64 netns.set-forwarding,c1,on {THIRD}"
    )
}

/// Where a lab is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Apart,
    OnHost,
}

/// The words of a `run`.
fn run(place: Place, calls: &str) -> Vec<String> {
    let options: &[&str] = if place == Place::OnHost { &["--on-host", "--"] } else { &["--"] };
    let words = ["run", GUEST_CALLS, "--name", "lab"].iter().chain(options).copied().chain(calls.split_whitespace());
    words.map(str::to_owned).collect()
}

/// Follows the programs until `run` has ended. At each halt `act` says whether what comes next is to fail, or who is to be killed.
enum Act {
    GoOn,
    Fail,
    Kill(&'static str),
}

/// Lets a lab stand whose agent halts, then runs an edit. Returns the exit status, if `run` was not killed, and how many halts there were.
fn edit(place: Place, halts: &Halts<'_>, calls: &str, mut act: impl FnMut(usize, &str, &str) -> Act) -> (i32, usize) {
    let words = run(place, calls);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let running = halts.orchestrator(&words).spawn();
    let mut pids = std::collections::HashMap::new();
    let mut seen = 0;
    let mut run_has_ended = false;
    while !run_has_ended {
        match halts.next() {
            Heard::Halted(halt) => {
                pids.insert(halt.command.clone(), halt.pid);
                seen += 1;
                match act(seen, &halt.command, &halt.place) {
                    Act::GoOn => halt.go_on(),
                    Act::Fail => halt.fail(),
                    Act::Kill(command) => {
                        // Where the agent is still at the edit before, there is nobody to be killed yet.
                        let victim = pids.get(command).copied();
                        kill_all(&Vec::from_iter(victim));
                        halt.go_on();
                        run_has_ended = command == "run" && victim.is_some();
                    }
                }
            }
            Heard::Ended(pid) => run_has_ended = pids.get("run") == Some(&pid),
        }
    }
    (running.wait().code(), seen)
}

fn stand(place: Place, halts: &Halts<'_>) {
    let (code, _) = edit(place, halts, TWO, |_, _, _| Act::GoOn);
    assert_eq!(code, 0);
}

fn fault_at_every_step(kind: Kind, place: Place) {
    on_faulty_machine(kind, |m| {
        let halts = Halts::listen(m);
        stand(place, &halts);
        let before = shown(m, "lab");
        let mut steps = 0;
        for failing in 1.. {
            let mut step = 0;
            let (code, _) = edit(place, &halts, &edited(), |_, _, place| {
                step += usize::from(place == "step of an edit");
                if place == "step of an edit" && step == failing { Act::Fail } else { Act::GoOn }
            });
            if code == 0 {
                break;
            }
            assert_eq!(code, 4, "step {failing}");
            assert_eq!(shown(m, "lab"), before, "after step {failing}");
            is_right(m, "lab");
            steps = failing;
        }
        assert!(steps > 10, "{steps} steps");
        is_right(m, "lab");
        drop(halts);
        m.orchestrator(&["down", "lab"]).success();
    });
}

#[test]
fn step_that_fails_leaves_the_lab_as_it_was_as_root() {
    fault_at_every_step(Kind::Root, Place::Apart);
}

#[test]
fn step_that_fails_leaves_the_lab_as_it_was_on_the_machine() {
    fault_at_every_step(Kind::Root, Place::OnHost);
}

#[test]
fn step_that_fails_leaves_the_lab_as_it_was_as_user() {
    fault_at_every_step(Kind::User, Place::Apart);
}

/// Where a step fails, and those that undo it too, what is left is listed.
#[test]
fn what_can_not_be_undone_is_listed() {
    on_faulty_machine(Kind::Root, |m| {
        let halts = Halts::listen(m);
        stand(Place::Apart, &halts);
        let before = shown(m, "lab");
        let mut step = 0;
        let (code, _) = edit(Place::Apart, &halts, &edited(), |_, _, place| {
            step += usize::from(place == "step of an edit");
            if place == "step of an edit" && step >= 6 { Act::Fail } else { Act::GoOn }
        });
        assert_eq!(code, 5);
        drop(halts);
        // It is known what the lab should be.
        m.orchestrator(&["check", "lab"]).fails_with(1);
        m.orchestrator(&["repair", "lab"]).success();
        is_right(m, "lab");
        assert_eq!(shown(m, "lab"), before);
        m.orchestrator(&["down", "lab"]).success();
    });
}

fn killed_anywhere(kind: Kind) {
    on_faulty_machine(kind, |m| {
        let halts = Halts::listen(m);
        stand(Place::Apart, &halts);
        let before = shown(m, "lab");
        let mut committed = 0;
        for at in 1.. {
            let mut was_there = false;
            let (_, seen) = edit(Place::Apart, &halts, &edited(), |seen, _, place| {
                was_there |= seen == at;
                committed += usize::from(place == "edit completed");
                if seen == at { Act::Kill("run") } else { Act::GoOn }
            });
            // It undoes in its own time, and tells where it is meanwhile.
            settle(&halts);
            is_right(m, "lab");
            if !was_there {
                assert!(seen > 10);
                break;
            }
            let now = shown(m, "lab");
            if now != before {
                // The edit was complete; back again.
                let (code, _) = edit(Place::Apart, &halts, TWO, |_, _, _| Act::GoOn);
                assert_eq!(code, 0);
                assert_eq!(shown(m, "lab"), before);
            }
        }
        assert!(committed > 0);
        drop(halts);
        m.orchestrator(&["down", "lab"]).success();
        m.has_no_trace_of_labs();
    });
}

/// Lets the agent come to rest.
fn settle(halts: &Halts<'_>) {
    while let Some(heard) = halts.soon() {
        if let Heard::Halted(halt) = heard {
            halt.go_on();
        }
    }
}

#[test]
fn run_that_is_killed_while_it_edits_leaves_one_lab_or_the_other_as_root() {
    killed_anywhere(Kind::Root);
}

#[test]
fn run_that_is_killed_while_it_edits_leaves_one_lab_or_the_other_as_user() {
    killed_anywhere(Kind::User);
}

#[test]
fn lab_that_is_being_edited_is_busy() {
    on_faulty_machine(Kind::User, |m| {
        let halts = Halts::listen(m);
        stand(Place::Apart, &halts);
        let mut tried = false;
        let (code, _) = edit(Place::Apart, &halts, &edited(), |_, command, place| {
            if command == "agent" && place == "edit committed" && !tried {
                tried = true;
                let link = m.orchestrator(&["link", "lab", "c1", "eth0", "down"]);
                link.fails_with(2).stderr_has("lab `lab` is busy: it is being built or edited");
                let words = run(Place::Apart, TWO);
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                m.orchestrator(&words).fails_with(2).stderr_has("lab `lab` is busy");
            }
            Act::GoOn
        });
        assert_eq!((code, tried), (0, true));
        is_right(m, "lab");
        drop(halts);
        m.orchestrator(&["down", "lab"]).success();
    });
}
