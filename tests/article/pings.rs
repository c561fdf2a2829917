//! Pings from any netns: one, several with a deadline, many at once; and what a failed one tells.

use std::time::{Duration, Instant};

use crate::support::kernel_test;
use crate::{LAB, answers, play};

const REPLY: &str = "ok reply sent=1 received=1";
const NO_REPLY: &str = "ok no-reply sent=1 received=0";
const NO_WAY: &str = "ok unreachable ENETUNREACH sent=0 received=0";

/// Two containers on a bridge, with IPv4 and IPv6.
const SWITCHED: &str = "
    netns.add,c1 netns.add,c2 bridge.add,host,br0 link.set-up,host,br0
    address.add,host,br0,172.16.0.1/24 address.add,host,br0,fd00::1/64
    veth.add,host,veth1,c1,eth0 bridge.add-port,host,br0,veth1 link.set-up,host,veth1 link.set-up,c1,eth0
    address.add,c1,eth0,172.16.0.2/24 address.add,c1,eth0,fd00::2/64
    veth.add,host,veth2,c2,eth0 bridge.add-port,host,br0,veth2 link.set-up,host,veth2 link.set-up,c2,eth0
    address.add,c2,eth0,172.16.0.3/24 address.add,c2,eth0,fd00::3/64 ";

kernel_test!(ping_goes_from_any_netns_to_any, |m| {
    let pings = [
        "c1,172.16.0.3",
        "c1,172.16.0.1",
        "c2,172.16.0.2",
        "host,172.16.0.2",
        "host,172.16.0.3",
        "c1,fd00::3",
        "c2,fd00::1",
        "host,fd00::2",
        // An address of the netns itself, which answers as long as `lo` is up.
        "c1,172.16.0.2",
    ];
    let calls: Vec<String> = pings.iter().map(|ping| format!("probe.ping,{ping}")).collect();
    let outcome = play(m, &format!("{SWITCHED} link.set-up,c1,lo {}", calls.join(" ")));
    outcome.success();
    for call in calls {
        assert_eq!(answers(&outcome, &call), [REPLY], "{call}");
    }
    m.view(LAB).down();
});

kernel_test!(ping_without_a_route_is_a_result_and_no_error, |m| {
    let calls = format!(
        "{SWITCHED} netns.add,c3 probe.ping,c1,192.168.100.1 probe.ping,c1,fd99::1 probe.ping,c3,172.16.0.1
        probe.ping,c3,127.0.0.1 probe.ping-within,c1,192.168.100.1,3,1000 probe.ping,c1,172.16.0.3"
    );
    let outcome = play(m, &calls);
    outcome.success();
    for ping in ["c1,192.168.100.1", "c1,fd99::1", "c3,172.16.0.1", "c3,127.0.0.1"] {
        assert_eq!(answers(&outcome, &format!("probe.ping,{ping}")), [NO_WAY], "{ping}");
    }
    assert_eq!(answers(&outcome, "probe.ping-within,c1,192.168.100.1,3,1000"), [NO_WAY]);
    // The scenario has gone on.
    assert_eq!(answers(&outcome, "probe.ping,c1,172.16.0.3"), [REPLY]);
    m.view(LAB).down();
});

kernel_test!(ping_that_nobody_answers_ends_with_its_deadline, |m| {
    let silent = format!("{SWITCHED} probe.ping,c1,172.16.0.99 probe.ping,c1,fd00::99");
    let outcome = play(m, &silent);
    outcome.success();
    assert_eq!(answers(&outcome, "probe.ping,c1,172.16.0.99"), [NO_REPLY]);
    assert_eq!(answers(&outcome, "probe.ping,c1,fd00::99"), [NO_REPLY]);
    m.view(LAB).down();

    let begun = Instant::now();
    let outcome = play(m, &format!("{SWITCHED} probe.ping-within,c1,172.16.0.99,2,700"));
    outcome.success();
    // The second request goes out after 200 ms and is waited for.
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    assert_eq!(answers(&outcome, "probe.ping-within,c1,172.16.0.99,2,700"), ["ok no-reply sent=2 received=0"]);
    m.view(LAB).down();
});

kernel_test!(several_requests_are_all_answered, |m| {
    let calls = format!("{SWITCHED} probe.ping-within,c1,172.16.0.3,3,1000 probe.ping-within,host,fd00::2,2,1000");
    let outcome = play(m, &calls);
    outcome.success();
    assert_eq!(answers(&outcome, "probe.ping-within,c1,172.16.0.3,3,1000"), ["ok reply sent=3 received=3"]);
    assert_eq!(answers(&outcome, "probe.ping-within,host,fd00::2,2,1000"), ["ok reply sent=2 received=2"]);
    m.view(LAB).down();
});

kernel_test!(pings_fly_all_at_once_and_are_answered_in_their_order, |m| {
    // Twenty targets that are silent for 500 ms each, and some that are not, all in less than two of them would take.
    let mut pings = vec!["c1=172.16.0.3".to_owned(), "c2=192.168.100.1".to_owned()];
    pings.extend((100..120).map(|last| format!("c1=172.16.0.{last}")));
    pings.extend(["host=fd00::3".to_owned(), "c2=172.16.0.1".to_owned()]);
    let call = format!("probe.ping-all,500,{}", pings.join(","));
    let (alone, all) = (format!("{SWITCHED} probe.ping,c1,172.16.0.3"), format!("{SWITCHED} {call}"));
    let outcome = play(m, &alone);
    outcome.success();
    m.view(LAB).down();

    let begun = Instant::now();
    let outcome = play(m, &all);
    let took = begun.elapsed();
    outcome.success();
    let mut wanted = vec!["reply sent=1 received=1", "unreachable ENETUNREACH sent=0 received=0"];
    wanted.extend(["no-reply sent=1 received=0"; 20]);
    wanted.extend(["reply sent=1 received=1"; 2]);
    assert_eq!(answers(&outcome, &call), [format!("ok {}", wanted.join("; "))]);
    assert!(took < Duration::from_secs(5), "{took:?}");
    m.view(LAB).down();
});

kernel_test!(neighbour_that_never_answers_becomes_unreachable, |m| {
    // The kernel gives up after three requests, one a second, and says so to itself over `lo`.
    let call = "probe.ping-within,c1,172.16.0.99,1,4000";
    let outcome = play(m, &format!("{SWITCHED} link.set-up,c1,lo {call}"));
    outcome.success();
    assert_eq!(answers(&outcome, call), ["ok unreachable EHOSTUNREACH sent=1 received=0"]);
    m.view(LAB).down();
});

kernel_test!(ping_that_makes_no_sense_is_refused, |m| {
    let refused = [
        "probe.ping,c1,example.org",
        "probe.ping,c1,172.16.0.3/24",
        "probe.ping-within,c1,172.16.0.3,0,100",
        "probe.ping-within,c1,172.16.0.3,1,0",
        "probe.ping-all,100,c1=172.16.0.3,c1=300.1.1.1",
    ];
    let calls: Vec<String> = refused.iter().map(|call| format!("?{call}")).collect();
    let outcome = play(m, &format!("{SWITCHED} {} sys.fail,enough", calls.join(" ")));
    outcome.fails_with(1);
    for call in refused {
        let [answer] = answers(&outcome, call)[..] else { panic!("{call}: {outcome}") };
        assert!(answer.starts_with("invalid-argument EINVAL could not ping "), "{call}: {answer}");
    }
    // What is refused is no look.
    outcome.stderr_has("nothing had been built");
});
