//! A lab that stands is edited: `run` again, `check`, `repair`, `link`, `plan --against`.

mod support;

#[path = "edit/faults.rs"]
mod faults;
#[path = "edit/others.rs"]
mod others;

use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use support::{EMPTY_WAT, GUEST_CALLS, Kind, Machine, kernel_test, on_machine};

/// Two containers at a bridge.
const TWO: &str = "bridge.add,host,br0 address.add,host,br0,10.0.0.254/24 link.set-up,host,br0 \
    netns.add,c1 veth.add,host,v1,c1,eth0 bridge.add-port,host,br0,v1 link.set-up,host,v1 link.set-up,c1,eth0 \
    address.add,c1,eth0,10.0.0.1/24 route.add,c1,default,10.0.0.254 \
    netns.add,c2 veth.add,host,v2,c2,eth0 bridge.add-port,host,br0,v2 link.set-up,host,v2 link.set-up,c2,eth0 \
    address.add,c2,eth0,10.0.0.2/24 route.add,c2,default,10.0.0.254";
/// A third one.
const THIRD: &str = "netns.add,c3 veth.add,host,v3,c3,eth0 bridge.add-port,host,br0,v3 link.set-up,host,v3 link.set-up,c3,eth0 \
    address.add,c3,eth0,10.0.0.3/24 route.add,c3,default,10.0.0.254";

/// Finds the lab as it should be.
#[track_caller]
fn is_right(m: &Machine, lab: &str) {
    m.orchestrator(&["check", lab]).success().stdout_has("is what it should be");
}

/// Returns all that the kernel has of a lab.
#[track_caller]
fn shown(m: &Machine, lab: &str) -> serde_json::Value {
    m.orchestrator(&["show", lab, "--json"]).success().json()
}

/// Does something in a netns of the lab without its knowing.
#[track_caller]
fn by_hand(m: &Machine, netns: &str, words: &str) {
    let enter = format!("--net={}", m.lab_netns("lab", netns));
    let words: Vec<&str> = words.split(' ').collect();
    m.root_command("nsenter").args(&[&enter, "--"]).args(&words).run().success();
}

kernel_test!(second_run_changes_only_what_differs, |m| {
    m.stand("lab", TWO);
    let agent = m.agent_pid("lab");
    let index = |netns: &str| m.view("lab").link(netns, "eth0")["ifindex"].clone();
    let before = (index("c1"), index("c2"));
    m.play("lab", &[], &format!("{TWO} {THIRD}")).run().success().stderr_has("lab `lab` was edited: ");
    assert_eq!(m.agent_pid("lab"), agent);
    assert_eq!((index("c1"), index("c2")), before);
    is_right(m, "lab");
    m.orchestrator(&["ping", "lab", "c3", "c1"]).success();
    if m.kind() == Kind::Root {
        assert_eq!(m.entries("/run/netns"), ["lab.c1", "lab.c2", "lab.c3", "lab.host"]);
    }
    m.play("lab", &[], TWO).run().success().stderr_has("0 added, 0 changed, 1 removed");
    is_right(m, "lab");
    if m.kind() == Kind::Root {
        assert_eq!(m.entries("/run/netns"), ["lab.c1", "lab.c2", "lab.host"]);
    }
    // A veth can't leave where its end was made to be: it is made anew, in its new place.
    let moved = TWO.replace("v2,c2,eth0", "v2,c2,eth1").replace("c2,eth0", "c2,eth1");
    let plan = m.play("lab", &[], &moved).run();
    plan.success().stderr_has("was edited");
    is_right(m, "lab");
    m.orchestrator(&["ping", "lab", "c2", "c1"]).success();
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(examples_that_are_run_twice_change_nothing, |m| {
    for example in support::EXAMPLES {
        let arguments: &[&str] = match example {
            "fabric" => &["--", "3", "2", "2"],
            "n-containers" | "full-mesh" => &["--", "4"],
            _ => &[],
        };
        let run = || m.orchestrator(&[&["run", example], arguments].concat());
        run().success();
        is_right(m, example);
        let before = shown(m, example);
        run().success().stderr_has(&format!("lab `{example}`: no change\n"));
        assert_eq!(shown(m, example), before, "{example}");
        m.orchestrator(&["down", example]).success();
    }
});

kernel_test!(lab_of_another_module_is_edited_only_with_update, |m| {
    m.stand("lab", TWO);
    let empty = m.write("empty.wat", EMPTY_WAT);
    let refused = m.orchestrator(&["run", &empty, "--name", "lab"]);
    refused.fails_with(2).stderr_has("error: lab `lab` stands already, and comes from another module, `");
    refused
        .stderr_has("`--update`")
        .stderr_has("`--replace`")
        .stderr_has("`--name`")
        .stderr_has("`orchestrator down lab`");
    is_right(m, "lab");
    m.orchestrator(&["run", &empty, "--name", "lab", "--update"]).success().stderr_has("it has 1 netns and 0 links");
    is_right(m, "lab");
    let listed = m.orchestrator(&["list", "--json"]).success().json();
    assert_eq!(listed[0]["module"], json!(empty));
    // It comes from this one now.
    m.orchestrator(&["run", &empty, "--name", "lab"]).success().stderr_has("no change");
    m.play("lab", &[], TWO).run().fails_with(2);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(scenario_that_fails_leaves_the_lab_as_it_was, |m| {
    m.stand("lab", TWO);
    let before = shown(m, "lab");
    for end in ["sys.fail,late", "sys.exit,3", "sys.trap"] {
        let failed = m.play("lab", &[], &format!("netns.add,c9 lab.apply {end}")).run();
        failed.fails_with(1).stderr_has("note: lab `lab` is as it was");
    }
    assert_eq!(shown(m, "lab"), before);
    is_right(m, "lab");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(namespaces_with_processes_go_only_by_force, |m| {
    m.stand("lab", &format!("{TWO} {THIRD}"));
    let mut inside = m.exec("lab", "c3", &["sh", "-c", "echo begun; exec sleep 1000"]).spawn();
    inside.stdout_gets("begun");
    let refused = m.play("lab", &[], TWO).run();
    refused.fails_with(2).stderr_has("in use: `sleep` (PID ").stderr_has(" in `c3`").stderr_has("`--force`");
    is_right(m, "lab");
    m.orchestrator(&["ping", "lab", "c3", "c1"]).success();
    m.play("lab", &["--force"], TWO).run().success().stderr_has("1 removed");
    is_right(m, "lab");
    m.orchestrator(&["down", "lab"]).success();
    inside.wait().fails_with(137);
});

kernel_test!(what_was_changed_by_others_is_told_and_put_right, |m| {
    m.stand("lab", TWO);
    let before = shown(m, "lab");
    for words in [
        "c1 link set eth0 down",
        "c2 address add 9.9.9.9/24 dev eth0",
        "c2 route add 7.0.0.0/8 dev eth0",
        "c2 route del default",
        "host link set v2 nomaster",
        "host link add other type veth peer name another",
        "host link set br0 mtu 1400",
    ] {
        let (netns, words) = words.split_once(' ').unwrap();
        by_hand(m, netns, &format!("ip {words}"));
    }
    let checked = m.orchestrator(&["check", "lab"]);
    checked.fails_with(1).stderr_has("`orchestrator repair lab`");
    for line in [
        "host    link another                                         -               veth",
        "host    link v2                                              master br0      nomaster",
        "c1      link eth0                                            up              down",
        "c2      address 9.9.9.9/24 dev eth0                          -               primary",
        "c2      route default via 10.0.0.254 dev eth0                there           -",
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let has = |said: &str| said.split_whitespace().collect::<Vec<_>>() == words;
        assert!(checked.stdout().lines().any(has), "{line}: {checked}");
    }
    let json = m.orchestrator(&["check", "lab", "--json"]);
    let drift = json.fails_with(1).json();
    let down = json!({ "netns": "c1", "what": "link eth0", "expected": "up", "found": "down" });
    assert!(drift["drift"].as_array().unwrap().contains(&down), "{drift}");
    // An edit elsewhere keeps to the plan, and says what it meets.
    m.play("lab", &[], &format!("{TWO} {THIRD}"))
        .run()
        .success()
        .stderr_has("note: the lab was changed by hand: netns `host`: ");
    m.orchestrator(&["check", "lab"]).fails_with(1);
    m.orchestrator(&["repair", "lab"]).success().stdout_has("put right:\n");
    is_right(m, "lab");
    m.orchestrator(&["repair", "lab"]).success().stdout_has("is what it should be");
    m.play("lab", &[], TWO).run().success();
    assert_eq!(shown(m, "lab"), before);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(what_link_does_is_known_and_put_back_by_the_next_run, |m| {
    m.stand("lab", TWO);
    m.orchestrator(&["link", "lab", "c1", "eth0", "down"]).success().stdout_has("ip -n c1 link set dev eth0 down\n");
    m.orchestrator(&["link", "lab", "c2", "eth0", "mtu", "1400"]).success();
    is_right(m, "lab");
    m.orchestrator(&["ping", "lab", "c1", "10.0.0.2"]).fails_with(1);
    assert_eq!(m.view("lab").link("c2", "eth0")["mtu"], json!(1400));
    let note = "`ip -n c1 link set dev eth0 down` was done by hand";
    let plan = m.command("orchestrator").args(&["plan", GUEST_CALLS, "--against", "lab", "--"]);
    let plan = plan.args(&TWO.split_whitespace().collect::<Vec<_>>()).run();
    plan.success()
        .stderr_has(note)
        .stdout_has("~ ip -n c1 link set dev eth0 up\n")
        .stdout_has("~ ip -n c2 link set dev eth0 mtu 1500\n");
    m.play("lab", &[], TWO).run().success().stderr_has(note);
    is_right(m, "lab");
    m.orchestrator(&["ping", "lab", "c1", "10.0.0.2"]).success();
    m.play("lab", &[], TWO).run().success().stderr_lacks("by hand").stderr_has("no change");
    for (words, why) in [
        (&["none", "eth0", "up"][..], "the lab has none of that name"),
        (&["c1", "eth9", "up"], "there is none of that name"),
        (&["c1", "eth0", "mtu", "7"], "a veth takes 68 to 65535"),
        (&["c1", "e/th", "up"], "a link name has only"),
        (&["c1", "eth0", "up", "7"], "only `mtu` takes a number"),
        (&["c1", "eth0", "mtu"], "<N>"),
        (&["c1", "eth0", "sideways"], "'sideways'"),
    ] {
        m.orchestrator(&[&["link", "lab"], words].concat()).fails_with(2).stderr_has(why);
    }
    is_right(m, "lab");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(what_does_not_change_keeps_carrying_packets, |m| {
    m.stand("lab", TWO);
    // The default route, and the link that it leads over.
    let ping = m.exec("lab", "c1", &["ping", "-q", "-n", "-i", "0.002", "-W", "2", "-w", "5", "10.0.0.254"]).spawn();
    let more = format!(
        "{TWO} {THIRD} address.add,c2,eth0,10.9.0.1/24 route.add,c1,10.7.0.0/16,10.0.0.2 bridge.add,host,br1 netns.add,c4"
    );
    for _ in 0..8 {
        m.play("lab", &[], &more).run().success();
        m.play("lab", &[], TWO).run().success();
    }
    let pinged = ping.wait();
    pinged.success().stdout_has(" 0% packet loss");
    is_right(m, "lab");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(ping_that_got_lost_is_sent_again, |m| {
    m.stand("lab", TWO);
    // Deaf to questions for its address, as if they had been dropped.
    m.exec("lab", "c2", &["ip", "link", "set", "dev", "eth0", "arp", "off"]).run().success();
    let edit = m.play("lab", &[], &format!("{TWO} {THIRD} probe.ping,c3,10.0.0.2")).spawn();
    // The first question comes in some 50 milliseconds, and the next a second later.
    sleep(Duration::from_millis(500));
    m.exec("lab", "c2", &["ip", "link", "set", "dev", "eth0", "arp", "on"]).run().success();
    edit.wait().success();
    is_right(m, "lab");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(look_that_the_kernel_answers_otherwise_undoes_the_edit, |m| {
    m.stand("lab", TWO);
    by_hand(m, "c2", "sysctl -q -w net.ipv4.icmp_echo_ignore_all=1");
    let before = shown(m, "lab");
    let failed = m.play("lab", &[], &format!("{TWO} {THIRD} probe.ping,c3,10.0.0.2")).run();
    failed.fails_with(4).stderr_has("so the edit was undone").stderr_has("lab `lab` is as it was before");
    assert_eq!(shown(m, "lab"), before);
    is_right(m, "lab");
    // What was looked at before the last change does not count.
    m.play("lab", &[], &format!("{TWO} probe.ping,c1,10.0.0.2 {THIRD}")).run().success();
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(undoing_an_edit_does_not_make_right_what_was_wrong, |m| {
    m.stand("lab", TWO);
    by_hand(m, "c1", "ip link set eth0 mtu 1400");
    by_hand(m, "c2", "ip link set eth0 address 02:00:00:00:00:99");
    by_hand(m, "host", "ip link add v3 type veth peer name v3b");
    let before = shown(m, "lab");
    let failed =
        m.play("lab", &[], &format!("{TWO} address.add,c1,eth0,10.0.7.1/24 address.add,c2,eth0,10.0.7.2/24 {THIRD}"));
    failed.run().fails_with(4).stderr_has("lab `lab` is as it was before");
    assert_eq!(shown(m, "lab"), before);
    let checked = m.orchestrator(&["check", "lab"]);
    checked.fails_with(1).stdout_has("mtu 1400").stdout_has("address 02:00:00:00:00:99").stdout_has("link v3 ");
    m.orchestrator(&["repair", "lab"]).success();
    is_right(m, "lab");
    m.orchestrator(&["ping", "lab", "c1", "c2"]).success();
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(signal_that_comes_while_the_lab_is_edited_undoes_the_edit, |m| {
    m.stand("lab", TWO);
    let before = shown(m, "lab");
    // The look is repeated for a long time, as nobody answers.
    by_hand(m, "c2", "sysctl -q -w net.ipv4.icmp_echo_ignore_all=1");
    let edit = format!("{TWO} {THIRD} probe.ping-within,c3,10.0.0.2,1,30000");
    let run = m.play("lab", &[], &edit).spawn();
    let is_there = || (m.orchestrator(&["show", "lab"]).stdout().contains("c3")).then_some(());
    assert!(support::poll_until(Instant::now() + Duration::from_secs(10), is_there).is_some());
    run.signal(Signal::SIGINT);
    run.wait().fails_with(130);
    let is_gone = || (shown(m, "lab") == before).then_some(());
    assert!(support::poll_until(Instant::now() + Duration::from_secs(10), is_gone).is_some());
    is_right(m, "lab");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(lab_may_become_larger_than_it_was_allowed_to_be_at_first, |m| {
    m.play("lab", &["--max-netns", "2"], TWO).run().success();
    m.play("lab", &[], &format!("{TWO} {THIRD}")).run().success();
    is_right(m, "lab");
    // As often as one likes.
    for _ in 0..6 {
        m.play("lab", &["--max-netns", "3"], TWO).run().success();
        m.play("lab", &["--max-netns", "3"], &format!("{TWO} {THIRD}")).run().success();
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(step_that_the_kernel_refuses_undoes_the_edit, |m| {
    m.stand("lab", TWO);
    // Somebody else has the name that the edit wants.
    by_hand(m, "host", "ip link add v3 type veth peer name v3b");
    let before = shown(m, "lab");
    let failed = m.play("lab", &[], &format!("{TWO} address.add,c1,eth0,10.0.7.1/24 {THIRD}")).run();
    failed.fails_with(4).stderr_has("lab `lab` could not be edited").stderr_has("EEXIST");
    failed.stderr_has("note: the lab was changed by hand: netns `host`: link v3 should not be there");
    assert_eq!(shown(m, "lab"), before);
    // What is not as it should be is known all the same.
    m.orchestrator(&["check", "lab"]).fails_with(1).stdout_has("link v3 ");
    m.orchestrator(&["repair", "lab"]).success();
    is_right(m, "lab");
    m.play("lab", &[], &format!("{TWO} {THIRD}")).run().success();
    is_right(m, "lab");
    m.orchestrator(&["down", "lab"]).success();
});

#[test]
fn lab_on_the_machine_is_edited_there() {
    on_machine(Kind::Root, |m| {
        let calls = "bridge.add,host,br0 address.add,host,br0,10.0.0.254/24 netns.add,c1 veth.add,host,v1,c1,eth0 \
                     bridge.add-port,host,br0,v1 link.set-up,host,v1 link.set-up,host,br0 link.set-up,c1,eth0 \
                     address.add,c1,eth0,10.0.0.1/24";
        m.play("lab", &["--on-host"], calls).run().success();
        let links = || m.ip(&["link", "show"]).as_array().unwrap().len();
        let before = links();
        m.play("lab", &[], calls)
            .run()
            .fails_with(2)
            .stderr_has("stands and is in the machine's own network")
            .stderr_has("give `--on-host`");
        m.play("lab", &["--on-host"], calls).run().success().stderr_has("no change");
        m.play("lab", &["--on-host"], &format!("{calls} {THIRD}")).run().success();
        assert_eq!(links(), before + 1);
        is_right(m, "lab");
        // A name that the machine has is refused before anything is done.
        m.root_command("ip").args(&["link", "add", "v9", "type", "veth", "peer", "name", "w9"]).run().success();
        let taken = format!("{calls} bridge.add,host,v9");
        m.play("lab", &["--on-host"], &taken).run().fails_with(2).stderr_has("`v9`");
        is_right(m, "lab");
        m.play("lab", &["--on-host"], calls).run().success();
        assert_eq!(links(), before + 2);
        m.root_command("ip").args(&["link", "del", "v9"]).run().success();
        m.orchestrator(&["down", "lab"]).success();
        // And the other way round.
        m.play("lab", &[], calls).run().success();
        m.play("lab", &["--on-host"], calls)
            .run()
            .fails_with(2)
            .stderr_has("can't be moved")
            .stderr_has("leave out `--on-host`");
        is_right(m, "lab");
        m.orchestrator(&["down", "lab"]).success();
    });
}

kernel_test!(netns_that_an_edit_has_removed_is_waited_for_no_more, |m| {
    let red = "netns.add,red link.set-up,red,lo";
    m.play("lab", &[], &format!("{red} netns.add,sw bridge.add,sw,br0 probe.ping,red,127.0.0.1")).run().success();
    m.play("lab", &[], red).run().success();
    for target in ["127.0.0.1", "::1"] {
        m.orchestrator(&["ping", "lab", "red", target]).success();
    }
    is_right(m, "lab");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(edit_of_a_lab_that_has_no_room_for_it_is_refused_before_its_first_step, |m| {
    m.stand("lab", TWO);
    let limited = m.play("lab", &["--max-netns", "2"], &format!("{TWO} !{THIRD}")).run();
    limited.stdout_has("limit").stderr_has("--max-netns");
    assert_ne!(limited.code(), 0);
    is_right(m, "lab");
    m.orchestrator(&["down", "lab"]).success();
});
