//! `orchestrator ping`, which sends its own packets: those are counted on the links.

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Machine, kernel_test};

/// Two containers on a bridge of the host; `red` knows no network but this one.
const LAB: &str = "netns.add,red netns.add,blue bridge.add,host,br0 veth.add,host,v1,red,eth0 veth.add,host,v2,blue,eth0 \
                   bridge.add-port,host,br0,v1 bridge.add-port,host,br0,v2 link.set-up,host,br0 link.set-up,host,v1 \
                   link.set-up,host,v2 link.set-up,red,eth0 link.set-up,blue,eth0 address.add,host,br0,10.1.0.1/24 \
                   address.add,red,eth0,10.1.0.2/24 address.add,blue,eth0,10.1.0.3/24 \
                   address.add,red,eth0,2001:db8::2/64 address.add,blue,eth0,2001:db8::3/64";

kernel_test!(ping_without_names_is_a_table_of_all_pairs, |m| {
    m.stand("lab", LAB);
    let pinged = m.orchestrator(&["ping", "lab"]);
    let rows: Vec<Vec<&str>> = pinged.success().stdout().lines().map(|line| line.split("  ").collect()).collect();
    let rows: Vec<Vec<&str>> =
        rows.iter().map(|row| row.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).collect()).collect();
    assert_eq!(rows[0], ["FROM", "TO", "ADDRESS", "RESULT", "TIME"]);
    let pairs: Vec<&[&str]> = rows[1..].iter().map(|row| &row[..4]).collect();
    assert_eq!(
        pairs,
        [
            ["host", "red", "10.1.0.2", "reply"],
            ["host", "blue", "10.1.0.3", "reply"],
            ["red", "host", "10.1.0.1", "reply"],
            ["red", "blue", "10.1.0.3", "reply"],
            ["blue", "host", "10.1.0.1", "reply"],
            ["blue", "red", "10.1.0.2", "reply"],
        ]
    );
    for row in &rows[1..] {
        let time: f64 = row[4].strip_suffix(" ms").and_then(|time| time.parse().ok()).expect("milliseconds");
        assert!(time > 0.0 && time < 1000.0, "{pinged}");
    }
    let starts: Vec<_> = pinged.stdout().lines().map(|line| line.find("reply").or(line.find("RESULT"))).collect();
    assert!(starts.iter().all(|at| *at == starts[0]), "not aligned: {pinged}");
    assert_eq!(pinged.stderr(), "");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(ping_as_json_has_what_the_table_has_and_more, |m| {
    m.stand("lab", LAB);
    let pinged = m.orchestrator(&["ping", "lab", "--json"]).success().json();
    assert_eq!(pinged.as_array().map(Vec::len), Some(6));
    let mut one = m.orchestrator(&["ping", "lab", "red", "blue", "--json"]).success().json();
    let time = one[0].as_object_mut().expect("an object").remove("round_trip_us").expect("a time");
    assert!(time.as_u64().is_some_and(|time| time < 1_000_000), "{time}");
    let expected = json!([{
        "from": "red", "to": "blue", "address": "10.1.0.3", "outcome": "reply", "errno": null, "sent": 1, "received": 1,
    }]);
    assert_eq!(one, expected);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(ping_goes_out_on_the_wire, |m| {
    m.stand("lab", LAB);
    let before = received(m, "blue");
    m.orchestrator(&["ping", "lab", "red", "blue", "--count", "20"]).success();
    assert!(received(m, "blue") >= before + 20);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(ping_from_and_to_are_names_or_an_address, |m| {
    m.stand("lab", LAB);
    for (to, address) in
        [("blue", "10.1.0.3"), ("host", "10.1.0.1"), ("10.1.0.1", "10.1.0.1"), ("2001:db8::3", "2001:db8::3")]
    {
        let pinged = m.orchestrator(&["ping", "lab", "red", to, "--json"]).success().json();
        assert_eq!((&pinged[0]["from"], &pinged[0]["to"]), (&json!("red"), &json!(to)));
        assert_eq!((&pinged[0]["address"], &pinged[0]["outcome"]), (&json!(address), &json!("reply")));
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(ping_sends_as_many_as_are_asked_for, |m| {
    m.stand("lab", LAB);
    let pinged = m.orchestrator(&["ping", "lab", "red", "blue", "-c", "3", "--json"]).success().json();
    assert_eq!((&pinged[0]["sent"], &pinged[0]["received"]), (&json!(3), &json!(3)));
    for count in ["0", "65536", "-1", "many"] {
        m.orchestrator(&["ping", "lab", "red", "blue", &format!("--count={count}")])
            .fails_with(2)
            .stderr_has("--count");
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(ping_without_a_reply_gives_1, |m| {
    m.stand("lab", LAB);
    let silent = m.orchestrator(&["ping", "lab", "red", "10.1.0.99", "-W", "200ms"]);
    silent.fails_with(1).stdout_has("no reply   -\n");
    let silent = m.orchestrator(&["ping", "lab", "red", "10.1.0.99", "-W", "200ms", "--json"]);
    let answer = &silent.fails_with(1).json()[0];
    assert_eq!(
        (&answer["outcome"], &answer["errno"], &answer["received"]),
        (&json!("no-reply"), &json!(null), &json!(0))
    );
    assert_eq!(answer["round_trip_us"], Value::Null);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(ping_that_finds_no_way_gives_1_and_says_why, |m| {
    m.stand("lab", LAB);
    let lost = m.orchestrator(&["ping", "lab", "red", "192.0.2.1"]);
    lost.fails_with(1).stdout_has("unreachable (ENETUNREACH)");
    let lost = m.orchestrator(&["ping", "lab", "red", "192.0.2.1", "--json"]).fails_with(1).json();
    assert_eq!((&lost[0]["outcome"], &lost[0]["errno"]), (&json!("unreachable"), &json!("ENETUNREACH")));
    assert_eq!(lost[0]["received"], 0);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(one_pair_without_a_reply_is_enough_for_1, |m| {
    m.stand("lab", LAB);
    m.exec("lab", "host", &["ip", "link", "set", "dev", "v2", "nomaster"]).run().success();
    let pinged = m.orchestrator(&["ping", "lab", "--timeout", "200ms"]);
    let results = |word: &str| pinged.stdout().lines().filter(|line| line.contains(word)).count();
    assert_eq!((results("  reply "), results("  no reply ")), (2, 4), "{pinged}");
    pinged.fails_with(1);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(ping_waits_no_longer_than_it_is_told, |m| {
    m.stand("lab", LAB);
    let start = Instant::now();
    m.orchestrator(&["ping", "lab", "red", "10.1.0.99", "--timeout", "100ms"]).fails_with(1);
    // The default is 1 s.
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
    for timeout in ["1", "soon", "-1s", ""] {
        m.orchestrator(&["ping", "lab", &format!("--timeout={timeout}")]).fails_with(2).stderr_has("--timeout");
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(netns_without_an_address_is_left_out_and_that_is_said, |m| {
    m.stand("lab", &format!("{LAB} netns.add,bare link.set-up,bare,lo"));
    let pinged = m.orchestrator(&["ping", "lab"]);
    pinged.success().stdout_lacks("bare").stderr_has("netns `bare` has no address");
    assert_eq!(pinged.stdout().lines().count(), 7, "{pinged}");
    m.orchestrator(&["ping", "lab", "red", "bare"])
        .fails_with(2)
        .stderr_has("netns `bare` of lab `lab` has no address");
    m.orchestrator(&["ping", "lab", "bare", "10.1.0.1"]).fails_with(1).stdout_has("ENETUNREACH");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(netns_with_ipv6_only_is_pinged_by_that, |m| {
    let calls = "netns.add,a veth.add,host,v1,a,eth0 link.set-up,host,v1 link.set-up,a,eth0 \
                 address.add,host,v1,2001:db8::1/64 address.add,a,eth0,2001:db8::2/64";
    m.stand("lab", calls);
    let pinged = m.orchestrator(&["ping", "lab"]);
    pinged.success().stdout_has("2001:db8::1   reply").stdout_has("2001:db8::2   reply");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(ping_needs_no_program, |m| {
    m.stand("lab", LAB);
    let script = "PATH=/none exec /run/machine/bin/orchestrator ping lab red blue";
    m.command("sh").args(&["-c", script]).run().success().stdout_has("reply");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(ping_of_what_is_not_there_is_an_error, |m| {
    m.stand("lab", LAB);
    m.orchestrator(&["ping", "none"]).fails_with(2).stderr_has("there is no lab `none`");
    m.orchestrator(&["ping", "none", "red", "blue"]).fails_with(2).stderr_has("there is no lab `none`");
    for (from, to, missing) in [("green", "red", "green"), ("red", "green", "green"), ("red", "10.1.0", "10.1.0")] {
        let refused = m.orchestrator(&["ping", "lab", from, to]);
        refused.fails_with(2).stderr_has(&format!("netns `{missing}`")).stderr_has("`orchestrator show lab`");
        assert_eq!(refused.stdout(), "");
    }
    m.orchestrator(&["ping", "lab", "red"]).fails_with(2).stderr_has("<TO>");
    m.orchestrator(&["ping"]).fails_with(2).stderr_has("<LAB>");
    m.orchestrator(&["down", "lab"]).success();
});

/// Counts the packets that have come to a container.
#[track_caller]
fn received(m: &Machine, netns: &str) -> u64 {
    let shown = m.lab_ip("lab", netns, &["-s", "link", "show", "dev", "eth0"]);
    shown[0]["stats64"]["rx"]["packets"].as_u64().unwrap_or_else(|| panic!("no count in {shown}"))
}
