//! What is left when something is ended in the middle: `run` by a signal, an agent by the kernel, a lab by `down`.

mod support;

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::{Kind, Machine, Running, kernel_test, poll_until};

/// How long something may take that takes a moment.
const SOON: Duration = Duration::from_secs(10);

/// A scenario that has built a part and waits, until something ends it.
const WAITS: &str = "netns.add,c1 veth.add,host,veth1,c1,ceth1 lab.apply netns.add,c2 sys.sleep,60000";

kernel_test!(run_that_gets_a_signal_undoes_all_before_it_returns, |m| {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        let run = in_the_middle(m);
        let agent = m.agent_pid("mid");
        run.signal(signal);
        let ended = run.wait();
        // Now, and not soon: a script goes on with what it finds.
        m.has_no_trace_of_labs();
        ended.fails_with(code).stderr_has("interrupted").stderr_has("note: what had been built was undone\n");
        assert!(m.labs().is_empty());
        m.ends(agent);
    }
});

kernel_test!(run_that_gets_a_signal_before_it_has_built_says_so, |m| {
    let mut run = m.play("mid", &[], "netns.add,c1 sys.sleep,60000").spawn();
    run.stdout_gets("netns.add,c1: ok");
    run.signal(Signal::SIGINT);
    run.wait().fails_with(130).stderr_has("note: nothing had been built\n");
    m.has_no_trace_of_labs();
});

kernel_test!(keep_keeps_nothing_of_a_run_that_was_interrupted, |m| {
    let mut run = m.play("mid", &["--keep"], WAITS).spawn();
    run.stdout_gets("netns.add,c2: ok");
    run.signal(Signal::SIGINT);
    run.wait().fails_with(130).stderr_lacks("was kept");
    m.has_no_trace_of_labs();
});

kernel_test!(second_signal_does_not_stop_the_undoing, |m| {
    let run = in_the_middle(m);
    run.signal(Signal::SIGINT);
    // Ctrl-C is often typed twice. It may come too late, when `run` has ended already.
    let runs = m.processes().into_iter().find(|(_, command)| command.starts_with("orchestrator run"));
    if let Some((pid, _)) = runs {
        drop(m.command("kill").args(&["-INT", &pid.to_string()]).run());
    }
    run.wait().fails_with(130);
    empties(m);
});

kernel_test!(run_that_is_killed_takes_all_with_it, |m| {
    for signal in [Signal::SIGKILL, Signal::SIGQUIT] {
        let run = in_the_middle(m);
        let agent = m.agent_pid("mid");
        run.signal(signal);
        run.wait().fails_with(128 + signal as i32);
        m.ends(agent);
        empties(m);
        // The name is free.
        m.stand_empty("mid");
        m.orchestrator(&["down", "mid"]).success();
    }
});

kernel_test!(run_that_is_killed_takes_what_exec_has_started_with_it, |m| {
    let run = in_the_middle(m);
    let mut inside = m.exec("mid", "c1", &["sh", "-c", "echo begun; exec sleep 1000"]).spawn();
    inside.stdout_gets("begun");
    run.signal(Signal::SIGKILL);
    run.wait().fails_with(137);
    inside.wait().fails_with(137);
    empties(m);
});

kernel_test!(hangup_that_is_ignored_stays_ignored, |m| {
    // As `nohup` starts it.
    let nohup = m.command("sh").args(&["-c", "trap '' HUP; exec \"$@\"", "sh"]);
    let calls = ["netns.add,c1", "lab.apply", "sys.sleep,1000", "netns.add,c2"];
    let run = ["orchestrator", "run", support::GUEST_CALLS, "--name", "mid", "--"];
    let mut run = nohup.args(&run).args(&calls).spawn();
    run.stdout_gets("lab.apply: ok");
    run.signal(Signal::SIGHUP);
    run.wait().success().stdout_has("netns.add,c2: ok");
    m.orchestrator(&["down", "mid"]).success();
});

kernel_test!(lab_vanishes_with_its_agent_and_the_next_command_sweeps, |m| {
    let sweepers: [&[&str]; 5] =
        [&["list"], &["show", "mid"], &["ping", "mid"], &["exec", "mid", "host", "--", "true"], &["down", "mid"]];
    for sweeper in sweepers {
        m.stand("mid", "netns.add,c1 veth.add,host,veth1,c1,ceth1");
        m.kill_agent("mid");
        // What a kill leaves: the directory, and names that lead nowhere.
        assert_eq!(m.entries(&m.labs_directory()), [".lock", "mid"]);
        let swept = m.orchestrator(sweeper);
        if sweeper == ["list"] {
            swept.success().stdout_lacks("mid");
        } else {
            swept.fails_with(2).stderr_has("there is no lab `mid`");
        }
        m.has_no_trace_of_labs();
    }
});

kernel_test!(name_of_a_lab_whose_agent_was_killed_is_free, |m| {
    m.stand("mid", "netns.add,c1");
    m.kill_agent("mid");
    m.play("mid", &[], "netns.add,c2").run().success();
    m.lab_ip("mid", "c2", &["link"]);
    m.exec("mid", "c1", &["true"]).run().fails_with(2);
    if m.kind() == Kind::Root {
        assert_eq!(m.entries("/run/netns"), ["mid.c2", "mid.host"]);
    }
    m.orchestrator(&["down", "mid"]).success();
});

kernel_test!(sweep_leaves_labs_that_stand, |m| {
    m.stand_empty("stays");
    m.stand_empty("goes");
    let agent = m.agent_pid("stays");
    m.kill_agent("goes");
    assert_eq!(m.labs(), ["stays"]);
    assert_eq!(m.agent_pid("stays"), agent);
    if m.kind() == Kind::Root {
        assert_eq!(m.entries("/run/netns"), ["stays.host"]);
    }
    m.orchestrator(&["down", "stays"]).success();
});

kernel_test!(commands_in_a_lab_end_with_its_agent, |m| {
    m.stand_empty("mid");
    let mut inside = m.exec("mid", "host", &["sh", "-c", "echo begun; exec sleep 1000"]).spawn();
    inside.stdout_gets("begun");
    m.kill_agent("mid");
    inside.wait().fails_with(137);
    assert!(m.labs().is_empty());
});

kernel_test!(run_whose_agent_is_killed_fails_in_words, |m| {
    let mut run = m.play("mid", &[], "netns.add,c1 lab.apply sys.sleep,500 netns.add,c2").spawn();
    run.stdout_gets("lab.apply: ok");
    m.kill_agent("mid");
    run.wait()
        .fails_with(4)
        .stderr_has("lab `mid` has ended: its agent has gone")
        .stderr_lacks("panicked")
        .stderr_lacks("stands");
    empties(m);
});

kernel_test!(down_ends_a_lab_that_is_being_built, |m| {
    let mut run = m.play("mid", &[], "netns.add,c1 lab.apply sys.sleep,500 netns.add,c2").spawn();
    run.stdout_gets("lab.apply: ok");
    m.orchestrator(&["down", "mid"]).success();
    m.has_no_trace_of_labs();
    run.wait()
        .fails_with(4)
        .stderr_has("lab `mid` has ended: its agent has gone")
        .stderr_lacks("panicked")
        .stderr_lacks("stands");
    empties(m);
});

kernel_test!(agent_ends_by_a_signal_as_by_down, |m| {
    for signal in ["TERM", "INT", "HUP"] {
        m.stand("mid", "netns.add,c1");
        let agent = m.agent_pid("mid");
        m.command("kill").args(&["-s", signal, &agent.to_string()]).run().success();
        m.ends(agent);
        // It has cleaned up by itself.
        m.has_no_trace_of_labs();
    }
});

kernel_test!(lab_vanishes_with_its_directory, |m| {
    // As when the user logs out, and the runtime directory goes.
    m.stand("mid", "netns.add,c1");
    let agent = m.agent_pid("mid");
    let directory = m.labs_directory();
    let above = directory.strip_suffix("/labs").expect("it ends so");
    // The agent may be quicker with a file than `rm` is, which then finds a directory in use.
    m.command("sh").args(&["-c", "rm -rf $0 || rm -rf $0", above]).run().success();
    m.ends(agent);
    m.has_no_trace_of_labs();
    assert!(m.labs().is_empty());
});

kernel_test!(crash_of_an_agent_leaves_nothing_of_its_network, |m| {
    m.orchestrator(&["run", "two-containers"]).success();
    let netns = m.lab_netns("two-containers", "container1");
    m.kill_agent("two-containers");
    assert!(!m.outside(&netns).exists());
    assert!(m.labs().is_empty());
});

/// Starts a run and waits until it has built a part.
#[track_caller]
fn in_the_middle(m: &Machine) -> Running<'_> {
    let mut run = m.play("mid", &[], WAITS).spawn();
    run.stdout_gets("netns.add,c2: ok");
    m.lab_ip("mid", "c1", &["link", "show", "dev", "ceth1"]);
    run
}

/// Waits until no lab is listed; what is left of one after a kill takes the kernel a moment, and a command to sweep it.
#[track_caller]
fn empties(m: &Machine) {
    let emptied = poll_until(Instant::now() + SOON, || m.labs().is_empty().then_some(()));
    assert!(emptied.is_some(), "labs are left: {:?}", m.labs());
    m.has_no_trace_of_labs();
}
