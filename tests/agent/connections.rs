//! Connections to a lab's socket: they may ask, and not build.

use std::fs;
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::sys::socket::{ControlMessage, MsgFlags, send, sendmsg};
use nix::unistd::{pipe2, read};
use orchestrator::plan::{Need, Step};
use orchestrator::protocol::{Answer, Request};
use orchestrator::topology::{NetnsName, Ping};

use crate::support::{Machine, kernel_test, poll_until};
use crate::{SOON, answers, ask, connected, dialled, failure, is_closed};

/// `orchestrator` and a version, as `greet` says them.
const GREETING: &str = concat!("orchestrator ", env!("CARGO_PKG_VERSION"));

fn netns(name: &str) -> NetnsName {
    NetnsName::parse(name).unwrap()
}

fn add_netns(name: &str) -> Step {
    Step::AddNetns { netns: netns(name), hub: false }
}

/// Counts what an agent has in a directory of its own in `/proc`: descriptors or threads.
#[track_caller]
fn count(m: &Machine, agent: u32, what: &str) -> usize {
    fs::read_dir(m.outside(&format!("/proc/{agent}/{what}"))).expect("the agent lives").count()
}

kernel_test!(connection_that_says_what_is_no_message_is_closed_and_others_go_on, |m| {
    m.stand("t", "netns.add,red");
    let other = connected(m, "t");
    let piece = |bytes: &[u8]| [&[1], bytes].concat();
    let too_long = vec![0; 65_538];
    let too_large: Vec<Vec<u8>> = (0..129).map(|_| piece(&[0; 65_536])).collect();
    let too_large: Vec<&[u8]> = too_large.iter().map(Vec::as_slice).collect();
    let conversations: [&[&[u8]]; 8] = [
        // Marks that there are not, a piece that brings nothing, and one that is longer than any.
        &[&[2, 8]],
        &[&[1], &[1], &[1]],
        &[&too_long],
        // No request, a name that is none, one behind which there is more, and steps that are too many by one.
        &[&[0, 200]],
        &[&[0, 5, 3, b'a', b'/', b'b']],
        &[&[0, 8, 8]],
        &[&[0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f]],
        // More than any message has.
        &too_large,
    ];
    for packets in conversations {
        let channel = connected(m, "t");
        let socket = channel.as_fd().as_raw_fd();
        for packet in packets {
            // It may have heard enough.
            let _ = send(socket, packet, MsgFlags::MSG_NOSIGNAL);
        }
        is_closed(&channel);
        answers(&other);
    }
    m.exec("t", "red", &["true"]).run().success();
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(only_run_may_build, |m| {
    m.stand("t", "netns.add,red");
    let channel = connected(m, "t");
    let steps = Request::Steps(vec![add_netns("green")]);
    for request in [Request::Need(Need { netns: u64::MAX, veths: u64::MAX }), steps, Request::Commit, Request::Complete]
    {
        assert_eq!(failure(ask(&channel, &request)), "only the `run` that builds a lab may do this");
    }
    answers(&channel);
    assert_eq!(
        failure(ask(&channel, &Request::Observe(netns("green")))).split(':').next(),
        Some("could not get netns `green`")
    );
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(what_is_not_there_and_what_is_beyond_all_measure_is_answered, |m| {
    m.stand("t", "netns.add,red");
    let channel = connected(m, "t");
    let ping = |source, count, timeout| {
        Request::Ping(vec![Ping { source: netns(source), target: "127.0.0.1".parse().unwrap(), count, timeout }])
    };
    let ever = Duration::MAX;
    for request in [Request::Observe(netns("blue")), Request::Join(netns("blue")), ping("blue", 1, ever)] {
        let said = failure(ask(&channel, &request));
        assert!(said.contains("`blue`"), "{said}");
    }
    let said = failure(ask(&channel, &ping("red", u32::MAX, ever)));
    assert!(said.contains("at most 65535"), "{said}");
    let answer = ask(&channel, &ping("red", 0, ever));
    assert!(matches!(answer, Answer::Pinged(_)), "{answer:?}");
    // The host's `lo` is down, so there is no way.
    let answer = ask(&channel, &ping("host", 1, ever));
    assert!(matches!(answer, Answer::Pinged(_)), "{answer:?}");
    let answer = ask(&channel, &Request::Settle(ever));
    assert!(matches!(&answer, Answer::Settled(waiting) if waiting.is_empty()), "{answer:?}");
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(descriptors_that_come_uninvited_are_not_kept, |m| {
    m.stand("t", "netns.add,red");
    let agent = m.agent_pid("t");
    let channel = connected(m, "t");
    answers(&channel);
    let socket = channel.as_fd().as_raw_fd();
    let before = count(m, agent, "fd");
    // More at a time than anybody makes room for, and with a message that never ends.
    let (reader, writer) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).unwrap();
    let rights = [writer.as_raw_fd(); 100];
    for _ in 0..20 {
        sendmsg::<()>(socket, &[IoSlice::new(&[1, 8])], &[ControlMessage::ScmRights(&rights)], MsgFlags::empty(), None)
            .unwrap();
    }
    drop(writer);
    let closed = poll_until(Instant::now() + SOON, || (read(&reader, &mut [0]) == Ok(0)).then_some(()));
    assert!(closed.is_some(), "the agent holds what it was sent");
    assert_eq!(count(m, agent, "fd"), before);
    drop(channel);
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(connections_that_say_nothing_keep_nobody_from_ending_the_lab, |m| {
    m.stand("t", "netns.add,red");
    let agent = m.agent_pid("t");
    let threads = count(m, agent, "task");
    // Those that are too many are hung up on at once, so all of them find a place in the queue.
    let silent: Vec<_> = (0..300).map(|_| dialled(m, "t")).collect();
    let served = count(m, agent, "task") - threads;
    assert!((1..=64).contains(&served), "{served} are served at a time");
    m.orchestrator(&["down", "t"]).success();
    assert!(m.labs().is_empty());
    drop(silent);
    m.has_no_trace_of_labs();
});

kernel_test!(connection_that_does_not_say_what_it_is_makes_way, |m| {
    m.stand("t", "netns.add,red");
    let silent = dialled(m, "t");
    let half = dialled(m, "t");
    send(half.as_raw_fd(), &GREETING.as_bytes()[..7], MsgFlags::MSG_NOSIGNAL).unwrap();
    let other = connected(m, "t");
    for socket in [silent, half] {
        // First comes the agent's own greeting, then the end.
        assert_eq!(read(&socket, &mut [0; 64]), Ok(GREETING.len()));
        assert_eq!(read(&socket, &mut [0; 64]), Ok(0));
    }
    answers(&other);
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(who_does_not_read_the_answers_keeps_nobody_waiting, |m| {
    m.stand("t", "netns.add,red");
    let deaf = connected(m, "t");
    let socket = deaf.as_fd().as_raw_fd();
    let request = [0, 6];
    while send(socket, &request, MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT).is_ok() {}
    let other = connected(m, "t");
    answers(&other);
    m.exec("t", "red", &["true"]).run().success();
    m.orchestrator(&["down", "t"]).success();
});
