//! `plan --on-host`: the machine is compared with, and only read.

use super::*;

/// Does something while root of the machine has `made` something there, by commands of `sh`.
#[track_caller]
fn with(m: &Machine, made: &str, undone: &str, act: impl FnOnce()) {
    m.root_command("sh").args(&["-euc", made]).run().success();
    act();
    m.root_command("sh").args(&["-euc", undone]).run().success();
}

#[track_caller]
fn refused(m: &Machine, scenario: (&str, &[&str]), ours: &str, theirs: &str) {
    let outcome = example(m, &["plan", "--on-host", "--json"], scenario).run();
    outcome
        .complains(2, &format!(": could not {ours}\n  caused by: the machine has {theirs}\n"))
        .stderr_has("\nhint: with `--on-host`");
    assert_eq!(outcome.stdout(), "");
}

const TWO_CONTAINERS: (&str, &[&str]) = ("two-containers", &[]);
const WITH_IPV6: (&str, &[&str]) = ("n-containers", &["3", "--ipv6"]);

kernel_test!(machine_that_is_in_nobody_s_way_fits, |m| {
    // `n-containers` lives in 10.0.0.0/16, beside.
    let made = "ip link add eth7 type bridge; ip address add 10.77.0.1/16 dev eth7; ip link set eth7 up
        ip route add default via 10.77.0.9";
    with(m, made, "ip link del eth7", || {
        for scenario in EXAMPLES {
            let outcome = example(m, &["plan", "--on-host", "--format", "ip"], scenario).run();
            outcome.success().stdout_lacks("eth7").stderr_lacks("eth7");
        }
        let plan = example(m, &["plan", "--on-host", "--json"], TWO_CONTAINERS).run().success().json();
        let all = plan["topology"]["netns"].as_array().unwrap();
        let host = all.iter().find(|netns| netns["name"] == "host").expect("there is a host");
        // Of what the machine has there is `lo` alone.
        let names: Vec<&Value> = host["links"].as_array().unwrap().iter().map(|link| &link["name"]).collect();
        assert_eq!(names, ["br0", "lo", "uplink0", "veth1", "veth2"]);
    });
    nothing_was_made(m);
});

kernel_test!(name_that_is_taken_is_refused, |m| {
    with(m, "ip link add br0 type bridge", "ip link del br0", || {
        refused(m, TWO_CONTAINERS, "add bridge `br0` in netns `host`", "a link `br0` (bridge)");
        example(m, &["plan"], TWO_CONTAINERS).run().success();
    });
    with(m, "ip link add other type bridge; ip link property add dev other altname veth2", "ip link del other", || {
        let outcome = example(m, &["plan", "--on-host"], TWO_CONTAINERS).run();
        outcome.complains(2, "the machine has a link `other` (bridge)").stderr_has("`veth2`");
    });
    with(m, "ip netns add container1", "ip netns del container1; umount -n /run/netns; rmdir /run/netns", || {
        refused(m, TWO_CONTAINERS, "add netns `container1`", "a netns `container1`");
    });
});

kernel_test!(network_that_overlaps_one_of_the_machine_is_refused_in_both_families, |m| {
    let address = "add address `172.16.0.1/24` to link `br0` in netns `host`";
    let address6 = "add address `fd00:a::1/64` to link `br0` in netns `host`";
    for (made, scenario, ours, theirs) in [
        (
            "ip address add 172.16.0.77/16 dev eth7",
            TWO_CONTAINERS,
            address,
            "address `172.16.0.77/16` on a link `eth7` (bridge)",
        ),
        (
            "ip address add 172.16.0.77/32 dev eth7",
            TWO_CONTAINERS,
            address,
            "address `172.16.0.77/32` on a link `eth7` (bridge)",
        ),
        (
            "ip link set eth7 up; ip route add 172.16.0.0/12 dev eth7",
            TWO_CONTAINERS,
            address,
            "route `172.16.0.0/12 dev eth7`",
        ),
        ("ip route add blackhole 172.16.0.0/30", TWO_CONTAINERS, address, "route `blackhole 172.16.0.0/30`"),
        (
            "ip link set eth7 up; ip route add 172.16.0.0/16 dev eth7 table 77",
            TWO_CONTAINERS,
            address,
            "route `172.16.0.0/16 dev eth7 table 77`",
        ),
        (
            "ip -6 address add fd00:a::77/48 dev eth7 nodad",
            WITH_IPV6,
            address6,
            "address `fd00:a::77/48` on a link `eth7` (bridge)",
        ),
        ("ip link set eth7 up; ip -6 route add fd00::/16 dev eth7", WITH_IPV6, address6, "route `fd00::/16 dev eth7`"),
    ] {
        let undone = "ip route del blackhole 172.16.0.0/30 2>/dev/null || :; ip link del eth7";
        with(m, &format!("ip link add eth7 type bridge; {made}"), undone, || refused(m, scenario, ours, theirs));
    }
    // The other family is in nobody's way.
    with(m, "ip link add eth7 type bridge; ip -6 address add fd00:a::77/48 dev eth7 nodad", "ip link del eth7", || {
        example(m, &["plan", "--on-host"], ("n-containers", &["3"])).run().success();
    });
});

kernel_test!(route_into_a_network_of_the_machine_is_refused_in_both_families, |m| {
    let made = "ip link add eth7 type bridge; ip address add 10.77.0.1/16 dev eth7
        ip -6 address add fd77::1/64 dev eth7 nodad";
    with(m, made, "ip link del eth7", || {
        for (address, destination, gateway, theirs) in [
            ("172.16.0.1/24", "10.77.7.0/24", "172.16.0.9", "10.77.0.1/16"),
            ("172.16.0.1/24", "10.0.0.0/8", "172.16.0.9", "10.77.0.1/16"),
            ("fd16::1/64", "fd77::/96", "fd16::9", "fd77::1/64"),
        ] {
            let calls = format!(
                "bridge.add,host,br0 link.set-up,host,br0 address.add,host,br0,{address} route.add,host,{destination},{gateway}"
            );
            let outcome = plan(m, &["--on-host"], &calls).run();
            let ours = format!("could not add route `{destination}` via `{gateway}` over link `br0` in netns `host`\n");
            outcome
                .complains(2, &ours)
                .stderr_has(&format!("the machine has address `{theirs}` on a link `eth7` (bridge)"));
        }
    });
});

kernel_test!(look_meets_the_machine_before_it_is_answered, |m| {
    with(m, "ip link add br0 type bridge", "ip link del br0", || {
        let calls = "bridge.add,host,br0 probe.links,host netns.add,red";
        let outcome = plan(m, &["--on-host"], calls).run();
        let why = "could not add bridge `br0` in netns `host`";
        // The scenario hears of it, and nothing that it does can be applied any more.
        outcome.complains(2, why).stderr_has("\nprobe.links,host: ").stderr_has("\nnetns.add,red: ");
        outcome.stderr_lacks("netns.add,red: ok").stderr_has("the machine has a link `br0` (bridge)");
    });
});

kernel_test!(machine_itself_cannot_be_changed, |m| {
    let calls = "link.set-down,host,lo address.add,host,lo,10.0.0.1/24 netns.set-forwarding,host,on link.list,host \
                 probe.links,host probe.routes,host netns.list";
    let outcome = plan(m, &["--on-host"], calls).run();
    for call in ["link.set-down,host,lo", "address.add,host,lo,10.0.0.1/24", "netns.set-forwarding,host,on"] {
        outcome.success().stderr_has(&format!("{call}: denied EPERM could not "));
    }
    outcome.stderr_has("(`--on-host`)").stderr_has("link.list,host: ok lo\n").stderr_has("probe.routes,host: ok\n");
    nothing_was_made(m);
});
