//! An agent of another version: what it is asked, it can't read.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::sys::signal::Signal;
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept, bind, listen, recv, send, socket,
};

use crate::support::{EMPTY_WAT, Machine, Running, kernel_test};

/// Where `agent_of_another_version` finds its lab's directory.
const DIRECTORY: &str = "AGENT_OF_ANOTHER_VERSION";
const GREETING: &[u8] = b"orchestrator 7.8.9";
/// A journal as a later version might write it.
const JOURNAL: &str = "{\"agent\":7,\"boot\":\"b\",\"on_machine\":null,\"later\":[1]}\n{\"cgroup\":\"/a\"}\n";

/// Lets a lab `t` of another version stand: this same test program plays its agent.
#[track_caller]
fn another_version(m: &Machine) -> Running<'_> {
    let program = m.write("agent", fs::read(std::env::current_exe().unwrap()).unwrap());
    fs::set_permissions(m.outside(&program), PermissionsExt::from_mode(0o755)).unwrap();
    // So that the directories above it are there, as they have to be.
    m.stand_empty("t");
    m.orchestrator(&["down", "t"]).success();
    let directory = format!("{}/t", m.labs_directory());
    let test = "versions::agent_of_another_version";
    let agent = m.command(&program).args(&["--exact", test, "--ignored", "--nocapture"]).env(DIRECTORY, &directory);
    let mut agent = agent.spawn();
    agent.stdout_gets("it listens");
    agent
}

/// Not a test but the agent that the others talk to.
#[test]
#[ignore = "the tests of this file start it"]
fn agent_of_another_version() {
    let directory = std::env::var(DIRECTORY).expect("one of the tests of this file starts it");
    let directory = Path::new(&directory);
    fs::create_dir(directory).unwrap();
    fs::set_permissions(directory, PermissionsExt::from_mode(0o700)).unwrap();
    let lock = File::open(directory).unwrap();
    lock.lock().unwrap();
    fs::write(directory.join("journal"), JOURNAL).unwrap();
    let listener = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::empty(), None).unwrap();
    bind(listener.as_raw_fd(), &UnixAddr::new(&directory.join("socket")).unwrap()).unwrap();
    listen(&listener, Backlog::new(16).unwrap()).unwrap();
    println!("it listens");
    // Until it is ended. What it hears it can't read: it says what it is, hears what the other is, and hangs up.
    while let Ok(connection) = accept(listener.as_raw_fd()) {
        let _ = send(connection, GREETING, MsgFlags::MSG_NOSIGNAL);
        let _ = recv(connection, &mut [0; 64], MsgFlags::empty());
        nix::unistd::close(connection).unwrap();
    }
}

kernel_test!(agent_of_another_version_is_told_apart_and_ended_all_the_same, |m| {
    let agent = another_version(m);
    let own = env!("CARGO_PKG_VERSION");
    for command in [&["show", "t"][..], &["ping", "t"], &["exec", "t", "host", "--", "true"]] {
        let refused = m.orchestrator(command);
        refused
            .fails_with(2)
            .stderr_has(&format!("is orchestrator 7.8.9 and this is {own}"))
            .stderr_has("`orchestrator down t` ends it whatever its version");
    }
    assert_eq!(m.labs(), ["t"]);
    let module = m.write("empty.wat", EMPTY_WAT);
    m.orchestrator(&["run", &module, "--name", "t"]).fails_with(2).stderr_has("orchestrator 7.8.9");
    m.orchestrator(&["run", &module, "--name", "t", "--replace"]).fails_with(2).stderr_has("orchestrator 7.8.9");
    assert_eq!(m.labs(), ["t"]);
    m.orchestrator(&["down", "t"]).success();
    agent.wait().fails_with(143);
    assert!(m.labs().is_empty());
    m.has_no_trace_of_labs();
    m.command("rm").args(&["agent"]).run().success();
});

kernel_test!(journal_of_another_version_does_not_keep_its_lab, |m| {
    let agent = another_version(m);
    agent.signal(Signal::SIGKILL);
    agent.wait().fails_with(137);
    // Whatever it means by its entries, what can be there of a lab that is not on the machine's own host is known.
    m.orchestrator(&["list"]).success();
    m.has_no_trace_of_labs();
    m.command("rm").args(&["agent"]).run().success();
});
