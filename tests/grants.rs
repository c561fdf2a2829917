//! What `--allow` grants a scenario of `run` and of `plan`, and what it is told without.

mod support;

use std::time::Duration;

use nix::sys::signal::Signal;
use support::{Command, GUEST_CALLS, Kind, Machine, Outcome, Running, kernel_test, on_machine};

/// The commands that run a scenario.
const COMMANDS: [&[&str]; 2] = [&["run", "--rm", "--name", "t"], &["plan"]];
const NOTE: &str = "and was granted no files; `--allow dir=PATH` lets it read a directory\n";

/// Begins a scenario that plays `calls`, separated by white space.
fn play<'m>(m: &'m Machine, command: &[&str], options: &[&str], calls: &str) -> Command<'m> {
    let calls: Vec<&str> = calls.split_whitespace().collect();
    m.command("orchestrator").args(command).args(options).arg(GUEST_CALLS).arg("--").args(&calls)
}

/// Finds that the scenario got an answer: on stdout in `run`, on stderr in `plan`.
#[track_caller]
fn answered(outcome: &Outcome, line: &str) {
    let said = format!("{}{}", outcome.stdout(), outcome.stderr());
    assert!(said.contains(&format!("{line}\n")), "expected {line:?} of {outcome}");
}

/// Makes a directory `data` with files in it, and one beside.
fn make_files(m: &Machine) {
    let script = "mkdir -p data/below data/closed; echo one >data/open; echo two >data/own; chmod 600 data/own
        echo three >data/below/file; echo secret >secret; ln -s open data/in; ln -s ../secret data/out
        ln -s /etc/passwd data/absolute; chmod 700 data/closed; echo four >data/closed/file";
    m.command("sh").args(&["-euc", script]).run().success();
}

/// Tells whether the process of a guest is another user's than its caller's.
fn is_stranger(m: &Machine) -> bool {
    // Where only root's own uid is mapped there is no other to become.
    let map = m.command("cat").arg("/proc/1/uid_map").run();
    m.kind() == Kind::Root && !map.success().stdout().trim_end().ends_with(" 1")
}

#[track_caller]
fn count(outcome: &Outcome, words: &str) -> usize {
    outcome.stderr().matches(words).count()
}

kernel_test!(file_without_a_grant_is_denied_and_the_flag_is_named_once, |m| {
    make_files(m);
    for command in COMMANDS {
        // Also before the scenario has asked anything of ours, and whether or not it minds.
        for calls in
            ["sys.read,data/open sys.read,secret netns.add,red", "netns.add,red sys.read,data/open sys.read,secret"]
        {
            let outcome = play(m, command, &[], calls).run();
            answered(&outcome, "sys.read,data/open: io - Permission denied (os error 2)");
            answered(&outcome, "sys.read,secret: io - Permission denied (os error 2)");
            outcome.success().stderr_has(&format!("note: the scenario wants `data/open` {NOTE}"));
            assert_eq!(count(&outcome, "--allow"), 1, "{outcome}");
        }
        for (calls, wants) in [
            ("!sys.read,/etc/passwd", "etc/passwd"),
            ("sys.exists,x sys.fail,y", "x"),
            ("sys.read-dir,. sys.trap", "."),
        ] {
            let outcome = play(m, command, &[], calls).run();
            outcome.fails_with(1).stderr_has(&format!("note: the scenario wants `{wants}` {NOTE}"));
            assert_eq!(count(&outcome, "--allow"), 1, "{outcome}");
        }
    }
});

kernel_test!(scenario_that_wants_no_files_hears_nothing_of_them, |m| {
    m.write("asks.wat", include_str!("modules/asks-for-directories.wat"));
    for command in COMMANDS {
        let calls =
            "sys.args sys.env sys.time sys.random netns.add,red sys.print-text,x sys.print-stderr,y probe.links,red";
        play(m, command, &[], calls).run().success().stderr_lacks("--allow");
        play(m, command, &[], "netns.add,red sys.fail,x").run().fails_with(1).stderr_lacks("--allow");
        // Nor does one whose language asks for directories at its start.
        m.command("orchestrator").args(command).arg("asks.wat").run().success().stderr_lacks("--allow");
        // No grant lets a scenario write.
        let wrote = play(m, command, &[], "sys.write,x,y").run();
        wrote.success().stderr_lacks("--allow");
        answered(&wrote, "sys.write,x,y: io - Permission denied (os error 2)");
    }
});

kernel_test!(what_a_scenario_wants_cannot_command_a_terminal, |m| {
    let long = "x".repeat(5000);
    let outcome = play(m, COMMANDS[1], &[], &format!("sys.read,a\x1b[2J{long}")).run();
    outcome.success().stderr_has("wants `a\\u{1b}[2Jxxx").stderr_has(NOTE);
    let note = outcome.stderr().lines().find(|line| line.starts_with("note: ")).unwrap();
    assert!(note.len() < 400, "{note}");
});

kernel_test!(directory_that_is_granted_can_be_read, |m| {
    make_files(m);
    for command in COMMANDS {
        let calls = "sys.read,data/open sys.read,data/below/file sys.read,/data/open sys.read,data/in sys.read-dir,data \
                     sys.exists,data/none sys.read,data/below/../open";
        let outcome = play(m, command, &["--allow", "dir=data"], calls).run();
        outcome.success().stderr_lacks("--allow");
        for line in [
            "sys.read,data/open: ok one",
            "sys.read,data/below/file: ok three",
            "sys.read,/data/open: ok one",
            "sys.read,data/in: ok one",
            "sys.read-dir,data: ok absolute; below; closed; in; open; out; own",
            "sys.exists,data/none: ok false",
            "sys.read,data/below/../open: ok one",
        ] {
            answered(&outcome, line);
        }
    }
});

kernel_test!(directory_is_there_under_the_path_by_which_it_was_given, |m| {
    make_files(m);
    let home = m.kind().home();
    let name = home.rsplit('/').next().unwrap();
    // What root grants has to be open to all.
    m.command("chmod").args(&["755", "."]).run().success();
    for (path, file) in [
        ("./data", "data/open"),
        ("data/", "data/open"),
        (".//./data/.", "data/open"),
        ("data/./below", "data/below/file"),
        (&*format!("{home}/data/"), &*format!("{home}/data/open")),
        (&*format!("../{name}/data"), &*format!("../{name}/data/open")),
        (".", "data/open"),
        ("./", "./data/open"),
        ("/", "etc/passwd"),
    ] {
        let outcome = play(m, COMMANDS[1], &["--allow", &format!("dir={path}")], &format!("sys.read,{file}")).run();
        assert!(outcome.success().stderr().starts_with(&format!("sys.read,{file}: ok ")), "{path}: {outcome}");
    }
    // Where the command runs makes no difference to a path from the root, and all to another.
    let below = |options: &[&str], call: &str| play(m, COMMANDS[1], options, call).cwd(&format!("{home}/data")).run();
    answered(&below(&["--allow", "dir=."], "sys.read,open"), "sys.read,open: ok one");
    answered(&below(&["--allow", "dir=below"], "sys.read,below/file"), "sys.read,below/file: ok three");
    below(&["--allow", "dir=data"], "").complains(2, "could not open directory `data`");
    m.command("chmod").args(&["700", "."]).run().success();
});

kernel_test!(directory_that_is_granted_cannot_be_left, |m| {
    make_files(m);
    let home = m.kind().home();
    for command in COMMANDS {
        let paths = [
            "data/../secret",
            "data/below/../../secret",
            "data/out",
            "data/absolute",
            "data/./../secret",
            "secret",
            "/etc/passwd",
        ];
        let absolute = format!("{home}/secret");
        let calls: Vec<String> = paths.into_iter().chain([&*absolute]).map(|path| format!("sys.read,{path}")).collect();
        let outcome = play(m, command, &["--allow", "dir=data"], &calls.join(" ")).run();
        outcome.success();
        let said = format!("{}{}", outcome.stdout(), outcome.stderr());
        for call in calls {
            assert!(said.contains(&format!("{call}: io - ")), "{call}: {outcome}");
        }
        assert!(!said.contains(": ok"), "{outcome}");
    }
});

kernel_test!(directory_that_is_granted_cannot_be_changed, |m| {
    make_files(m);
    for command in COMMANDS {
        let calls = "sys.write,data/open,x sys.write,data/new,x sys.write,data/below/new,x sys.write,data/in,x";
        let outcome = play(m, command, &["--allow", "dir=data"], calls).run();
        outcome.success();
        for call in calls.split(' ') {
            answered(&outcome, &format!("{call}: io - Operation not permitted (os error 63)"));
        }
    }
    let found = m.command("sh").args(&["-euc", "cat data/open; ls data data/below"]).run();
    assert_eq!(
        found.success().stdout(),
        "one\ndata:\nabsolute\nbelow\nclosed\nin\nopen\nout\nown\n\ndata/below:\nfile\n"
    );
});

kernel_test!(as_root_a_scenario_reads_only_what_every_user_may, |m| {
    make_files(m);
    for command in COMMANDS {
        let outcome = play(m, command, &["--allow", "dir=data"], "sys.read,data/own sys.read,data/closed/file").run();
        outcome.success();
        if is_stranger(m) {
            answered(&outcome, "sys.read,data/own: io - Permission denied (os error 2)");
            answered(&outcome, "sys.read,data/closed/file: io - Permission denied (os error 2)");
        } else {
            // A user's own scenario reads what the user may.
            answered(&outcome, "sys.read,data/own: ok two");
            answered(&outcome, "sys.read,data/closed/file: ok four");
        }
        let closed = play(m, command, &["--allow", "dir=data/closed"], "sys.read,data/closed/file").run();
        if is_stranger(m) {
            closed
                .complains(
                    2,
                    "error: could not grant directory `data/closed`, as only some users may enter it\n\nhint: as root ",
                )
                .stderr_has("`chmod o+rx data/closed`");
        } else {
            answered(&closed, "sys.read,data/closed/file: ok four");
        }
    }
});

kernel_test!(directory_that_cannot_be_granted_is_named, |m| {
    make_files(m);
    m.command("sh").args(&["-euc", "mkfifo data/fifo; ln -s none data/dangling; ln -s loop data/loop"]).run().success();
    for command in COMMANDS {
        for (path, why) in [
            ("none", "no such file or directory"),
            ("data/none/none", "no such file or directory"),
            ("data/open", "not a directory"),
            ("data/open/x", "not a directory"),
            ("data/fifo", "not a directory"),
            ("/dev/null", "not a directory"),
            ("data/dangling", "no such file or directory"),
            ("data/loop", "too many levels of symbolic links"),
        ] {
            let outcome = play(m, command, &["--allow", &format!("dir={path}")], "netns.add,red").run();
            outcome.complains(2, &format!("error: could not open directory `{path}`\n  caused by: {why}"));
            outcome.stderr_lacks("netns.add").stdout_lacks("netns.add");
        }
        let long = "x".repeat(5000);
        play(m, command, &["--allow", &format!("dir={long}")], "")
            .run()
            .complains(2, "caused by: file name too long\n");
        let bad = play(m, command, &["--allow", "dir=a\x1b[2J"], "").run();
        bad.complains(2, "could not open directory `a\\u{1b}[2J`");
    }
    m.has_no_trace_of_labs();
});

#[test]
fn directory_that_is_closed_to_its_user_is_refused() {
    on_machine(Kind::User, |m| {
        make_files(m);
        m.command("chmod").args(&["000", "data/closed"]).run().success();
        for command in COMMANDS {
            for path in ["data/closed", "data/closed/x"] {
                play(m, command, &["--allow", &format!("dir={path}")], "netns.add,red").run().complains(
                    2,
                    &format!("error: could not open directory `{path}`\n  caused by: permission denied\n"),
                );
            }
        }
        m.command("chmod").args(&["700", "data/closed"]).run().success();
        m.has_no_trace_of_labs();
    });
}

kernel_test!(several_directories_can_be_granted_and_one_twice, |m| {
    make_files(m);
    m.command("sh").args(&["-euc", "mkdir more; echo five >more/file"]).run().success();
    for command in COMMANDS {
        let options = [
            "--allow",
            "dir=data",
            "--allow",
            "dir=more",
            "--allow=dir=data",
            "--allow",
            "random",
            "--allow",
            "random",
        ];
        let outcome = play(m, command, &options, "sys.read,data/open sys.read,more/file").run();
        outcome.success();
        answered(&outcome, "sys.read,data/open: ok one");
        answered(&outcome, "sys.read,more/file: ok five");
    }
});

kernel_test!(random_numbers_are_random_only_where_that_is_granted, |m| {
    let numbers = "sys.random sys.random-seed";
    for command in COMMANDS {
        let said = |options: &[&str]| {
            let outcome = play(m, command, options, numbers).run();
            let said = format!("{}{}", outcome.success().stdout(), outcome.stderr());
            let lines: Vec<String> =
                said.lines().filter(|line| line.starts_with("sys.random")).map(str::to_owned).collect();
            assert_eq!(lines.len(), 2, "{outcome}");
            lines
        };
        let seeded = said(&[]);
        assert_eq!(said(&[]), seeded);
        let random = [said(&["--allow", "random"]), said(&["--allow", "random"])];
        for (at, seeded) in seeded.iter().enumerate() {
            assert_ne!(random[0][at], random[1][at]);
            assert_ne!(random[0][at], *seeded);
        }
    }
});

kernel_test!(grant_that_is_none_is_refused, |m| {
    for command in COMMANDS {
        for (grant, words) in [
            ("", "a grant is `random` or `dir=PATH`"),
            ("Random", "a grant is `random` or `dir=PATH`"),
            ("random=1", "a grant is `random` or `dir=PATH`"),
            ("exec=ping", "a grant is `random` or `dir=PATH`"),
            ("internet", "a grant is `random` or `dir=PATH`"),
            ("random,dir=.", "a grant is `random` or `dir=PATH`"),
            ("dir", "the directory is missing: `dir=PATH`"),
            ("dir=", "the directory is missing: `dir=PATH`"),
        ] {
            let outcome = m.command("orchestrator").args(command).args(&["two-containers", "--allow", grant]).run();
            outcome.fails_with(2).stderr_has(words).stderr_has("--allow").stderr_lacks("panicked");
        }
        m.command("orchestrator").args(command).args(&["two-containers", "--allow"]).run().fails_with(2);
    }
    // A name that is no text can't be a path of a scenario's.
    let script = "orchestrator plan two-containers --allow \"dir=$(printf '\\377')\"";
    m.command("sh").args(&["-c", script]).run().fails_with(2).stderr_has("UTF-8").stderr_lacks("panicked");
    m.has_no_trace_of_labs();
});

kernel_test!(time_ends_a_scenario_that_reads_what_has_no_end, |m| {
    m.command("sh").args(&["-euc", "mkdir data; mkfifo data/fifo"]).run().success();
    for command in COMMANDS {
        let options = ["--allow", "dir=data", "--max-time", "1s"];
        let read = play(m, command, &options, "sys.read,data/fifo").deadline(Duration::from_secs(20)).run();
        read.complains(1, "its limit of 1s in all; `--max-time` raises it\n");
    }
    m.has_no_trace_of_labs();
});

/// The process of a user shuts out all but the root of the real machine, so root's is looked at; they are made alike.
#[test]
fn process_of_a_guest_has_the_directory_open_and_nothing_else_more() {
    on_machine(Kind::Root, |m| {
        make_files(m);
        let without = open_files(m, &[]);
        let mut with = open_files(m, &["--allow", "dir=data"]);
        let directory = format!("{}/data", m.kind().home());
        let at = with.iter().position(|open| *open == directory);
        with.remove(at.unwrap_or_else(|| panic!("it has no `{directory}`: {with:?}")));
        assert_eq!(with, without);
        assert_eq!(open_files(m, &["--allow", "random"]), without);
    });
}

/// Returns what the process of a guest has open that has built its lab, and finds that the agent has nothing of it.
#[track_caller]
fn open_files(m: &Machine, options: &[&str]) -> Vec<String> {
    let mut running: Running<'_> = m.play("t", options, "netns.add,red lab.apply sys.sleep,60000").spawn();
    running.stdout_gets("lab.apply: ok\n");
    let runs = m.processes().into_iter().find(|(_, command)| command.starts_with("orchestrator run "));
    let (pid, _) = runs.expect("it runs");
    let open = |pid: u32| {
        let listed = m.root_command("find").args(&[&format!("/proc/{pid}/fd"), "-type", "l", "-printf", "%l\n"]).run();
        let kind = |line: &str| line.split_once(":[").map_or(line, |(kind, _)| kind).to_owned();
        let mut open: Vec<String> = listed.success().stdout().lines().map(kind).collect();
        open.sort();
        open
    };
    let held = open(m.agent_pid("t"));
    assert!(!held.iter().any(|open| open.starts_with(m.kind().home())), "the agent has open: {held:?}");
    let open = open(pid);
    running.signal(Signal::SIGTERM);
    running.wait().fails_with(143);
    open
}
