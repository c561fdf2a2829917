//! `orchestrator down`: which labs it removes, what it waits for, and what it says of processes that hold on.

mod support;

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::{Kind, Machine, Running, kernel_test, poll_until};

/// How long something may take that takes a moment.
const SOON: Duration = Duration::from_secs(10);

kernel_test!(down_removes_the_lab_and_frees_its_name_at_once, |m| {
    let script = "set -eu; for i in 1 2 3 4 5 6 7 8; do orchestrator run ./empty.wat; orchestrator down empty; \
                  [ \"$(orchestrator list --json)\" = '[]' ]; done";
    m.write("empty.wat", support::EMPTY_WAT);
    m.command("sh").args(&["-c", script]).run().success();
    m.has_no_trace_of_labs();
});

kernel_test!(down_says_nothing_when_all_is_well, |m| {
    m.orchestrator(&["run", "two-containers"]).success();
    let agent = m.agent_pid("two-containers");
    let down = m.orchestrator(&["down", "two-containers"]);
    assert_eq!((down.success().stdout(), down.stderr()), ("", ""));
    m.has_no_trace_of_labs();
    m.ends(agent);
});

kernel_test!(down_removes_several, |m| {
    for lab in ["a", "b", "c"] {
        m.stand_empty(lab);
    }
    let stays = m.agent_pid("b");
    m.orchestrator(&["down", "a", "c"]).success();
    assert_eq!(m.labs(), ["b"]);
    assert_eq!(m.agent_pid("b"), stays);
    // One that is named twice is removed once.
    m.orchestrator(&["down", "b", "b"]).success();
    assert!(m.labs().is_empty());
});

kernel_test!(down_all_removes_all, |m| {
    m.orchestrator(&["down", "--all"]).success();
    for lab in ["a", "b", "c"] {
        m.stand_empty(lab);
    }
    m.orchestrator(&["down", "--all"]).success();
    assert!(m.labs().is_empty());
    m.has_no_trace_of_labs();
    m.orchestrator(&["down", "--all", "--wait"]).success();
});

kernel_test!(name_that_is_unknown_removes_nothing, |m| {
    m.stand_empty("a");
    for names in [&["none"][..], &["a", "none"], &["none", "a"], &["a", ""], &["a", "../a"], &["a", "a/b"]] {
        let refused = m.command("orchestrator").arg("down").args(names).run();
        refused
            .fails_with(2)
            .stderr_has("there is no lab `")
            .stderr_has("`orchestrator list` shows the labs that stand");
        assert_eq!(m.labs(), ["a"]);
    }
    m.orchestrator(&["down", "a"]).success();
    m.orchestrator(&["down", "a"]).fails_with(2).stderr_has("there is no lab `a`");
});

kernel_test!(down_has_to_be_told_what, |m| {
    m.stand_empty("a");
    m.orchestrator(&["down"]).fails_with(2).stderr_has("<LAB>");
    m.orchestrator(&["down", "--wait"]).fails_with(2).stderr_has("<LAB>");
    m.orchestrator(&["down", "--all", "a"]).fails_with(2).stderr_has("--all");
    assert_eq!(m.labs(), ["a"]);
    m.orchestrator(&["down", "a"]).success();
});

kernel_test!(down_ends_what_exec_has_started, |m| {
    m.stand("lab", "netns.add,red");
    let mut inside =
        m.exec("lab", "red", &["sh", "-c", "trap '' TERM HUP; echo begun; sleep 1000; sleep 1000"]).spawn();
    inside.stdout_gets("begun");
    let daemon = "setsid sh -c 'trap \"\" TERM HUP; sleep 1000; sleep 1000' </dev/null >/dev/null 2>&1 &";
    m.exec("lab", "host", &["sh", "-c", daemon]).run().success();
    m.orchestrator(&["down", "lab"]).success();
    inside.wait().fails_with(137);
    let ended = poll_until(Instant::now() + SOON, || m.processes().is_empty().then_some(()));
    assert!(ended.is_some(), "{:?}", m.processes());
});

kernel_test!(down_does_not_name_what_exec_has_started, |m| {
    // They end with the lab, so nobody needs to see to them; a warning would send the user after what is gone.
    for _ in 0..5 {
        m.stand("lab", "");
        let mut inside: Vec<Running<'_>> = Vec::new();
        for _ in 0..3 {
            let mut one = m.exec("lab", "host", &["sh", "-c", "echo begun; exec sleep 1000"]).spawn();
            one.stdout_gets("begun");
            inside.push(one);
        }
        let down = m.orchestrator(&["down", "lab"]);
        assert_eq!(down.success().stderr(), "");
        for one in inside {
            one.wait().fails_with(137);
        }
    }
});

kernel_test!(down_names_a_process_that_was_put_into_a_netns_from_outside, |m| {
    m.stand("lab", "netns.add,red");
    let (outside, pid) = from_outside(m, "red");
    let down = m.orchestrator(&["down", "lab"]);
    down.success().stderr_has("warning: ").stderr_has("netns `red` of lab `lab`");
    down.stderr_has(&format!("process {pid} (`sleep`)"));
    // It is left alone, and the lab is gone all the same.
    assert!(m.processes().iter().any(|(other, _)| *other == pid));
    assert!(m.labs().is_empty());
    m.has_no_trace_of_labs();
    outside.signal(Signal::SIGKILL);
    outside.wait().fails_with(137);
});

kernel_test!(down_with_wait_waits_for_a_process_from_outside, |m| {
    m.stand("lab", "netns.add,red");
    let (outside, pid) = from_outside(m, "red");
    let down = m.command("sh").args(&["-c", "echo begun; exec orchestrator down --wait lab"]);
    let mut down = down.deadline(SOON).spawn();
    down.stdout_gets("begun");
    let gone = poll_until(Instant::now() + SOON, || m.labs().is_empty().then_some(()));
    assert!(gone.is_some(), "the lab is gone while it waits");
    let waits = m.processes().iter().any(|(_, command)| command == "orchestrator down --wait lab");
    assert!(waits && m.processes().iter().any(|(other, _)| *other == pid), "{:?}", m.processes());
    outside.signal(Signal::SIGKILL);
    outside.wait().fails_with(137);
    assert_eq!(down.wait().success().stderr(), "");
});

kernel_test!(down_with_wait_returns_at_once_where_nobody_holds_on, |m| {
    m.stand("lab", "netns.add,red");
    m.command("orchestrator").args(&["down", "--wait", "lab"]).deadline(SOON).run().success();
    m.has_no_trace_of_labs();
});

/// Starts a `sleep` in a netns of lab `lab` past `orchestrator`, as root with `ip netns exec`, as a user by `nsenter`.
#[track_caller]
fn from_outside<'m>(m: &'m Machine, netns: &str) -> (Running<'m>, u32) {
    let agent = m.agent_pid("lab");
    let command = match m.kind() {
        Kind::Root => m.command("ip").args(&["netns", "exec", &format!("lab.{netns}")]),
        Kind::User => {
            // The user's own namespaces: those of the agent.
            let path = m.lab_netns("lab", netns);
            let (user, net) = (format!("--user=/proc/{agent}/ns/user"), format!("--net={path}"));
            m.command("nsenter").args(&["--preserve-credentials", &user, &net, "--"])
        }
    };
    let mut outside = command.args(&["sh", "-c", "echo begun; exec sleep 1000"]).spawn();
    outside.stdout_gets("begun");
    let find = || m.processes().into_iter().find(|(_, command)| command == "sleep 1000");
    let (pid, _) = poll_until(Instant::now() + SOON, find).expect("it runs");
    (outside, pid)
}
