//! A machine that runs out of something, at whatever moment: a clear error, and nothing is left.

mod support;

use support::{EMPTY_WAT, Machine, Outcome, kernel_test, mounted, with_files};

/// Finds that a run stood or ended in an error, with nothing left of it. Tells whether it stood.
#[track_caller]
fn stood_or_failed_clearly(m: &Machine, run: &Outcome, scarce: &str) -> bool {
    m.has_no_trace_of_labs();
    let said = run.stderr();
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{scarce}: {run}");
    if run.code() == 0 {
        return true;
    }
    // 3 and 4 are errors of the machine; how far it came decides which.
    assert!([3, 4].contains(&run.code()), "{scarce}: {run}");
    assert!(said.starts_with("error: ") || said.contains("\nerror: "), "{scarce}: {run}");
    false
}

/// Finds that less was too little, and more enough.
#[track_caller]
fn was_once_enough(stood: &[bool]) {
    assert!(!stood[0] && stood[stood.len() - 1], "{stood:?}");
}

kernel_test!(any_number_of_open_files_builds_or_says_so, |m| {
    // Below, not even the C library's loader gets one.
    let stood = (5..=64).map(|most| {
        let run = with_files(m, most, &["run", "--rm", "two-containers"]).run();
        stood_or_failed_clearly(m, &run, &format!("{most} files"))
    });
    was_once_enough(&stood.collect::<Vec<_>>());
});

kernel_test!(any_amount_of_addresses_builds_or_says_so, |m| {
    let mut stood = Vec::new();
    for megabytes in [50, 60, 80, 120, 200, 500, 1000, 2000, 4000, 6000, 12_000] {
        let script = format!("ulimit -v {}; exec orchestrator run --rm two-containers", megabytes * 1024);
        let run = m.command("sh").args(&["-c", &script]).run();
        // An agent that gets no memory in the midst of something is ended by that, as by a signal.
        m.orchestrator(&["list"]).success();
        stood.push(stood_or_failed_clearly(m, &run, &format!("{megabytes} MB")));
        if run.code() != 0 {
            run.stderr_has("hint: ");
        }
    }
    was_once_enough(&stood);
});

kernel_test!(any_amount_of_room_for_its_files_builds_or_says_so, |m| {
    let labs = m.labs_directory();
    let base = labs.strip_suffix("/labs").expect("`labs` lies in a directory of ours");
    let empty = m.write("empty.wat", EMPTY_WAT);
    m.root_command("mkdir").arg(base).run().success();
    let mut stood = Vec::new();
    for options in (1..6).map(|pages| format!("size={}k", 4 * pages)).chain((2..16).map(|n| format!("nr_inodes={n}"))) {
        mounted(m, &options, base, || {
            for scenario in [&empty, "two-containers"] {
                let run = m.orchestrator(&["run", "--rm", scenario]);
                stood.push(stood_or_failed_clearly(m, &run, &options));
            }
        });
    }
    assert!(stood.contains(&true) && stood.contains(&false), "{stood:?}");
    m.root_command("rmdir").arg(base).run().success();
});
