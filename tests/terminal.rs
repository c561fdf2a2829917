//! `orchestrator` on a terminal, with somebody who types there.

mod support;

use std::time::{Duration, Instant};

use support::{Machine, Terminal, kernel_test, poll_until, slow_wat};

/// How long something may take that takes a moment.
const SOON: Duration = Duration::from_secs(10);

kernel_test!(ctrl_c_in_run_undoes_what_had_been_built, |m| {
    let mut terminal = m.play("lab", &[], "netns.add,c1 lab.apply sys.sleep,60000").on_terminal();
    terminal.shows("lab.apply: ok");
    terminal.types("\x03");
    let ended = terminal.wait();
    m.has_no_trace_of_labs();
    ended.fails_with(130).stdout_has("interrupted").stdout_has("what had been built was undone");
    assert!(m.labs().is_empty());
});

kernel_test!(run_can_be_stopped_and_goes_on, |m| {
    let mut terminal = shell(m);
    // The wait is over while it is stopped; that harms nothing.
    let run = format!("orchestrator run {} --name lab -- lab.apply sys.sleep,300 netns.add,c1", support::GUEST_CALLS);
    terminal.types(&format!("{run}\r"));
    terminal.shows("lab.apply: ok");
    terminal.types("\x1a");
    terminal.shows("Stopped");
    terminal.types("fg\r");
    terminal.shows("netns.add,c1: ok");
    terminal.shows("lab `lab` stands: 2 netns");
    ends(terminal);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(run_leaves_the_terminal_as_it_was, |m| {
    let mut terminal = shell(m);
    terminal.types("stty -g >before; orchestrator run single-container; stty -g | cmp - before && echo as before\r");
    terminal.shows("stands");
    terminal.shows("as before\r\n");
    ends(terminal);
    m.orchestrator(&["down", "single-container"]).success();
});

kernel_test!(guest_output_is_escaped_on_a_terminal_and_raw_in_a_pipe, |m| {
    let text = "sys.print-text,\x1b[31mred\x1b]0;title\x07\u{9b}2J sys.print-stderr,\x1b[32mgreen";
    let shown = m.play("lab", &["--rm"], text).on_terminal().wait();
    shown.success().stdout_lacks("\x1b").stdout_lacks("\x07").stdout_lacks("\u{9b}");
    shown.stdout_has("[31mred").stdout_has("]0;title").stdout_has("[32mgreen");
    let piped = m.play("lab", &["--rm"], text).run();
    piped.success().stdout_has("\x1b[31mred\x1b]0;title\x07\u{9b}2J\n").stderr_has("\x1b[32mgreen\n");
    // Each stream for itself.
    let mixed = m.command("sh").args(&["-c", "\"$@\" >out", "sh"]).args(&["orchestrator", "run", support::GUEST_CALLS]);
    let mixed = mixed.args(&["--rm", "--"]).args(&text.split(' ').collect::<Vec<_>>()).on_terminal().wait();
    mixed.success().stdout_lacks("\x1b").stdout_has("[32mgreen");
    assert!(m.read(&format!("{}/out", m.kind().home())).contains("\x1b[31mred"));
});

kernel_test!(what_a_guest_says_by_other_ways_is_escaped_too, |m| {
    let calls = "lab.log,\x1b[31mlog netns.add,\x1b[32mname !sys.fail,\x1b[33mfail";
    let shown = m.play("lab", &[], calls).on_terminal().wait();
    shown.fails_with(1).stdout_lacks("\x1b").stdout_has("[31mlog").stdout_has("[32mname").stdout_has("[33mfail");
});

kernel_test!(what_turns_a_line_around_or_hides_is_shown_on_a_terminal, |m| {
    let calls = "sys.print-text,a\u{202e}b\u{2066}c\u{200b}d lab.log,e\u{202e}f netns.add,g\u{202e}h";
    let shown = m.play("lab", &["--rm"], calls).on_terminal().wait();
    shown
        .success()
        .stdout_has("a\\u{202e}b\\u{2066}c\\u{200b}d")
        .stdout_has("lab: e\\u{202e}f")
        .stdout_has("`g\\u{202e}h`");
    for character in ["\u{202e}", "\u{2066}", "\u{200b}"] {
        shown.stdout_lacks(character);
    }
});

kernel_test!(long_work_shows_how_far_it_is_on_a_terminal_alone, |m| {
    m.write("slow.wat", slow_wat());
    let run = ["run", "slow.wat", "--max-time", "2s"];
    let shown = m.command("orchestrator").args(&run).on_terminal().wait();
    // It is wiped away before anything else is said.
    shown.fails_with(1).stdout_has("compiling `slow.wat`, 1s").stdout_has("\x1b[2Kerror: slow.wat: ");
    m.orchestrator(&run).fails_with(1).stderr_lacks("compiling");
});

kernel_test!(no_color_is_honoured, |m| {
    for words in [&["--help"][..], &["run"], &["no-such-command"]] {
        let plain = m.command("orchestrator").args(words).env("NO_COLOR", "1").on_terminal().wait();
        plain.stdout_lacks("\x1b");
        m.orchestrator(words).stdout_lacks("\x1b").stderr_lacks("\x1b");
    }
});

kernel_test!(shell_by_exec_survives_ctrl_c_and_its_command_does_not, |m| {
    m.stand("lab", "netns.add,red");
    let mut terminal = shell_inside(m);
    terminal.types("hostname; tty; id -u\r");
    terminal.shows("red\r\n");
    terminal.shows("/dev/pts/");
    terminal.shows("0\r\n");
    terminal.types("sleep 1000; echo then $?\r");
    runs(m, "sleep 1000");
    terminal.types("\x03");
    terminal.shows("\r\n");
    terminal.types("echo code $?; exit 3\r");
    terminal.shows("code 130\r\n");
    terminal.wait().fails_with(3);
    does_not_sleep(m);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(shell_by_exec_ends_with_ctrl_d_and_its_last_status, |m| {
    m.stand("lab", "netns.add,red");
    let mut terminal = shell_inside(m);
    terminal.types("sh -c 'exit 5'\r");
    terminal.shows("inner> ");
    terminal.types("\x04");
    terminal.wait().fails_with(5);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(shell_by_exec_has_job_control, |m| {
    m.stand("lab", "netns.add,red");
    let mut terminal = shell_inside(m);
    terminal.types("sleep 1000\r");
    runs(m, "sleep 1000");
    terminal.types("\x1a");
    terminal.shows("Stopped");
    terminal.types("bg; jobs\r");
    terminal.shows("Running");
    terminal.types("kill %1; wait; echo gone\r");
    terminal.shows("gone\r\n");
    does_not_sleep(m);
    terminal.types("exit\r");
    terminal.wait().success().stdout_lacks("no job control").stdout_lacks("cannot set terminal process group");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(ctrl_c_ends_a_command_by_exec_and_not_the_shell_before_it, |m| {
    m.stand("lab", "netns.add,red");
    let mut terminal = shell(m);
    terminal.types("orchestrator exec lab red -- sleep 1000\r");
    runs(m, "sleep 1000");
    terminal.types("\x03");
    terminal.shows("\r\n");
    terminal.types("echo code $?\r");
    terminal.shows("code 130\r\n");
    does_not_sleep(m);
    ends(terminal);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(command_by_exec_decides_what_ctrl_c_does, |m| {
    m.stand("lab", "netns.add,red");
    let script = "trap 'echo caught' INT; echo begun; read line; echo got $line; exit 4";
    let mut terminal = m.exec("lab", "red", &["bash", "-c", script]).on_terminal();
    terminal.shows("begun");
    terminal.types("\x03");
    terminal.shows("caught");
    terminal.types("a line\r");
    terminal.shows("got a line");
    terminal.wait().fails_with(4);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(ctrl_z_stops_exec_and_fg_goes_on_with_it, |m| {
    m.stand("lab", "netns.add,red");
    let mut terminal = shell(m);
    terminal.types("orchestrator exec lab red -- cat\r");
    exec_is(m, "S");
    terminal.types("one\n");
    // Once by the terminal, once by `cat`.
    terminal.shows("one\r\n");
    terminal.shows("one\r\n");
    for line in ["two", "three"] {
        terminal.types("\x1a");
        terminal.shows("Stopped");
        // The shell has the terminal meanwhile.
        terminal.types(&format!("echo $((20 + 3)) before {line}\r"));
        terminal.shows(&format!("23 before {line}\r\n"));
        terminal.types("fg\r");
        exec_is(m, "S");
        terminal.types(&format!("{line}\n"));
        terminal.shows(&format!("{line}\r\n"));
        terminal.shows(&format!("{line}\r\n"));
    }
    terminal.types("\x04");
    terminal.shows("outer> ");
    terminal.types("echo code $?\r");
    terminal.shows("code 0\r\n");
    ends(terminal);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(exec_that_reads_in_the_background_stops, |m| {
    m.stand("lab", "netns.add,red");
    let mut terminal = shell(m);
    terminal.types("orchestrator exec lab red -- cat &\r");
    exec_is(m, "T");
    terminal.types("fg\r");
    exec_is(m, "S");
    terminal.types("line\n");
    terminal.shows("line\r\n");
    terminal.shows("line\r\n");
    terminal.types("\x04");
    terminal.shows("outer> ");
    ends(terminal);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(window_size_is_that_of_the_terminal, |m| {
    m.stand("lab", "netns.add,red");
    // The trap ends it: a shell forgives a ^C that comes while it waits for a program which then ends well.
    let script = "trap 'stty size; exit 3' WINCH; stty size; while :; do sleep 0.01; done";
    let mut terminal = m.exec("lab", "red", &["bash", "-c", script]).on_terminal();
    terminal.shows("24 80\r\n");
    terminal.resize(40, 132);
    terminal.shows("40 132\r\n");
    terminal.wait().fails_with(3);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(shell_gets_its_terminal_back_when_the_lab_goes, |m| {
    m.stand("lab", "netns.add,red");
    let mut terminal = shell(m);
    down_below(m, &mut terminal);
    terminal.types("echo $((20 + 4)) code $?\r");
    terminal.shows("24 code 137\r\n");
    ends(terminal);
});

kernel_test!(terminal_is_as_it_was_when_the_lab_goes, |m| {
    // A shell that edits its line has turned the terminal's own echo off, and had no time to turn it on again.
    m.stand("lab", "netns.add,red");
    let mut terminal = shell(m);
    down_below(m, &mut terminal);
    terminal.types("stty -a\r");
    terminal.shows(" icanon ");
    terminal.shows(" echo ");
    ends(terminal);
});

kernel_test!(terminal_that_is_closed_ends_run, |m| {
    let mut terminal = m.play("lab", &[], "netns.add,c1 lab.apply sys.sleep,60000").on_terminal();
    terminal.shows("lab.apply: ok");
    drop(terminal);
    let emptied = poll_until(Instant::now() + SOON, || m.labs().is_empty().then_some(()));
    assert!(emptied.is_some(), "{:?}", m.processes());
    m.has_no_trace_of_labs();
});

/// Starts an interactive shell of the machine.
#[track_caller]
fn shell(m: &Machine) -> Terminal<'_> {
    let shell = m.command("bash").args(&["--norc", "--noprofile", "-i"]).env("PS1", "outer> ");
    let mut terminal = shell.deadline(SOON).on_terminal();
    terminal.shows("outer> ");
    terminal
}

/// Starts an interactive shell in netns `red` of lab `lab`, as one does who types no command.
#[track_caller]
fn shell_inside(m: &Machine) -> Terminal<'_> {
    let shell = write_shell(m);
    let command = m.command("orchestrator").args(&["exec", "lab", "red"]).env("SHELL", &shell);
    let mut terminal = command.deadline(SOON).on_terminal();
    terminal.shows("inner> ");
    terminal
}

/// Writes a program that is an interactive shell, whatever files of its own the machine has for one.
#[track_caller]
fn write_shell(m: &Machine) -> String {
    let shell = m.write("shell", "#!/bin/sh\nPS1='inner> ' exec bash --norc --noprofile -i\n");
    m.command("chmod").args(&["+x", &shell]).run().success();
    shell
}

/// Starts an interactive shell inside from one outside, and removes the lab below it.
#[track_caller]
fn down_below(m: &Machine, terminal: &mut Terminal<'_>) {
    // It makes itself the terminal's foreground, and has no time to step back.
    let shell = write_shell(m);
    terminal.types(&format!("orchestrator exec lab red -- {shell}\r"));
    terminal.shows("inner> ");
    m.orchestrator(&["down", "lab"]).success();
    terminal.shows("outer> ");
}

/// Leaves a shell whose last command was fine.
#[track_caller]
fn ends(mut terminal: Terminal<'_>) {
    terminal.types("true; exit\r");
    terminal.wait().success();
}

/// Waits until `command` runs, so that the terminal is its own.
#[track_caller]
fn runs(m: &Machine, command: &str) {
    let look = || m.processes().iter().any(|(_, other)| other == command).then_some(());
    assert!(poll_until(Instant::now() + SOON, look).is_some(), "{:?}", m.processes());
}

#[track_caller]
fn does_not_sleep(m: &Machine) {
    let runs = || m.processes().iter().all(|(_, command)| command != "sleep 1000").then_some(());
    assert!(poll_until(Instant::now() + SOON, runs).is_some(), "{:?}", m.processes());
}

/// Waits until `orchestrator exec lab red -- cat` and its `cat` are stopped (`T`), or wait for what is typed (`S`).
///
/// Before it continues a job, a shell sets the terminal's modes, which would spoil a line that was typed already.
#[track_caller]
fn exec_is(m: &Machine, wanted: &str) {
    let both = || {
        let processes = m.processes().into_iter().filter(|(_, command)| command.ends_with("cat"));
        let states: Vec<String> = processes.map(|(pid, _)| state(m, pid)).collect();
        (states == [wanted; 2]).then_some(())
    };
    assert!(poll_until(Instant::now() + SOON, both).is_some(), "{:?}", m.processes());
}

/// Returns the state of a process as `ps` has it.
fn state(m: &Machine, pid: u32) -> String {
    let stat = m.outside(&format!("/proc/{pid}/stat"));
    let stat = std::fs::read_to_string(stat).unwrap_or_default();
    stat.rsplit(") ").next().and_then(|rest| rest.split(' ').next()).unwrap_or_default().to_owned()
}
