//! What others do to a lab behind its back, of all kinds: it is told, put right, and in nobody's way.

use super::{THIRD, TWO, by_hand, is_right, shown};
use crate::support::{GUEST_CALLS, Machine, kernel_test};

fn ip(m: &Machine, netns: &str, words: &str) {
    by_hand(m, netns, &format!("ip {words}"));
}

kernel_test!(what_no_scenario_can_draw_is_listed_whole_and_removed, |m| {
    m.stand("lab", TWO);
    let before = shown(m, "lab");
    for words in [
        "route add 10.50.0.0/16 nexthop via 10.0.0.254 weight 2 nexthop via 10.0.0.2",
        "route add 10.51.0.0/16 via 10.0.0.254 tos 0x10",
        "route add 10.52.0.0/16 via 10.0.0.254 mtu 1400",
        "route add 10.53.0.0/16 via 10.99.0.1 dev eth0 onlink",
        "route replace default via 10.0.0.254 src 10.0.0.1",
        "-6 route add fd03::/64 dev eth0 mtu 1300 pref high",
        "-6 route add fd04::/64 nexthop via fe80::1 dev eth0 nexthop via fe80::2 dev eth0",
        "address add 10.0.7.1 peer 10.0.7.2 dev eth0",
        "route change 10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.7.1",
        "-6 address add fd07::1 peer fd07::2 dev eth0",
        "address add 10.0.8.1/24 dev eth0 valid_lft 1000 preferred_lft 1000",
    ] {
        ip(m, "c1", words);
    }
    ip(m, "c2", "address change 10.0.0.2/24 dev eth0 valid_lft 1000 preferred_lft 1000");
    let checked = m.orchestrator(&["check", "lab"]);
    for what in [
        "route 10.50.0.0/16 nexthop via 10.0.0.254 dev eth0 weight 2 nexthop via 10.0.0.2 dev eth0 weight 1 ",
        "route 10.51.0.0/16 via 10.0.0.254 dev eth0 tos 0x10 ",
        "route 10.52.0.0/16 via 10.0.0.254 dev eth0 mtu 1400 ",
        "route 10.53.0.0/16 via 10.99.0.1 dev eth0 onlink ",
        "route default via 10.0.0.254 dev eth0 src 10.0.0.1 ",
        "route fd03::/64 dev eth0 metric 1024 mtu 1300 pref high ",
        "nexthop via fe80::1 dev eth0 weight 1 nexthop via fe80::2 dev eth0 weight 1 ",
        "address 10.0.7.1/32 peer 10.0.7.2/32 dev eth0 ",
        "address fd07::1/128 peer fd07::2/128 dev eth0 ",
        "primary, for a limited time\n",
    ] {
        checked.fails_with(1).stdout_has(what);
    }
    let show = m.orchestrator(&["show", "lab"]);
    show.stdout_has("10.51.0.0/16 via 10.0.0.254 dev eth0 tos 0x10\n")
        .stdout_has(" 10.0.7.1/32 peer 10.0.7.2/32 ")
        .stdout_has(" mtu 1300 pref high\n");
    assert!(show.stdout().contains("10.50.0.0/16 nexthop via"), "{show}");
    m.orchestrator(&["repair", "lab"]).success();
    is_right(m, "lab");
    assert_eq!(shown(m, "lab"), before);
    // The lifetime of its only address has gone too.
    let addresses = m.exec("lab", "c2", &["ip", "-o", "-4", "address", "show", "dev", "eth0"]).run();
    addresses.success().stdout_has("valid_lft forever").stdout_lacks("dynamic");
    m.orchestrator(&["ping", "lab", "c1", "c2"]).success();
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(route_that_comes_with_an_address_is_made_again_as_it_was, |m| {
    // Two links have a route to the same network.
    let two = format!(
        "{TWO} netns.add,c3 veth.add,c1,eth1,c3,eth0 link.set-up,c1,eth1 link.set-up,c3,eth0 address.add,c1,eth1,10.0.0.9/24"
    );
    m.stand("lab", &two);
    let before = shown(m, "lab");
    for words in ["route del 10.0.0.0/24 dev eth0", "route del 10.0.0.0/24 dev eth1", "-6 route flush fe80::/64"] {
        ip(m, "c1", words);
    }
    ip(m, "c2", "route del 10.0.0.0/24 dev eth0");
    m.orchestrator(&["check", "lab"]).fails_with(1).stdout_has("route 10.0.0.0/24 dev eth1 proto kernel src 10.0.0.9 ");
    m.orchestrator(&["repair", "lab"]).success();
    is_right(m, "lab");
    assert_eq!(shown(m, "lab"), before);
    // And what a scenario removes itself comes back when it does not any more.
    m.play("lab", &[], &format!("{two} route.remove,c2,10.0.0.0/24")).run().success();
    is_right(m, "lab");
    m.play("lab", &[], &two).run().success();
    is_right(m, "lab");
    assert_eq!(shown(m, "lab"), before);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(run_that_changes_nothing_tells_of_what_others_have_changed, |m| {
    m.stand("lab", TWO);
    ip(m, "c1", "route del default");
    let plan = m.command("orchestrator").args(&["plan", GUEST_CALLS, "--against", "lab", "--"]);
    let plan = plan.args(&TWO.split_whitespace().collect::<Vec<_>>()).run();
    let run = m.play("lab", &[], TWO).run();
    plan.success().stdout_has("no change");
    run.success().stderr_has("no change");
    for told in [plan, run] {
        told.stderr_has(
            "note: the lab was changed by hand: netns `c1`: route default via 10.0.0.254 dev eth0 is missing\n",
        )
        .stderr_has("`orchestrator repair lab`");
    }
    // Very much of it is told in part.
    let many: Vec<String> = (1..=12).map(|n| format!("route add 10.{n}.0.0/16 dev eth0")).collect();
    many.iter().for_each(|words| ip(m, "c1", words));
    m.play("lab", &[], TWO).run().success().stderr_has("note: ... and in 3 more\n");
    m.orchestrator(&["repair", "lab"]).success();
    m.play("lab", &[], TWO).run().success().stderr_lacks("by hand");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(edit_removes_what_others_have_removed_before, |m| {
    m.stand("lab", &format!("{TWO} {THIRD} address.add,c1,eth0,10.9.0.1/24 route.add,c1,10.7.0.0/16,10.0.0.2"));
    ip(m, "host", "link del v3");
    ip(m, "c1", "route del 10.7.0.0/16");
    ip(m, "c1", "address del 10.9.0.1/24 dev eth0");
    let edited = m.play("lab", &[], TWO).run();
    edited.success().stderr_has("link v3 is missing").stderr_has("`orchestrator check lab` lists what is left");
    is_right(m, "lab");
    m.play("lab", &[], TWO).run().success().stderr_has("no change").stderr_lacks("by hand");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(edit_that_succeeds_is_what_the_lab_should_be_whatever_failed_before, |m| {
    m.stand("lab", &format!("{TWO} {THIRD}"));
    ip(m, "host", "link del v3");
    ip(m, "host", "link add v4 type veth peer name w4");
    let taken = format!("{TWO} {THIRD} bridge.add,host,v4");
    let failed = m.play("lab", &[], &taken).run();
    failed.fails_with(4).stderr_has("EEXIST").stderr_has("`orchestrator repair lab` undoes what was changed by hand");
    m.orchestrator(&["check", "lab"]).fails_with(1).stdout_has("link v3 ").stdout_has("link v4 ");
    ip(m, "host", "link del v4");
    m.play("lab", &[], TWO).run().success();
    is_right(m, "lab");
    m.orchestrator(&["repair", "lab"]).success().stdout_has("is what it should be");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(plan_tells_whom_the_edit_would_meet, |m| {
    m.stand("lab", &format!("{TWO} {THIRD}"));
    let mut inside = m.exec("lab", "c3", &["sh", "-c", "echo begun; exec sleep 1000"]).spawn();
    inside.stdout_gets("begun");
    let plan = m.command("orchestrator").args(&["plan", GUEST_CALLS, "--against", "lab", "--"]);
    let plan = plan.args(&TWO.split_whitespace().collect::<Vec<_>>()).run();
    plan.success()
        .stdout_has("- ip netns del c3\n")
        .stderr_has("in use: `sleep` (PID ")
        .stderr_has("without `--force`");
    m.orchestrator(&["down", "lab"]).success();
    inside.wait().fails_with(137);
});

kernel_test!(link_that_has_gone_is_not_made_again_by_changing_it, |m| {
    m.stand("lab", TWO);
    ip(m, "host", "link del v2");
    let failed = m.orchestrator(&["link", "lab", "c2", "eth0", "down"]);
    failed.fails_with(4).stderr_has("ENODEV: somebody has removed the link").stderr_has("`orchestrator repair lab`");
    m.orchestrator(&["check", "lab"]).fails_with(1).stdout_has("link v2 ");
    m.orchestrator(&["repair", "lab"]).success();
    is_right(m, "lab");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(what_can_not_be_put_right_is_told_with_its_cause, |m| {
    m.stand("lab", TWO);
    by_hand(m, "c2", "sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=1");
    let left = m.orchestrator(&["repair", "lab"]);
    left.fails_with(5).stderr_has("lab `lab` could not be put right in this:\n").stderr_has("address fe80::");
    left.stderr_has("caused by: could not add address `fe80::")
        .stderr_has("EACCES")
        .stderr_has("`orchestrator run --replace`");
    by_hand(m, "c2", "sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=0");
    m.orchestrator(&["repair", "lab"]).success();
    is_right(m, "lab");
    m.orchestrator(&["down", "lab"]).success();
});
