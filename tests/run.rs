//! `orchestrator run` when all goes well: the lab's name, what is printed where, and what stands.

mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use support::{EMPTY_WAT, GUEST_CALLS, Kind, kernel_test, on_machine, poll_until};

/// How long something may take that takes a moment.
const SOON: Duration = Duration::from_secs(10);

kernel_test!(builtin_example_gives_its_name_to_the_lab, |m| {
    m.orchestrator(&["run", "two-containers"]).success().stderr_has("lab `two-containers` stands: 3 netns, 6 links\n");
    let ports = m.lab_ip("two-containers", "host", &["link", "show", "master", "br0"]);
    assert_eq!(ports.as_array().map(Vec::len), Some(2), "{ports}");
    m.orchestrator(&["down", "two-containers"]).success();
});

kernel_test!(lab_is_named_after_the_file_of_its_module, |m| {
    let sixty = "x".repeat(60);
    for (file, lab) in [
        ("plain.wat", "plain"),
        ("My Lab_v2.wat", "my-lab-v2"),
        ("--A--.wat", "a"),
        ("two.dots.wat", "two-dots"),
        (&format!("{sixty}.wat"), &sixty[..40]),
    ] {
        let module = m.write(file, EMPTY_WAT);
        m.orchestrator(&["run", &module]).success().stderr_has(&format!("lab `{lab}` stands: 1 netns, 0 links\n"));
        assert_eq!(m.labs(), [lab], "of {file}");
        m.orchestrator(&["down", lab]).success();
    }
});

kernel_test!(file_is_told_from_an_example_by_slash_or_ending, |m| {
    m.write("one.wat", EMPTY_WAT);
    m.write("bare", EMPTY_WAT);
    // Both are in the working directory.
    m.orchestrator(&["run", "one.wat"]).success();
    m.orchestrator(&["run", "./bare"]).success();
    assert_eq!(m.labs(), ["bare", "one"]);
    m.orchestrator(&["run", "bare", "--name", "two"])
        .fails_with(2)
        .stderr_has("there is no built-in example `bare`")
        .stderr_has("a file is given with a `/`: `./bare`");
    m.orchestrator(&["down", "--all"]).success();
});

kernel_test!(module_without_a_usable_name_asks_for_one, |m| {
    let module = m.write("é.wat", EMPTY_WAT);
    m.orchestrator(&["run", &module]).fails_with(2).stderr_has("no lab name").stderr_has("give one with `--name`");
    m.orchestrator(&["run", &module, "--name", "e"]).success();
    m.orchestrator(&["down", "e"]).success();
});

kernel_test!(name_is_given_by_an_option, |m| {
    let longest = "n".repeat(40);
    for name in ["0", "a-b-", &longest] {
        m.stand_empty(name);
        assert_eq!(m.labs(), [name]);
        m.orchestrator(&["down", name]).success();
    }
});

kernel_test!(illegal_name_is_refused, |m| {
    let module = m.write("empty.wat", EMPTY_WAT);
    let too_long = "n".repeat(41);
    for name in ["", "A", "a_b", "a b", "a/b", "..", "../a", "$(id)", "a\nb", "é", "a\x1b[31m", &too_long] {
        let refused = m.orchestrator(&["run", &module, "--name", name]);
        refused.fails_with(2).stderr_has("a lab name has 1 to 40 of `a-z 0-9 -` and begins with a letter or digit");
        refused.stderr_lacks("\x1b").stderr_has("--name");
    }
    // One that looks like an option is taken as one.
    for name in ["-h", "-", "--"] {
        let refused = m.orchestrator(&["run", &module, "--name", name]);
        refused.fails_with(2).stderr_has("--name <LAB>");
    }
    assert!(m.labs().is_empty());
});

kernel_test!(guest_is_told_the_name_and_its_arguments, |m| {
    let played = m.play("told", &[], "lab.name sys.args").run();
    played.success();
    assert_eq!(played.stdout(), "lab.name: ok told\nsys.args: ok calls.wasm; lab.name; sys.args\n");
    m.orchestrator(&["down", "told"]).success();
});

kernel_test!(stdout_has_only_what_the_guest_prints_there, |m| {
    let played = m.play("out", &["-v"], "netns.add,c1 sys.print-stderr,loud").run();
    assert_eq!(played.success().stdout(), "netns.add,c1: ok\nsys.print-stderr,loud: ok\n");
    played.stderr_has("loud\n").stderr_has("lab `out` stands");
    // What the guest logs goes to stderr, with the lab's name.
    let logged = m.play("log", &[], "lab.log,hello").run();
    assert_eq!(logged.success().stdout(), "lab.log,hello: ok\n");
    logged.stderr_has("log: hello\n");
    m.orchestrator(&["down", "--all"]).success();
});

kernel_test!(output_that_is_captured_ends_with_run, |m| {
    m.write("empty.wat", EMPTY_WAT);
    // All three streams are the shell's pipes; whoever holds one open holds the shell up.
    let script = "x=$(orchestrator run ./empty.wat 2>&1); echo \"captured: $x\"; orchestrator list --json";
    let outcome = m.command("sh").args(&["-c", script]).deadline(SOON).run();
    outcome.success().stdout_has("captured: lab `empty` stands").stdout_has("\"name\": \"empty\"");
    m.orchestrator(&["down", "empty"]).success();
});

kernel_test!(agent_holds_nothing_that_its_caller_had_open, |m| {
    m.write("empty.wat", EMPTY_WAT);
    // As in a script that takes a lock while it builds: the lock has to end with the script, not with the lab.
    let script = "exec 9>lock && flock 9 && orchestrator run ./empty.wat";
    m.command("sh").args(&["-c", script]).run().success();
    m.command("flock").args(&["--nonblock", "lock", "true"]).run().success();
    m.orchestrator(&["down", "empty"]).success();
});

kernel_test!(run_works_with_its_streams_closed, |m| {
    m.write("empty.wat", EMPTY_WAT);
    m.command("sh").args(&["-c", "orchestrator run ./empty.wat <&- >&- 2>&-"]).run().success();
    assert_eq!(m.labs(), ["empty"]);
    m.orchestrator(&["down", "empty"]).success();
});

kernel_test!(account_says_what_stands_and_how_long_it_took, |m| {
    let played = m.play("acc", &[], "netns.add,c1 netns.add,c2 veth.add,host,v1,c1,ceth1 bridge.add,host,br0").run();
    played.success().stderr_has("lab `acc` stands: 3 netns, 3 links\n");
    // `lo` of each netns is not counted.
    let links: usize = ["host", "c1", "c2"].map(|netns| count_links(&m.lab_ip("acc", netns, &["link"]))).iter().sum();
    assert_eq!(links, 3);
    let took = played.stderr().lines().find(|line| line.starts_with("took ")).expect("it says how long it took");
    let times: Vec<f64> = took.split(' ').filter_map(|word| word.parse().ok()).collect();
    // Compiling is there if this test is the first to play.
    let (all, parts) = times.split_first().unwrap_or_else(|| panic!("no times in: {took}"));
    assert_eq!(parts.len(), 1 + usize::from(took.contains(" to compile ")), "{took}");
    assert!(parts.iter().all(|part| *part > 0.0) && parts.iter().sum::<f64>() <= *all, "{took}");
    m.orchestrator(&["down", "acc"]).success();
});

kernel_test!(each_command_that_the_account_names_can_be_typed, |m| {
    let outcome = m.orchestrator(&["run", "two-containers"]);
    let lines: Vec<&str> = outcome.success().stderr().lines().filter(|line| line.starts_with("  ")).collect();
    let comments: Vec<_> = lines.iter().map(|line| line.find(" # ")).collect();
    assert!(comments.iter().all(|at| at.is_some() && *at == comments[0]), "not aligned: {outcome}");
    let commands: Vec<&str> = lines.iter().map(|line| line.split(" # ").next().unwrap_or(line).trim()).collect();
    for begins in ["orchestrator exec two-containers container1", "orchestrator down two-containers"] {
        assert!(commands.contains(&begins), "{commands:?}");
    }
    // Only root's labs have names for `ip netns`.
    assert_eq!(commands.contains(&"ip -n two-containers.host link"), m.kind() == Kind::Root, "{commands:?}");
    for command in commands {
        m.command("sh").args(&["-c", command]).run().success();
    }
    assert!(m.labs().is_empty());
});

kernel_test!(verbose_shows_each_change_in_the_words_of_ip, |m| {
    let calls = "netns.add,c1 veth.add,host,veth1,c1,ceth1 link.set-up,host,veth1 link.set-up,c1,ceth1 \
                 address.add,host,veth1,10.0.0.1/24 address.add,c1,ceth1,10.0.0.2/24 link.set-mtu,c1,ceth1,1400 \
                 bridge.add,host,br0 bridge.add-port,host,br0,veth1 route.add,c1,default,10.0.0.1";
    let played = m.play("v", &["-v"], calls).run();
    let said = played.success().stderr();
    let changes: Vec<&str> = said.lines().filter(|line| line.starts_with("ip ")).collect();
    for change in
        ["ip netns add c1", "ip -n c1 address add 10.0.0.2/24 dev ceth1", "ip address add 10.0.0.1/24 dev veth1"]
    {
        assert_eq!(changes.iter().filter(|line| **line == change).count(), 1, "{change} in {played}");
    }
    // The real `ip`, told the same, makes the same. Only link-local addresses, which there the kernel adds by itself, are
    // left out.
    let typed: Vec<&str> = changes.into_iter().filter(|line| !line.contains("fe80::")).collect();
    let script = format!(
        "mount -n -t tmpfs none /run\n{}\nfor netns in host c1; do\n\
         [ $netns = host ] && n= || n='-n c1'; ip $n -j -4 address; ip $n -j -4 route; done",
        typed.join("\n")
    );
    let replayed = m.root_command("unshare").args(&["--net", "--mount", "--", "sh", "-euxc", &script]).run();
    let mut by_ip = serde_json::Deserializer::from_str(replayed.success().stdout()).into_iter();
    for netns in ["host", "c1"] {
        for what in ["address", "route"] {
            let by_ip = by_ip.next().and_then(Result::ok).unwrap_or_else(|| panic!("too little JSON: {replayed}"));
            let by_us = m.lab_ip("v", netns, &["-4", what]);
            assert_eq!(without_numbers(&by_us), without_numbers(&by_ip), "{what} in {netns}, and: {replayed}");
        }
    }
    let quiet = m.play("v", &["--replace"], calls).run();
    assert!(!quiet.success().stderr().lines().any(|line| line.starts_with("ip netns") || line.starts_with("ip addr")));
    m.orchestrator(&["down", "v"]).success();
});

kernel_test!(machine_has_nothing_of_the_network_of_a_lab, |m| {
    let before = m.ip(&["-d", "link"]);
    m.orchestrator(&["run", "two-containers"]).success();
    assert_eq!(m.ip(&["-d", "link"]), before);
    assert_eq!(m.ip(&["route", "show", "table", "main"]), json!([]));
    m.orchestrator(&["down", "two-containers"]).success();
});

kernel_test!(two_labs_with_the_same_names_stand_side_by_side, |m| {
    let calls = |address| format!("bridge.add,host,br0 netns.add,c1 address.add,host,br0,{address}");
    m.stand("one", &calls("10.0.0.1/24"));
    m.stand("two", &calls("10.0.0.2/24"));
    assert_eq!(m.labs(), ["one", "two"]);
    let address =
        |lab| m.lab_ip(lab, "host", &["-4", "address", "show", "dev", "br0"])[0]["addr_info"][0]["local"].clone();
    assert_eq!((address("one"), address("two")), (json!("10.0.0.1"), json!("10.0.0.2")));
    m.orchestrator(&["down", "one"]).success();
    assert_eq!(m.labs(), ["two"]);
    assert_eq!(address("two"), json!("10.0.0.2"));
    m.orchestrator(&["down", "two"]).success();
});

kernel_test!(of_two_runs_of_one_name_at_once_one_wins, |m| {
    let runs = [(); 2].map(|()| m.play("same", &[], "sys.sleep,300 netns.add,c1").spawn());
    let [first, second] = runs.map(support::Running::wait);
    let has_won = |run: &support::Outcome| run.stderr().contains("lab `same` stands");
    let (won, lost) = if has_won(&first) { (first, second) } else { (second, first) };
    won.success();
    assert!(!has_won(&lost), "{lost}");
    assert!(lost.stderr().contains("is busy") || lost.stderr().contains("lab `same`: no change"), "{lost}");
    assert_eq!(m.labs(), ["same"]);
    m.lab_ip("same", "c1", &["link"]);
    m.orchestrator(&["down", "same"]).success();
});

kernel_test!(log_of_a_lab_is_there_and_empty, |m| {
    m.orchestrator(&["run", "two-containers"]).success();
    m.orchestrator(&["ping", "two-containers"]).success();
    m.exec("two-containers", "container1", &["true"]).run().success();
    assert_eq!(m.read(&format!("{}/two-containers/log", m.labs_directory())), "");
    m.orchestrator(&["down", "two-containers"]).success();
});

#[test]
fn user_without_a_runtime_directory_has_labs_in_tmp() {
    on_machine(Kind::User, |m| {
        let module = m.write("empty.wat", EMPTY_WAT);
        let with = |args: &[&str]| m.command("orchestrator").env_remove("XDG_RUNTIME_DIR").args(args).run();
        with(&["run", &module]).success();
        let directory = format!("/tmp/orchestrator-{}", Kind::User.uid());
        let stat = m.command("stat").args(&["--format=%a %u", &directory]).run();
        assert_eq!(stat.success().stdout(), format!("700 {}\n", Kind::User.uid()));
        with(&["list"]).success().stdout_has("empty");
        with(&["down", "empty"]).success();
    });
}

#[test]
fn directory_in_tmp_that_is_no_directory_of_ones_own_is_refused() {
    on_machine(Kind::User, |m| {
        let module = m.write("empty.wat", EMPTY_WAT);
        let directory = format!("/tmp/orchestrator-{}", Kind::User.uid());
        let shell = |script: &str| m.command("sh").args(&["-euc", script, "sh", &directory]).run();
        let refused = |why: &str| {
            let run = m.command("orchestrator").env_remove("XDG_RUNTIME_DIR").args(&["run", &module]).run();
            run.fails_with(3).stderr_has(&directory).stderr_has(why);
        };
        shell("mkdir target && ln -s $PWD/target $1").success();
        refused("it is no directory");
        assert!(m.entries(&format!("{}/target", Kind::User.home())).is_empty());
        shell("rm $1; mkdir -m 755 $1").success();
        refused("its mode has to be 0700");
        shell("rmdir $1").success();
    });
}

kernel_test!(lab_stands_when_run_has_returned, |m| {
    // Nothing of `run` is left: the agent has another parent, and nobody waits for it.
    m.stand_empty("alone");
    let agent = m.agent_pid("alone");
    poll_until(Instant::now() + SOON, || m.processes().iter().all(|(pid, _)| *pid == agent).then_some(()))
        .unwrap_or_else(|| panic!("beside the agent {agent}: {:?}", m.processes()));
    let stat = m.read(&format!("/proc/{agent}/stat"));
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    assert_eq!(fields[3], agent.to_string(), "it leads a session of its own: {stat}");
    m.orchestrator(&["down", "alone"]).success();
});

kernel_test!(guest_arguments_are_passed_as_they_are, |m| {
    let typed = ["run", GUEST_CALLS, "--rm", "--", "sys.args", "lab.name", "sys.print-text,--keep $(id) 'a  b'"];
    let outcome = m.orchestrator(&typed);
    outcome.success().stdout_has("sys.args: ok calls.wasm; sys.args; lab.name; sys.print-text,--keep $(id) 'a  b'\n");
});

/// Counts the links that `ip -j link` shows, without `lo` and those that the kernel has put into every netns.
fn count_links(shown: &serde_json::Value) -> usize {
    let is_drawn = |link: &&serde_json::Value| link["link_type"] == "ether";
    shown.as_array().expect("`ip -j` shows an array").iter().filter(is_drawn).count()
}

/// Leaves out of what `ip -j` shows what is counted up from link to link and differs without meaning anything.
fn without_numbers(shown: &serde_json::Value) -> serde_json::Value {
    let mut shown = shown.clone();
    for item in shown.as_array_mut().into_iter().flatten().filter_map(serde_json::Value::as_object_mut) {
        for field in ["ifindex", "link_index", "link_netnsid", "txqlen", "operstate", "flags", "qdisc"] {
            item.remove(field);
        }
    }
    shown
}
