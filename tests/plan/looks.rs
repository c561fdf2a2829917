//! Looks of a scenario that is planned: the model answers, as the kernel would.

use std::time::{Duration, Instant};

use support::poll_until;

use super::*;

/// What is the same in a while may take so long on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// `red` and `blue` are on a bridge; `host` answers on it, and on an uplink, and forwards nothing. `lone` has a link that is
/// down.
const DRAWN: &str = "netns.add,red netns.add,blue netns.add,lone bridge.add,host,br0 bridge.add,host,up0 \
                     veth.add,host,v1,red,eth0 veth.add,host,v2,blue,eth0 veth.add,host,v3,lone,eth0 bridge.add-port,host,br0,v1 \
                     bridge.add-port,host,br0,v2 address.add,host,br0,10.0.0.1/24 address.add,host,br0,fd00::1/64 \
                     address.add,host,up0,192.168.9.1/24 address.add,red,eth0,10.0.0.2/24 address.add,red,eth0,fd00::2/64 \
                     address.add,blue,eth0,10.0.0.3/24 address.add,lone,eth0,10.0.0.4/24 link.set-up,host,br0 \
                     link.set-up,host,up0 link.set-up,host,v1 link.set-up,host,v2 link.set-up,red,eth0 link.set-up,blue,eth0 \
                     link.set-up,red,lo route.add,red,default,10.0.0.1 link.set-mtu,blue,eth0,1400 \
                     netns.set-forwarding,lone,on";

/// Returns what a scenario says that plays `calls` in `plan`, and in `run`, with the times of replies made one.
#[track_caller]
fn said(m: &Machine, calls: &str) -> (String, String) {
    let planned = plan(m, &[], calls).run();
    let ran = m.play("t", &["--rm"], calls).run();
    let lines = planned.success().stderr().lines().filter(|line| !line.starts_with("warning: "));
    (lines.map(|line| format!("{line}\n")).collect(), ran.success().stdout().to_owned())
}

kernel_test!(pings_are_answered_as_the_kernel_would, |m| {
    for (call, answer) in [
        ("probe.ping,red,10.0.0.3", "reply sent=1 received=1"),
        ("probe.ping,red,10.0.0.2", "reply sent=1 received=1"),
        ("probe.ping,red,127.0.0.1", "reply sent=1 received=1"),
        ("probe.ping-within,red,fd00::1,3,500", "reply sent=3 received=3"),
        ("probe.ping,host,10.0.0.2", "reply sent=1 received=1"),
        ("probe.ping,red,192.168.9.1", "reply sent=1 received=1"),
        ("probe.ping,blue,192.168.9.1", "unreachable ENETUNREACH sent=0 received=0"),
        ("probe.ping,lone,10.0.0.1", "unreachable ENETUNREACH sent=0 received=0"),
        ("probe.ping,blue,fd00::2", "unreachable ENETUNREACH sent=0 received=0"),
        ("probe.ping,red,192.168.7.7", "no-reply sent=1 received=0"),
        ("probe.ping-within,red,10.0.0.9,1,300", "no-reply sent=1 received=0"),
        // The kernel asks three times, a second apart.
        ("probe.ping-within,red,10.0.0.9,1,8000", "unreachable EHOSTUNREACH sent=1 received=0"),
        ("probe.ping-all,300,red=10.0.0.3,blue=10.0.0.9", "reply sent=1 received=1; no-reply sent=1 received=0"),
    ] {
        let (planned, ran) = said(m, &format!("{DRAWN} {call}"));
        assert!(planned.ends_with(&format!("\n{call}: ok {answer}\n")), "{planned}");
        assert_eq!(planned, ran);
    }
});

kernel_test!(what_a_scenario_sees_of_links_addresses_and_routes_is_what_run_shows, |m| {
    // The kernel sees to `state` and `linkdown` up to a second later.
    let at_rest = "lab.apply sys.sleep,1200";
    let mut calls = format!("{DRAWN} {at_rest}");
    for netns in ["host", "red", "blue", "lone"] {
        calls += &format!(
            " probe.links,{netns} probe.addresses,{netns} probe.routes,{netns} link.list,{netns} route.list,{netns}"
        );
    }
    calls += &format!(
        " link.set-down,host,br0 {at_rest} probe.links,host probe.routes,host probe.addresses,host link.remove,host,v1 \
         {at_rest} probe.links,host netns.remove,blue {at_rest} probe.links,host"
    );
    let mut last = None;
    let same = poll_until(Instant::now() + SOON, || {
        let (planned, ran) = said(m, &calls);
        let same = planned == ran;
        last = Some((planned, ran));
        same.then_some(())
    });
    if let (None, Some((planned, ran))) = (same, last) {
        for (planned, ran) in planned.lines().zip(ran.lines()) {
            assert_eq!(planned, ran);
        }
        panic!("{planned}--\n{ran}");
    }
});

kernel_test!(examples_say_the_same_as_in_run, |m| {
    // The time of a reply, and which of them is the slowest, is the kernel's.
    let without_times = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("warning: "));
        lines.map(|line| line.split(" in ").next().unwrap_or_default().to_owned()).collect()
    };
    for scenario in EXAMPLES {
        let planned = example(m, &["plan"], scenario).run();
        let ran = example(m, &["run", "--rm", "--name", "t"], scenario).run();
        assert_eq!(without_times(planned.success().stderr()), without_times(ran.success().stdout()), "{scenario:?}");
    }
});

kernel_test!(call_that_is_refused_is_refused_in_the_same_words, |m| {
    let calls = "netns.add,host netns.add,$(reboot) netns.add,red netns.add,red netns.get,none link.get,red,eth0 \
                 link.set-up,red,eth0 veth.add,red,a,red,a veth.add,red,a,red,b address.add,red,a,10.0.0.1 \
                 address.add,red,a,10.0.0.1/33 address.add,red,a,10.0.0.1/24 address.add,red,a,10.0.0.1/24 \
                 route.add,red,default,10.0.0.9 route.add,red,10.0.0.1/24,10.0.0.9 link.set-mtu,red,a,1 link.remove,red,lo \
                 bridge.add,red,a bridge.add,red,br0 bridge.add-port,red,br0,br0 netns.remove,host \
                 probe.ping,red,somewhere probe.ping-within,red,10.0.0.1,0,1 probe.ping-within,red,10.0.0.1,1,0 \
                 link.set-up,red,a netns.list";
    let (planned, ran) = said(m, calls);
    assert_eq!(planned, ran);
    // A look that was refused has applied nothing.
    let failed = plan(m, &["--json"], "netns.add,red !probe.ping,red,somewhere").run();
    failed.complains(1, "the scenario returned an error");
});

kernel_test!(wait_finds_a_model_at_rest, |m| {
    let outcome = plan(m, &[], "netns.add,red veth.add,host,v,red,e link.set-up,red,e lab.wait,1").deadline(SOON).run();
    outcome.success().stderr_has("lab.wait,1: ok\n");
});

kernel_test!(steps_of_several_applies_are_one_list, |m| {
    let plan = planned(m, &[], "netns.add,red lab.apply netns.add,blue probe.links,blue netns.remove,red");
    let steps: Vec<&str> = plan["steps"].as_array().unwrap().iter().map(|step| step["ip"].as_str().unwrap()).collect();
    assert_eq!(steps, ["ip netns add red", "ip netns add blue", "ip netns del red"]);
    let names: Vec<&Value> = plan["topology"]["netns"].as_array().unwrap().iter().map(|netns| &netns["name"]).collect();
    assert_eq!(names, ["blue", "host"]);
});
