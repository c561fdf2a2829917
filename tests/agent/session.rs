//! The socket of `run` in the hands of one who has broken out of the sandbox.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::Signal;
use nix::sys::socket::{MsgFlags, SockType, getsockopt, send, sockopt};
use orchestrator::plan::{Need, Step};
use orchestrator::protocol::{Answer, Channel, Request, STEPS_AT_ONCE, State};
use orchestrator::topology::{LinkName, NetnsName, Place};

use crate::support::{Kind, Machine, Running, kernel_test, on_machine};
use crate::{LIMIT, SOON, answers, ask, connected, failure, is_closed};

/// Starts a scenario that has built its lab `t` and does nothing more, and takes its socket.
#[track_caller]
fn broken_out<'m>(m: &'m Machine, options: &[&str]) -> (Running<'m>, Channel) {
    let mut run = m.play("t", options, "netns.add,red lab.apply sys.sleep,60000").spawn();
    run.stdout_gets("lab.apply: ok\n");
    let mut channel = Channel::new(session_of(run.pid()), LIMIT);
    channel.set_timeout(SOON).unwrap();
    answers(&channel);
    (run, channel)
}

/// Takes a copy of the one SEQPACKET socket of a process: those of other kinds are not for agents. Which number it has is tried, as
/// nobody but root may list them.
#[track_caller]
fn session_of(pid: i32) -> OwnedFd {
    // SAFETY: a system call on numbers; the descriptor is a new one that nothing else knows.
    let descriptor = |call: libc::c_long, number: i32, other: i32| unsafe {
        match libc::syscall(call, number, other, 0) {
            fd @ 0.. => Ok(OwnedFd::from_raw_fd(fd as i32)),
            _ => Err(Errno::last()),
        }
    };
    let process = descriptor(libc::SYS_pidfd_open, pid, 0).expect("`run` lives");
    let mut descriptors =
        (0..256).filter_map(|number| match descriptor(libc::SYS_pidfd_getfd, process.as_raw_fd(), number) {
            Err(Errno::EBADF) => None,
            found => Some(found.expect("could not take a descriptor of `run`")),
        });
    let is_session = |found: &OwnedFd| getsockopt(found, sockopt::SockType) == Ok(SockType::SeqPacket);
    descriptors.find(is_session).expect("`run` has a session")
}

/// Ends the scenario, which sleeps and does not know what has become of its lab.
#[track_caller]
fn end(run: Running<'_>, channel: Channel) {
    drop(channel);
    run.signal(Signal::SIGTERM);
    run.wait().fails_with(143);
}

fn add_netns(name: &str) -> Step {
    Step::AddNetns { netns: NetnsName::parse(name).unwrap(), hub: false }
}

kernel_test!(what_is_no_message_ends_the_lab_that_is_being_built_and_no_other, |m| {
    m.stand_empty("other");
    for packet in [&[7, 7][..], &[1], &[0, 0xff, 0xff], &[0, 1, 1, 0, 3, b'a', b'/', b'b', 0]] {
        let (run, channel) = broken_out(m, &[]);
        let socket = channel.as_fd().as_raw_fd();
        send(socket, packet, MsgFlags::MSG_NOSIGNAL).unwrap();
        is_closed(&channel);
        assert_eq!(m.labs(), ["other"]);
        end(run, channel);
    }
    m.orchestrator(&["down", "other"]).success();
});

kernel_test!(lab_that_is_complete_is_not_built_on, |m| {
    let late =
        [Request::Steps(vec![add_netns("green")]), Request::Commit, Request::Complete, Request::Need(Need::default())];
    for request in late {
        let (run, channel) = broken_out(m, &[]);
        let answer = ask(&channel, &Request::Complete);
        assert!(matches!(&answer, Answer::Completed(taken) if taken.is_empty()), "{answer:?}");
        answers(&channel);
        channel.send(&request).unwrap();
        is_closed(&channel);
        // It stands, as it was when it was complete.
        let other = connected(m, "t");
        let answer = ask(&other, &Request::Status);
        assert!(
            matches!(&answer, Answer::Status(status) if status.state == State::Up && status.netns == 2),
            "{answer:?}"
        );
        // `run` takes it for one that is to be undone, and would wait for that.
        run.signal(Signal::SIGKILL);
        run.wait().fails_with(137);
        m.exec("t", "red", &["true"]).run().success();
        m.orchestrator(&["down", "t"]).success();
        m.has_no_trace_of_labs();
    }
});

kernel_test!(the_agent_has_the_labs_limits_too, |m| {
    let (run, channel) = broken_out(m, &["--max-netns", "2"]);
    channel.send(&Request::Steps(["green", "blue"].map(add_netns).into())).unwrap();
    match ask(&channel, &Request::Commit) {
        Answer::Refused(failure) => assert_eq!(failure.step, add_netns("blue")),
        other => panic!("it was done: {other:?}"),
    }
    // Nothing more is done of anything.
    channel.send(&Request::Steps(vec![Step::RemoveNetns { netns: NetnsName::parse("red").unwrap() }])).unwrap();
    assert!(matches!(ask(&channel, &Request::Complete), Answer::Refused(_)));
    end(run, channel);
    m.has_no_trace_of_labs();
});

kernel_test!(steps_that_can_not_be_are_refused_and_not_done, |m| {
    let name = |text: &str| NetnsName::parse(text).unwrap();
    let place = |netns: &str, link: &str| Place { netns: name(netns), link: LinkName::parse(link).unwrap() };
    let impossible = [
        Step::RemoveNetns { netns: NetnsName::host() },
        Step::RemoveNetns { netns: name("blue") },
        add_netns("red"),
        add_netns("host"),
        Step::SetUp { link: place("red", "eth9") },
        Step::RemoveLink { link: place("red", "lo") },
        Step::SetMtu { link: place("red", "lo"), mtu: u32::MAX },
    ];
    for step in impossible {
        let (run, channel) = broken_out(m, &[]);
        channel.send(&Request::Steps(vec![step.clone()])).unwrap();
        match ask(&channel, &Request::Commit) {
            Answer::Refused(failure) => assert_eq!(failure.step, step),
            other => panic!("{step:?}: {other:?}"),
        }
        end(run, channel);
    }
    m.has_no_trace_of_labs();
});

kernel_test!(process_that_runs_a_guest_may_not_enter_the_lab, |m| {
    let (run, channel) = broken_out(m, &[]);
    let red = NetnsName::parse("red").unwrap();
    assert_eq!(failure(ask(&channel, &Request::Join(red))), "`run` may not enter the lab");
    end(run, channel);
});

/// On the machine's own host steps wait until all have come.
#[test]
fn steps_without_end_are_not_kept() {
    on_machine(Kind::Root, |m| {
        let small = ["--on-host", "--max-netns", "1", "--max-links", "1", "--max-addresses-and-routes", "1"];
        let (run, channel) = broken_out(m, &small);
        let steps = Request::Steps(vec![add_netns("green"); STEPS_AT_ONCE]);
        // The second may find the session closed already.
        channel.send(&steps).unwrap();
        is_closed(&channel);
        end(run, channel);
        m.has_no_trace_of_labs();
    });
}
