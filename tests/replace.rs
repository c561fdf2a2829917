//! `orchestrator run` where a lab stands already, and what is left of a lab whose scenario fails.

mod support;

use nix::sys::signal::Signal;
use support::{EMPTY_WAT, GUEST_CALLS, Kind, Machine, crowded, kernel_test, with_files};

/// A scenario that has built something before it fails.
const FAILS_LATE: &str = "netns.add,new lab.apply netns.add,never sys.fail,late";

kernel_test!(name_that_stands_is_an_error_that_names_replace_where_the_lab_is_to_go_again, |m| {
    m.stand("old", "netns.add,c1");
    let agent = m.agent_pid("old");
    let refused = m.play("old", &["--rm"], "netns.add,new").run();
    refused.fails_with(2).stderr_has("error: a lab `old` stands already\n");
    refused.stderr_has("`--replace`").stderr_has("`--name`").stderr_has("`orchestrator down old`");
    assert_eq!(refused.stdout(), "", "the scenario was not run");
    assert_eq!(m.agent_pid("old"), agent);
    m.lab_ip("old", "c1", &["link"]);
    m.orchestrator(&["down", "old"]).success();
});

kernel_test!(replace_puts_the_new_lab_in_the_place_of_the_old, |m| {
    m.stand("lab", "netns.add,c1 netns.add,both");
    let old = m.agent_pid("lab");
    m.play("lab", &["--replace"], "netns.add,c2 netns.add,both").run().success().stderr_has("lab `lab` stands");
    let new = m.agent_pid("lab");
    assert_ne!(old, new);
    assert!(m.processes().iter().all(|(pid, command)| *pid == new || !command.contains("agent")));
    m.lab_ip("lab", "c2", &["link"]);
    m.exec("lab", "c1", &["true"]).run().fails_with(2).stderr_has("`c1`");
    assert_eq!(m.labs(), ["lab"]);
    assert_eq!(m.entries(&m.labs_directory()), [".lock", "lab"]);
    if m.kind() == Kind::Root {
        assert_eq!(m.entries("/run/netns"), ["lab.both", "lab.c2", "lab.host"]);
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(replace_ends_what_ran_in_the_old_lab, |m| {
    m.stand_empty("lab");
    let mut inside = m.exec("lab", "host", &["sh", "-c", "echo begun; exec sleep 1000"]).spawn();
    inside.stdout_gets("begun");
    m.play("lab", &["--replace"], "netns.add,c1").run().success();
    inside.wait().fails_with(137);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(replace_builds_where_nothing_stands, |m| {
    m.play("lab", &["--replace"], "netns.add,c1").run().success();
    m.lab_ip("lab", "c1", &["link"]);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(replace_leaves_other_labs_alone, |m| {
    m.stand_empty("lab");
    m.stand_empty("lab-2");
    let other = m.agent_pid("lab-2");
    m.play("lab", &["--replace"], "").run().success();
    assert_eq!(m.labs(), ["lab", "lab-2"]);
    assert_eq!(m.agent_pid("lab-2"), other);
    m.orchestrator(&["down", "--all"]).success();
});

kernel_test!(scenario_that_fails_before_its_first_step_leaves_the_old_lab, |m| {
    let agent = stand_old(m);
    for (end, said) in
        [("sys.fail,early", "returned an error"), ("sys.exit,3", "returned an error"), ("sys.trap", "trap")]
    {
        let failed = m.play("lab", &["--replace"], &format!("netns.add,new {end}")).run();
        failed.fails_with(1).stderr_has(said).stderr_has("note: nothing had been built\n");
        has_old(m, agent);
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(module_that_cannot_be_run_leaves_the_old_lab, |m| {
    let agent = stand_old(m);
    let nonsense = m.write("nonsense.wasm", "nonsense");
    for module in [&*nonsense, "./there-is-none.wasm", "two-containerz"] {
        m.orchestrator(&["run", module, "--name", "lab", "--replace"]).fails_with(2);
        has_old(m, agent);
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(run_that_is_interrupted_before_its_first_step_leaves_the_old_lab, |m| {
    let agent = stand_old(m);
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGKILL, 137)] {
        let mut run = m.play("lab", &["--replace"], "netns.add,new sys.sleep,60000").spawn();
        run.stdout_gets("netns.add,new: ok");
        run.signal(signal);
        run.wait().fails_with(code);
        has_old(m, agent);
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(scenario_that_fails_after_its_first_step_has_removed_the_old_lab, |m| {
    stand_old(m);
    let failed = m.play("lab", &["--replace"], FAILS_LATE).run();
    failed.fails_with(1).stderr_has("note: what had been built was undone\n");
    assert!(m.labs().is_empty());
    m.has_no_trace_of_labs();
});

kernel_test!(keep_with_replace_does_not_cost_the_old_lab_before_the_first_step, |m| {
    // There is nothing to keep, so there is nothing that the old lab would have to make room for.
    let agent = stand_old(m);
    m.play("lab", &["--replace", "--keep"], "netns.add,new sys.fail,early").run().fails_with(1);
    has_old(m, agent);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(keep_with_replace_keeps_the_new_lab_after_the_first_step, |m| {
    let agent = stand_old(m);
    m.play("lab", &["--replace", "--keep"], FAILS_LATE).run().fails_with(1).stderr_has("lab `lab` was kept");
    assert_ne!(m.agent_pid("lab"), agent);
    m.lab_ip("lab", "new", &["link"]);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(failure_removes_what_had_been_built, |m| {
    let failed = m.play("lab", &[], FAILS_LATE).run();
    failed.fails_with(1).stderr_has("Error: late\n").stderr_has("the scenario returned an error\n");
    failed.stderr_has("note: what had been built was undone\n").stderr_lacks("stands");
    assert!(m.labs().is_empty());
    m.has_no_trace_of_labs();
});

kernel_test!(keep_keeps_what_had_been_applied_and_applies_nothing_more, |m| {
    let failed = m.play("lab", &["--keep"], FAILS_LATE).run();
    failed.fails_with(1).stderr_has("the scenario returned an error\n");
    failed
        .stderr_has("lab `lab` was kept as far as it had been built")
        .stderr_has("`orchestrator down lab` removes it");
    m.lab_ip("lab", "new", &["link"]);
    m.exec("lab", "never", &["true"]).run().fails_with(2).stderr_has("`never`");
    let listed = m.orchestrator(&["list", "--json"]).success().json();
    assert_eq!((&listed[0]["state"], &listed[0]["netns"]), (&"up".into(), &2.into()), "{listed}");
    if m.kind() == Kind::Root {
        assert_eq!(m.entries("/run/netns"), ["lab.host", "lab.new"]);
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(keep_after_a_trap_keeps_too, |m| {
    m.play("lab", &["--keep"], "netns.add,new lab.apply sys.trap").run().fails_with(1).stderr_has("lab `lab` was kept");
    m.lab_ip("lab", "new", &["link"]);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(keep_changes_nothing_of_a_success, |m| {
    let kept = m.play("lab", &["--keep"], "netns.add,c1").run();
    kept.success().stderr_has("lab `lab` stands: 2 netns, 0 links\n").stderr_lacks("was kept");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(lab_that_the_kernel_refuses_is_undone_whole_and_keep_does_not_help, |m| {
    for options in [&[][..], &["--keep"]] {
        let args = [&["run", GUEST_CALLS, "--name", "lab"], options, &["--", "repeat,20,netns.add,c{}"]].concat();
        let failed = crowded(m, 21, &args).run();
        failed.fails_with(4).stderr_has("could not add netns `c20`").stderr_has("ENOSPC");
        assert!(m.labs().is_empty());
        m.has_no_trace_of_labs();
    }
});

kernel_test!(lab_that_stands_outlives_one_that_a_limit_of_the_machine_forbids, |m| {
    m.stand("lab", "netns.add,old");
    let agent = m.agent_pid("lab");
    let args = ["run", GUEST_CALLS, "--name", "lab", "--replace", "--keep", "--", "repeat,100,netns.add,c{}"];
    with_files(m, 64, &args).run().fails_with(4).stderr_has("note: nothing had been built\n");
    assert_eq!(m.agent_pid("lab"), agent);
    m.lab_ip("lab", "old", &["link"]);
    assert_eq!(m.entries(&m.labs_directory()), [".lock", "lab"]);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(rm_removes_the_lab_after_it_was_built, |m| {
    let done = m.play("lab", &["--rm", "-v"], "netns.add,c1").run();
    assert_eq!(done.success().stdout(), "netns.add,c1: ok\n");
    // It is built to the end: a scenario that the kernel refuses must not pass.
    done.stderr_has("ip netns add c1\n").stderr_has("lab `lab` stood and was removed again\n");
    assert!(m.labs().is_empty());
    m.has_no_trace_of_labs();
});

kernel_test!(rm_does_not_hide_a_failure, |m| {
    m.play("lab", &["--rm"], FAILS_LATE).run().fails_with(1).stderr_lacks("stood");
    assert!(m.labs().is_empty());
    m.play("lab", &["--rm", "--keep"], FAILS_LATE).run().fails_with(1).stderr_has("lab `lab` was kept");
    assert_eq!(m.labs(), ["lab"]);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(rm_with_replace_leaves_neither_lab, |m| {
    stand_old(m);
    m.play("lab", &["--rm", "--replace"], "netns.add,new").run().success();
    assert!(m.labs().is_empty());
    m.has_no_trace_of_labs();
});

kernel_test!(run_for_a_lab_that_is_being_built_is_told_so, |m| {
    let module = m.write("empty.wat", EMPTY_WAT);
    let mut first = m.play("lab", &[], "netns.add,c1 lab.apply sys.sleep,60000").spawn();
    first.stdout_gets("lab.apply: ok");
    m.orchestrator(&["run", &module, "--name", "lab"]).fails_with(2).stderr_has("lab `lab` is busy");
    first.signal(Signal::SIGINT);
    first.wait().fails_with(130);
    m.orchestrator(&["run", &module, "--name", "lab"]).success();
    m.orchestrator(&["down", "lab"]).success();
});

/// Lets a lab stand that a later run may or may not replace, and returns its agent.
#[track_caller]
fn stand_old(m: &Machine) -> u32 {
    m.stand("lab", "netns.add,old");
    m.agent_pid("lab")
}

/// Finds the old lab as it was, and nothing beside it.
#[track_caller]
fn has_old(m: &Machine, agent: u32) {
    assert_eq!(m.labs(), ["lab"]);
    assert_eq!(m.agent_pid("lab"), agent);
    m.lab_ip("lab", "old", &["link"]);
    m.exec("lab", "new", &["true"]).run().fails_with(2);
    assert_eq!(m.entries(&m.labs_directory()), [".lock", "lab"]);
    if m.kind() == Kind::Root {
        assert_eq!(m.entries("/run/netns"), ["lab.host", "lab.old"]);
    }
}
