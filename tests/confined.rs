//! The process of a guest can do nothing, which is tried in it: by the program with faults (tests/faulty/tries.rs), once with all
//! given up, once with files alone, and once before, so that nothing is called refused that could not be done anyway.

mod support;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use support::{Kind, Machine, on_faulty_machine};

/// What each try was answered: `ok`, or an errno.
type Answers = BTreeMap<String, String>;

/// What is not refused by EPERM: what the process does with itself, and what it is to think that the kernel does not have.
const NOT_REFUSED: [(&str, &str); 4] = [
    ("clone3", "ENOSYS"),
    ("read /etc/passwd by openat2", "ENOSYS"),
    ("socketpair of a stream", "ok"),
    ("tgkill itself", "ok"),
];

/// What a directory that may be read adds to that. What takes a path to look at a file is there, and tells that there is one.
const WITH_A_DIRECTORY: [(&str, &str); 6] = [
    ("look at /etc/passwd", "ok"),
    ("look at /etc/passwd by statx", "ok"),
    ("read /etc/passwd", "EACCES"),
    ("read a granted file", "ok"),
    ("read a link", "ok"),
    ("socketpair of a stream", "ok"),
];

#[test]
fn process_of_a_guest_is_refused_all_that_it_tries() {
    for kind in [Kind::Root, Kind::User] {
        on_faulty_machine(kind, |m| {
            for command in [&["run", "--name", "t"][..], &["plan"]] {
                assert_eq!(unlike_refused(&tried(m, "given up", command)), map(&NOT_REFUSED), "{kind:?}");
            }
        });
    }
}

#[test]
fn with_a_directory_it_is_refused_all_but_to_read_there() {
    for kind in [Kind::Root, Kind::User] {
        on_faulty_machine(kind, |m| {
            let expected = map(&NOT_REFUSED).into_iter().chain(map(&WITH_A_DIRECTORY)).collect::<Answers>();
            for command in [&["run", "--name", "t", "--allow", "dir=data"][..], &["plan", "--allow", "dir=data"]] {
                assert_eq!(unlike_refused(&tried(m, "given up", command)), expected, "{kind:?}");
            }
        });
    }
}

#[test]
fn without_the_list_of_system_calls_landlock_holds() {
    for kind in [Kind::Root, Kind::User] {
        on_faulty_machine(kind, |m| {
            let answers = tried(m, "files given up", &["run", "--name", "t", "--allow", "dir=data"]);
            for (name, answer) in [
                ("read a granted file", "ok"),
                ("write a granted file", "EACCES"),
                ("read /etc/passwd", "EACCES"),
                ("read /etc/passwd by openat2", "EACCES"),
                ("write its memory file", "EACCES"),
                ("make a file", "EACCES"),
                ("socket inet", "ok"),
                ("bind to a port", "EACCES"),
                ("connect to a port", "EACCES"),
                ("connect to a name", "EPERM"),
                ("kill the parent", "EPERM"),
                ("kill the agent", "EPERM"),
                ("kill itself", "ok"),
                // It knows no such right: this is for the list of system calls.
                ("connect to a path", "ok"),
            ] {
                assert_eq!(answers[name], answer, "{name} as {kind:?}");
            }
        });
    }
}

#[test]
fn before_it_gives_up_a_process_is_refused_little_that_it_tries() {
    for (kind, refused) in [(Kind::Root, &[][..]), (Kind::User, &["fsopen"])] {
        on_faulty_machine(kind, |m| {
            let mut answers = tried(m, "about to give up", &["run", "--name", "t"]);
            // These are for the machine's settings, and for how its agent began.
            for name in ["bpf", "io_uring_setup", "limit the agent", "perf_event_open", "setgroups"] {
                answers.remove(name);
            }
            let found: Vec<&str> =
                answers.iter().filter(|(_, answer)| *answer == "EPERM").map(|(name, _)| &**name).collect();
            assert_eq!(found, refused, "{kind:?}");
            for name in ["read /etc/passwd", "make a file", "socket inet", "connect to a name", "kill the parent"] {
                assert_eq!(answers[name], "ok", "{name} as {kind:?}");
            }
        });
    }
}

/// Has all tried at a place of a command.
#[track_caller]
fn tried(m: &Machine, place: &str, command: &[&str]) -> Answers {
    // A stranger may enter.
    m.command("sh").args(&["-euc", "mkdir -p data; echo one >data/open; chmod 755 ."]).run().success();
    let path = m.write("listens", "");
    let outside = m.outside(&path);
    fs::remove_file(&outside).expect("it was just written");
    let listener = UnixListener::bind(&outside).expect("a socket can be bound there");
    fs::set_permissions(&outside, Permissions::from_mode(0o666)).expect("the socket is this process's");
    // A shell is its parent, which this process is not to it.
    let shell =
        m.command("sh").args(&["-c", "orchestrator \"$@\"; exit $?", "sh"]).args(command).arg("single-container");
    let outcome = shell.env("FAULT_TRIES", place).env("FAULT_TRIES_SOCKET", &path).run();
    drop(listener);
    m.command("sh").args(&["-euc", "rm -rf data listens tried; chmod 700 ."]).run().success();
    let lines = outcome.success().stderr().lines().filter_map(|line| line.split_once(": "));
    let answers: Answers = lines.map(|(name, answer)| (name.to_owned(), answer.to_owned())).collect();
    assert!(answers.len() > 60, "{outcome}");
    answers
}

/// Picks what was not answered by EPERM.
fn unlike_refused(answers: &Answers) -> Answers {
    answers.clone().into_iter().filter(|(_, answer)| answer != "EPERM").collect()
}

fn map(answers: &[(&str, &str)]) -> Answers {
    answers.iter().map(|(name, answer)| ((*name).to_owned(), (*answer).to_owned())).collect()
}
