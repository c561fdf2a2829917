//! `orchestrator exec`: status, streams, signals, and the end of what it starts.

mod support;

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::{Kind, Machine, Running, kernel_test, on_machine, poll_until};

/// How long something may take that takes a moment.
const SOON: Duration = Duration::from_secs(10);

kernel_test!(status_of_the_command_is_passed_on, |m| {
    m.stand_empty("lab");
    for status in [0, 1, 2, 7, 125, 255] {
        let exit = format!("exit {status}");
        let done = m.exec("lab", "host", &["sh", "-c", &exit]).run();
        assert_eq!(done.fails_with(status).stderr(), "", "exec adds nothing of its own");
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(command_that_a_signal_ends_gives_128_and_its_number, |m| {
    m.stand_empty("lab");
    for (signal, status) in [("KILL", 137), ("TERM", 143), ("INT", 130), ("PIPE", 141), ("SEGV", 139)] {
        m.exec("lab", "host", &["sh", "-c", &format!("kill -{signal} $$")]).run().fails_with(status);
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(command_that_is_not_there_gives_127, |m| {
    m.stand_empty("lab");
    for command in ["no-such-command", "/no/such/command", "./no-such-command", ""] {
        m.exec("lab", "host", &[command])
            .run()
            .fails_with(127)
            .stderr_has(&format!("error: `{command}` was not found\n"));
    }
    m.exec("lab", "host", &["a\x1b[31m"]).run().fails_with(127).stderr_lacks("\x1b");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(command_that_cannot_be_executed_gives_126, |m| {
    m.stand_empty("lab");
    let script = m.write("script", "#!/bin/sh\n");
    for command in [&*script, "/etc"] {
        let refused = m.exec("lab", "host", &[command]).run();
        refused.fails_with(126).stderr_has(&format!("could not execute `{command}`")).stderr_has("ermission denied");
    }
    m.orchestrator(&["down", "lab"]).success();
});

#[test]
fn command_that_cannot_be_tried_gives_125() {
    // Only a user's lab has a limit of its own that can be reached.
    on_machine(Kind::User, |m| {
        m.stand_empty("lab");
        let limit = "echo 0 >/proc/sys/user/max_uts_namespaces";
        m.exec("lab", "host", &["sh", "-c", limit]).run().success();
        m.exec("lab", "host", &["true"]).run().fails_with(125).stderr_has("error: could not make").stderr_has("ENOSPC");
        m.orchestrator(&["down", "lab"]).success();
    });
}

kernel_test!(lab_or_netns_that_is_not_there_is_an_error, |m| {
    m.stand("lab", "netns.add,red");
    for lab in ["none", "", "No", "../lab", "lab/", "\x1b[31m"] {
        let refused = m.exec(lab, "host", &["true"]).run();
        refused.fails_with(2).stderr_has("there is no lab `").stderr_has("`orchestrator list`").stderr_lacks("\x1b");
    }
    for netns in ["blue", "", "RED", "../red", "a b", "lo", "\x1b[31m"] {
        let refused = m.exec("lab", netns, &["true"]).run();
        refused.fails_with(2).stderr_has("netns `").stderr_has("`orchestrator show lab`").stderr_lacks("\x1b");
    }
    m.orchestrator(&["exec", "lab"]).fails_with(2).stderr_has("<NETNS>");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(command_without_words_is_the_shell_of_the_caller, |m| {
    m.stand("lab", "netns.add,red");
    let shell = || m.command("orchestrator").args(&["exec", "lab", "red"]).stdin("hostname; echo $0; exit 3\n");
    assert_eq!(shell().run().fails_with(3).stdout(), "red\n/bin/sh\n");
    assert_eq!(shell().env("SHELL", "/bin/bash").run().fails_with(3).stdout(), "red\n/bin/bash\n");
    assert_eq!(shell().env_remove("SHELL").run().fails_with(3).stdout(), "red\n/bin/sh\n");
    shell().env("SHELL", "/no/such/shell").run().fails_with(127).stderr_has("`/no/such/shell` was not found");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(streams_are_the_command_s_own, |m| {
    m.stand_empty("lab");
    // More than a pipe takes at once, and bytes that are no text.
    let input: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let sum = m.exec("lab", "host", &["sha256sum"]).stdin(input.clone()).run();
    assert_eq!(sum.success().stdout(), m.command("sha256sum").stdin(input).run().success().stdout());
    let both = m.exec("lab", "host", &["sh", "-c", "echo out; echo err >&2"]).run();
    assert_eq!((both.success().stdout(), both.stderr()), ("out\n", "err\n"));
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(command_in_a_pipeline_ends_when_nobody_reads, |m| {
    m.stand_empty("lab");
    let script = "{ orchestrator exec lab host -- yes; echo status $? >&2; } | head -n 1";
    let outside = m.command("sh").args(&["-c", script]).run();
    assert_eq!((outside.success().stdout(), outside.stderr()), ("y\n", "status 141\n"));
    let inside = m.exec("lab", "host", &["sh", "-c", "yes | head -n 1"]).run();
    assert_eq!((inside.success().stdout(), inside.stderr()), ("y\n", ""));
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(signal_is_passed_on_to_the_command, |m| {
    m.stand_empty("lab");
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2] {
        let inside = trapping(m, signal);
        inside.signal(signal);
        inside.wait().fails_with(3).stdout_has("told\n");
    }
    let mut dies = m.exec("lab", "host", &["sh", "-c", "echo begun; exec sleep 1000"]).spawn();
    dies.stdout_gets("begun");
    dies.signal(Signal::SIGTERM);
    dies.wait().fails_with(143);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(interrupt_that_is_sent_to_exec_alone_is_passed_on_too, |m| {
    // A terminal sends it to both; a script that stops `orchestrator exec ... tcpdump &` sends it to `exec`.
    m.stand_empty("lab");
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        let inside = trapping(m, signal);
        inside.signal(signal);
        inside.wait().fails_with(3).stdout_has("told\n");
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(signal_that_the_caller_ignores_is_ignored_inside, |m| {
    m.stand_empty("lab");
    let script = "trap '' HUP; orchestrator exec lab host -- sh -c 'kill -HUP $$; echo survived'";
    m.command("sh").args(&["-c", script]).run().success().stdout_has("survived");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(exec_that_is_killed_takes_its_command_along, |m| {
    m.stand_empty("lab");
    let inside = sleeping(m);
    inside.signal(Signal::SIGKILL);
    inside.wait().fails_with(137);
    sleep_ends(m);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(stopped_command_stops_exec_and_goes_on_with_it, |m| {
    m.stand_empty("lab");
    let script = "orchestrator exec lab host -- sh -c 'kill -STOP $$; echo resumed; exit 4' & \
                  until grep -q '^State:.T' /proc/$!/status; do sleep 0.01; done; kill -CONT $!; wait $!";
    m.command("sh").args(&["-c", script]).deadline(SOON).run().fails_with(4).stdout_has("resumed");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(command_in_the_background_outlives_exec_and_ends_with_the_lab, |m| {
    m.stand("lab", "netns.add,red");
    let script = "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo begun";
    m.exec("lab", "red", &["sh", "-c", script]).run().success().stdout_has("begun");
    let (pid, _) = poll_until(Instant::now() + SOON, || find_sleep(m)).expect("it runs on");
    let netns = m.root_command("readlink").arg(&format!("/proc/{pid}/ns/net")).run();
    assert_eq!(m.exec("lab", "red", &["readlink", "/proc/self/ns/net"]).run().stdout(), netns.success().stdout());
    m.orchestrator(&["down", "lab"]).success();
    sleep_ends(m);
});

kernel_test!(orphan_is_reaped_by_the_agent, |m| {
    m.stand_empty("lab");
    m.exec("lab", "host", &["sh", "-c", "(sleep 0.05; exit 3) </dev/null >/dev/null 2>&1 &"]).run().success();
    let agent = m.agent_pid("lab");
    let reaped = poll_until(Instant::now() + SOON, || m.processes().iter().all(|(pid, _)| *pid == agent).then_some(()));
    assert!(reaped.is_some(), "beside the agent {agent}: {:?}", m.processes());
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(more_commands_run_in_a_lab_than_an_agent_serves_at_once, |m| {
    m.stand_empty("lab");
    // As with a server in each container of `n-containers 100`.
    let script = "i=0; while [ $i -lt 70 ]; do i=$((i+1)); orchestrator exec lab host -- sleep 1000 & done; wait";
    let commands = m.command("sh").args(&["-c", script]).spawn();
    let run = |m: &Machine| m.processes().iter().filter(|(_, command)| command == "sleep 1000").count();
    let all = poll_until(Instant::now() + SOON, || (run(m) == 70).then_some(()));
    let usable = m.exec("lab", "host", &["true"]).run();
    m.orchestrator(&["down", "lab"]).success();
    commands.wait().success().stderr_lacks("error");
    assert!(all.is_some(), "not all of them run");
    usable.success();
});

/// Starts a command inside that says `told` and returns 3 when it gets `signal`.
#[track_caller]
fn trapping(m: &Machine, signal: Signal) -> Running<'_> {
    let name = signal.as_str().trim_start_matches("SIG");
    let script = format!("trap 'echo told; exit 3' {name}; echo begun; while :; do sleep 0.01; done");
    let mut inside = m.exec("lab", "host", &["sh", "-c", &script]).deadline(SOON).spawn();
    inside.stdout_gets("begun");
    inside
}

/// Starts `sleep 1000` inside.
#[track_caller]
fn sleeping(m: &Machine) -> Running<'_> {
    let mut inside = m.exec("lab", "host", &["sh", "-c", "echo begun; exec sleep 1000"]).spawn();
    inside.stdout_gets("begun");
    assert!(poll_until(Instant::now() + SOON, || find_sleep(m)).is_some(), "it runs");
    inside
}

/// Waits until `sleep 1000` has ended.
#[track_caller]
fn sleep_ends(m: &Machine) {
    let ended = poll_until(Instant::now() + SOON, || find_sleep(m).is_none().then_some(()));
    assert!(ended.is_some(), "it lives on: {:?}", m.processes());
}

fn find_sleep(m: &Machine) -> Option<(u32, String)> {
    m.processes().into_iter().find(|(_, command)| command == "sleep 1000")
}
