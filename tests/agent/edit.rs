//! A lab that is being edited, by one who has broken out of the sandbox of `run`: it speaks as `run` does, and asks for more.

use orchestrator::plan::Step;
use orchestrator::protocol::{Answer, Channel, EditOrder, Origin, Request};
use orchestrator::topology::{Limits, LinkName, NetnsName, Place};

use crate::support::{Machine, kernel_test};
use crate::{ask, connected, is_closed};

/// Begins an edit of the lab `t`, as by the module that it comes from.
#[track_caller]
fn editing(m: &Machine) -> Channel {
    let channel = connected(m, "t");
    let origin = Origin { module: "calls".into(), source: String::new() };
    let order = EditOrder { origin, limits: Limits::default(), on_host: false, update: true, force: false };
    assert!(matches!(ask(&channel, &Request::Edit(order)), Answer::Done));
    assert!(matches!(channel.receive().unwrap(), Answer::Model(_)));
    channel
}

fn add_netns(name: &str) -> Step {
    Step::AddNetns { netns: NetnsName::parse(name).unwrap(), hub: false }
}

fn commit(channel: &Channel, steps: Vec<Step>) -> Answer {
    channel.send(&Request::Steps(steps)).unwrap();
    ask(channel, &Request::Commit)
}

kernel_test!(process_that_edits_may_ask_for_nothing_else, |m| {
    m.stand("t", "netns.add,red veth.add,host,v,red,eth0");
    let channel = editing(m);
    let link = Place { netns: NetnsName::parse("red").unwrap(), link: LinkName::parse("eth0").unwrap() };
    for request in [
        Request::Join(NetnsName::host()),
        Request::Repair,
        Request::ByHand(Step::SetUp { link }),
        Request::Down,
        Request::Status,
        Request::Model,
        Request::Occupants(vec![NetnsName::host()]),
    ] {
        let answer = ask(&channel, &request);
        assert!(matches!(answer, Answer::Failed { .. }), "{request:?}: {answer:?}");
    }
    drop(channel);
    m.orchestrator(&["check", "t"]).success();
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(edit_that_is_complete_is_the_end_of_its_channel, |m| {
    m.stand("t", "netns.add,red");
    let channel = editing(m);
    assert!(matches!(ask(&channel, &Request::Complete), Answer::Completed(_)));
    // Nobody else is kept waiting.
    let other = editing(m);
    let _ = channel.send(&Request::Join(NetnsName::host()));
    is_closed(&channel);
    drop(other);
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(edit_is_one_difference_and_no_more, |m| {
    m.stand("t", "netns.add,red");
    let channel = editing(m);
    assert!(matches!(commit(&channel, vec![add_netns("blue")]), Answer::Edited(_)));
    m.orchestrator(&["show", "t"]).success().stdout_has("blue");
    // A second one ends it, and with it the first.
    channel.send(&Request::Steps(vec![add_netns("green")])).unwrap();
    channel.send(&Request::Commit).unwrap();
    is_closed(&channel);
    let shown = m.orchestrator(&["show", "t"]);
    shown.success().stdout_lacks("blue").stdout_lacks("green");
    m.orchestrator(&["check", "t"]).success();
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(steps_that_can_not_be_done_leave_the_lab_as_it_was, |m| {
    m.stand("t", "netns.add,red");
    let none = Place { netns: NetnsName::parse("none").unwrap(), link: LinkName::parse("eth0").unwrap() };
    let channel = editing(m);
    let Answer::Edited(edited) = commit(&channel, vec![add_netns("blue"), Step::SetUp { link: none }]) else {
        panic!("it is an edit");
    };
    assert!(edited.failure.is_some());
    assert_eq!(edited.left, []);
    // What has failed is not taken for done.
    assert!(matches!(ask(&channel, &Request::Complete), Answer::Completed(_)));
    m.orchestrator(&["check", "t"]).success();
    m.orchestrator(&["show", "t"]).success().stdout_lacks("blue");
    m.orchestrator(&["down", "t"]).success();
});
