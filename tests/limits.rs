//! The limits of a run: each by its flag, its default, the words that name both, and how the scenario ends.

mod support;

use std::time::{Duration, Instant};

use support::{EMPTY_WAT, GUEST_CALLS, Kind, Outcome, kernel_test, on_machine, poll_until, slow_wat};

/// What has to be over in a moment may take so long on a busy machine.
const SOON: Duration = Duration::from_secs(15);

kernel_test!(defaults_are_the_documented_ones, |m| {
    let help = m.orchestrator(&["run", "--help"]);
    let help = help.success().stdout();
    for (flag, default) in [
        ("--max-module <SIZE>", "64MiB"),
        ("--max-memory <SIZE>", "256MiB"),
        ("--max-cpu <TIME>", "30s"),
        ("--max-time <TIME>", "10m"),
        ("--max-output <SIZE>", "64MiB"),
        ("--max-handles <COUNT>", "100000"),
        ("--max-netns <COUNT>", "16384"),
        ("--max-links <COUNT>", "65536"),
        ("--max-addresses-and-routes <COUNT>", "262144"),
    ] {
        let (_, after) = help.split_once(flag).unwrap_or_else(|| panic!("no {flag} in {help}"));
        let found = after.split_once("[default: ").and_then(|(_, after)| after.split_once(']'));
        assert_eq!(found.map(|(default, _)| default), Some(default), "of {flag} in {help}");
    }
});

kernel_test!(values_that_are_none_are_refused, |m| {
    let empty = m.write("empty.wat", EMPTY_WAT);
    for (flag, value) in [
        ("--max-memory", "lots"),
        ("--max-memory", ""),
        ("--max-module", "-1"),
        ("--max-cpu", "never"),
        ("--max-time", "10"),
        ("--max-netns", "-1"),
        ("--max-links", "1.5"),
        ("--max-handles", "99999999999999999999999"),
    ] {
        let refused = m.orchestrator(&["run", &empty, &format!("{flag}={value}")]);
        refused.fails_with(2).stderr_has(flag).stderr_lacks("panicked");
    }
    // What no machine can reach is no limit, and no overflow.
    let endless = ["--max-memory=100EiB", "--max-time=500000000000years", "--max-cpu=500000000000years", "--rm"];
    m.orchestrator(&[&["run", &empty], &endless[..]].concat()).success();
});

kernel_test!(module_may_be_as_large_as_its_limit, |m| {
    let size = EMPTY_WAT.len();
    let module = m.write("module.wat", EMPTY_WAT);
    m.orchestrator(&["run", &module, "--rm", "--max-module", &size.to_string()]).success();
    m.orchestrator(&["run", &module, "--rm", "--max-module", &(size - 1).to_string()]).complains(
        2,
        &format!(
            "error: `{module}` can't be run\n  caused by: it is larger than the limit of {} B; `--max-module` raises it\n",
            size - 1
        ),
    );
    m.command("truncate").args(&["-s", "64M", "large.wasm"]).run().success();
    m.orchestrator(&["run", "large.wasm"]).complains(2, "it is not WebAssembly");
    m.command("truncate").args(&["-s", "+1", "large.wasm"]).run().success();
    m.orchestrator(&["run", "large.wasm"])
        .complains(2, "it is larger than the limit of 64")
        .stderr_has("`--max-module` raises it");
    // Neither is what has no end.
    m.orchestrator(&["run", "/dev/zero", "--name", "t"]).complains(2, "`--max-module` raises it");
    m.has_no_trace_of_labs();
});

kernel_test!(memories_of_a_guest_count_together, |m| {
    m.play("t", &["--rm", "--max-memory", "20MiB"], "sys.eat,10000000").run().success();
    let eaten = m.play("t", &["--max-memory", "20MiB"], "netns.add,red sys.eat,30000000 netns.add,blue").run();
    limit_ends(&eaten, "20.0 MiB of memory", "--max-memory").stdout_lacks("blue");
    m.play("t", &["--rm"], "sys.eat,200000000").run().success();
    let pages =
        |count: u32| EMPTY_WAT.replace("(core module $module", &format!("(core module $module (memory {count})"));
    let two = pages(2500).replace("(func $run (", "(core instance $other (instantiate $module)) (func $run (");
    for (module, fits) in [(pages(4096), true), (pages(4097), false), (two, false)] {
        m.write("pages.wat", module);
        let outcome = m.orchestrator(&["run", "pages.wat", "--rm"]);
        if fits {
            outcome.success();
        } else {
            outcome.complains(
                1,
                "pages.wat: the scenario reached its limit of 256.0 MiB of memory; `--max-memory` raises it\n",
            );
        }
    }
    m.has_no_trace_of_labs();
});

#[test]
fn memory_of_the_host_does_not_grow_with_what_a_guest_has_removed() {
    on_machine(Kind::User, |m| {
        let module = m.write("forgets-nothing.wat", include_str!("modules/forgets-nothing.wat"));
        let running = m.command("orchestrator").args(&["run", &module, "--max-cpu", "1s"]).spawn();
        let mut most = 0;
        poll_until(Instant::now() + SOON, || {
            let (pid, _) = m.processes().into_iter().find(|(_, command)| command.starts_with("orchestrator run"))?;
            let path = m.outside(&format!("/proc/{pid}/status"));
            let status = std::fs::read_to_string(path).unwrap_or_default();
            let peak =
                status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
            most = most.max(peak.unwrap_or(0_u32));
            None::<()>.or((most > 0 && peak.is_none()).then_some(()))
        });
        // It is told that it has had enough, and traps.
        running.wait().fails_with(1);
        assert!((1..120_000).contains(&most), "the process of the guest had {most} kB");
    });
}

kernel_test!(cpu_time_ends_a_loop_close_to_its_limit, |m| {
    // The shell tells what its children took: the second line of `times`.
    let script = format!("orchestrator run {GUEST_CALLS} --max-cpu $0 -- sys.loop; echo $?; times");
    let took = |limit: &str| {
        let outcome = m.command("sh").args(&["-c", &script, limit]).run();
        outcome
            .success()
            .stdout_has("1\n")
            .stderr_has(&format!("its limit of {limit} of CPU time; `--max-cpu` raises it"));
        let line = outcome.stdout().lines().last().unwrap_or_default();
        line.split_whitespace().map(seconds).sum::<f64>()
    };
    let (short, long) = (took("100ms"), took("900ms"));
    // Compiling is in both.
    let difference = long - short;
    assert!((0.6..1.2).contains(&difference), "{short} s for 100 ms, {long} s for 900 ms");
});

kernel_test!(loop_in_a_start_function_is_ended_too, |m| {
    let start = "(core module $module (func $start (loop br 0)) (start $start)";
    m.write("starts.wat", EMPTY_WAT.replace("(core module $module", start));
    let ended = m.orchestrator(&["run", "starts.wat", "--max-cpu", "200ms"]);
    ended.complains(1, "starts.wat: the scenario reached its limit of 200ms of CPU time; `--max-cpu` raises it\n");
    m.has_no_trace_of_labs();
});

kernel_test!(waiting_is_no_cpu_time, |m| {
    m.play("t", &["--rm", "--max-cpu", "150ms"], "sys.sleep,500 lab.wait,1000").run().success();
});

kernel_test!(time_ends_a_guest_that_sleeps, |m| {
    let start = Instant::now();
    let slept = m.play("t", &["--max-time", "1s"], "netns.add,red lab.apply sys.sleep,60000").run();
    limit_ends(&slept, "1s in all", "--max-time").stderr_has("note: what had been built was undone\n");
    assert!(start.elapsed() < SOON);
    m.has_no_trace_of_labs();
});

kernel_test!(time_ends_a_guest_that_computes, |m| {
    let looped = m.play("t", &["--max-time", "1s"], "sys.loop").run();
    limit_ends(&looped, "1s in all", "--max-time");
});

kernel_test!(time_ends_a_call_of_the_host_that_takes_long, |m| {
    // Three hours of pings, each of which is answered.
    let calls = "link.set-up,host,lo probe.ping-within,host,127.0.0.1,65535,1000";
    let pinged = m.play("t", &["--max-time", "1s"], calls).deadline(SOON).run();
    limit_ends(&pinged, "1s in all", "--max-time").stderr_has("note: what had been built was undone\n");
    m.has_no_trace_of_labs();
});

kernel_test!(time_ends_a_guest_whose_output_nobody_takes, |m| {
    // A pipe that is full, and stays so.
    let script = format!(
        "mkfifo pipe; sleep 2 <pipe &
        exec orchestrator run {GUEST_CALLS} --name t --max-time 1s -- netns.add,red lab.apply sys.print,1000000 >pipe"
    );
    let printed = m.command("sh").args(&["-euc", &script]).deadline(SOON).run();
    limit_ends(&printed, "1s in all", "--max-time");
    m.command("rm").arg("pipe").run().success();
    m.has_no_trace_of_labs();
});

kernel_test!(time_ends_the_compiling_of_a_module_made_to_take_long, |m| {
    m.write("slow.wat", slow_wat());
    let run = m.command("orchestrator").args(&["run", "slow.wat", "--max-time", "1s"]).deadline(SOON).run();
    run.complains(1, "error: slow.wat: ").stderr_has("its limit of 1s in all; `--max-time` raises it\n");
    m.has_no_trace_of_labs();
});

kernel_test!(output_counts_together_wherever_it_goes, |m| {
    let text = "x".repeat(1000);
    // Each call is answered on stdout too: 4,050 bytes there, and 1,001 and 1,000 on stderr.
    let calls = format!("sys.print-text,{text} sys.print-stderr,{text} lab.log,{text}");
    m.play("t", &["--rm", "--max-output", "6300"], &calls).run().success();
    let ended = m.play("t", &["--max-output", "5500"], &calls).run();
    limit_ends(&ended, "5.4 KiB of output", "--max-output");
    // What had been said before is there.
    ended.stdout_has(&text).stderr_has(&text);
    m.has_no_trace_of_labs();
});

kernel_test!(lines_without_text_are_output_too, |m| {
    // Each takes a line of the terminal all the same.
    let script = format!(
        "orchestrator run {GUEST_CALLS} --name t --rm --max-output 1000 -- repeat,5000,lab.log, 2>said || echo $?
        grep -c '^t: *$' said; grep -v '^t: *$' said; rm said"
    );
    let logged = m.command("sh").args(&["-c", &script]).run();
    logged.success().stdout_has("1\n").stdout_has("its limit of 1000 B of output; `--max-output` raises it\n");
    let lines: u32 = logged.stdout().lines().nth(1).and_then(|line| line.parse().ok()).expect("a number of lines");
    assert!(lines <= 1000, "{lines} lines were let through");
});

kernel_test!(handles_that_are_held_at_a_time_are_limited, |m| {
    let many = m.play("t", &["--max-handles", "50"], "netns.add,red sys.handles,50").run();
    limit_ends(&many, "50 handles", "--max-handles");
    // Those that were dropped are free again.
    m.play("t", &["--rm", "--max-handles", "50"], "repeat,1000,netns.get,host").run().success();
    let listed = m.play("t", &["--max-handles", "50"], "repeat,60,bridge.add,host,b{} link.list,host").run();
    limit_ends(&listed, "50 handles", "--max-handles");
    m.play("t", &["--rm"], "sys.handles,99000").run().success();
    limit_ends(&m.play("t", &[], "sys.handles,100001").run(), "100000 handles", "--max-handles");
    // That is the engine's own limit too.
    m.play("t", &["--rm", "--max-handles", "150000"], "sys.handles,1").run().fails_with(2).stderr_has("1..=100000");
    m.has_no_trace_of_labs();
});

kernel_test!(limit_of_namespaces_is_an_error_that_the_guest_can_read, |m| {
    let run = m.play("t", &["--max-netns", "2"], "repeat,3,netns.add,n{} netns.remove,n1 netns.add,x").run();
    run.success()
        .stdout_has("ok 2 of 3, refused at 3: limit - could not add netns `n3`: this run may have 2 namespaces; `--max-netns` raises the limit\n")
        .stdout_has("netns.add,x: ok\n");
    let shown = m.orchestrator(&["show", "t", "--json"]).success().json();
    let names: Vec<&str> =
        shown["netns"].as_array().unwrap().iter().map(|netns| netns["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["host", "n2", "x"]);
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(limit_of_links_is_an_error_that_the_guest_can_read, |m| {
    let calls = "bridge.add,host,br0 veth.add,host,v,host,w veth.add,host,x,host,y bridge.add,host,br1 link.remove,host,v \
                 bridge.add,host,br1";
    let run = m.play("t", &["--max-links", "3"], calls).run();
    let why = "this run may have 3 links; `--max-links` raises the limit\n";
    run.success()
        .stdout_has(&format!("limit - could not add veth `x` in netns `host` with peer `y` in netns `host`: {why}"))
        .stdout_has(&format!("bridge.add,host,br1: limit - could not add bridge `br1` in netns `host`: {why}"))
        .stdout_has("bridge.add,host,br1: ok\n");
    let links = m.lab_ip("t", "host", &["link"]);
    assert_eq!(links.as_array().map(Vec::len), Some(3), "{links}");
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(limit_of_addresses_and_routes_is_an_error_that_the_guest_can_read, |m| {
    let calls = "bridge.add,host,br0 link.set-up,host,br0 link.set-up,host,lo address.add,host,br0,10.0.0.1/24 \
                 route.add,host,default,10.0.0.2 address.add,host,br0,fd00::1/64 route.add,host,10.1.0.0/16,10.0.0.2 \
                 route.remove,host,default address.add,host,br0,fd00::1/64";
    let run = m.play("t", &["--max-addresses-and-routes", "2"], calls).run();
    let why = "this run may have 2 addresses and routes; `--max-addresses-and-routes` raises the limit\n";
    run.success()
        .stdout_has(&format!("limit - could not add address `fd00::1/64` to link `br0` in netns `host`: {why}"))
        .stdout_has(&format!("limit - could not add route `10.1.0.0/16` via `10.0.0.2` in netns `host`: {why}"))
        .stdout_has("address.add,host,br0,fd00::1/64: ok\n");
    // Those that come by themselves, of `lo` and link-local ones, are not counted.
    let addresses = m.lab_ip("t", "host", &["address"]);
    let addresses = addresses.as_array().unwrap().iter().flat_map(|link| link["addr_info"].as_array().unwrap()).count();
    assert_eq!(addresses, 5);
    m.orchestrator(&["down", "t"]).success();
});

#[test]
fn default_limits_of_a_lab_can_be_reached() {
    on_machine(Kind::User, |m| {
        // On the model alone: the scenario fails before anything is built.
        let run =
            m.play("t", &[], "repeat,16385,netns.add,n{} repeat,32769,veth.add,host,a{},host,b{} sys.fail,x").run();
        run.fails_with(1)
            .stdout_has("ok 16384 of 16385, refused at 16385: limit - could not add netns `n16385`: this run may have 16384 namespaces;")
            .stdout_has("ok 32768 of 32769, refused at 32769: limit - could not add veth `a32769` in netns `host`")
            .stdout_has("this run may have 65536 links;");
        // Few on each of many links, as an address is compared with all others of its link.
        let addresses: Vec<String> =
            (1..=4).map(|n| format!("repeat,65536,address.add,host,b{{}},fd0{n}::1/128")).collect();
        let calls = format!(
            "repeat,65536,bridge.add,host,b{{}} {} address.add,host,lo,10.0.0.1/32 sys.fail,x",
            addresses.join(" ")
        );
        m.play("t", &[], &calls)
            .run()
            .fails_with(1)
            .stdout_has("fd04::1/128: ok 65536 of 65536\n")
            .stdout_has("limit - could not add address `10.0.0.1/32` to link `lo` in netns `host`: this run may have 262144 addresses and routes;");
        m.has_no_trace_of_labs();
    });
}

kernel_test!(guest_that_asks_for_more_than_there_is_is_ended_and_not_the_host, |m| {
    m.write("wants-random.wat", include_str!("modules/wants-random.wat"));
    m.orchestrator(&["run", "wants-random.wat"]).complains(1, "error: wants-random.wat: the scenario trapped: ");
    let table = EMPTY_WAT.replace("(core module $module", "(core module $module (table 100000000 funcref)");
    m.write("table.wat", table);
    m.orchestrator(&["run", "table.wat"]).complains(1, "error: table.wat: the scenario trapped: table minimum size");
    m.has_no_trace_of_labs();
});

/// Expects that a limit has ended the scenario.
#[track_caller]
fn limit_ends<'o>(outcome: &'o Outcome, limit: &str, flag: &str) -> &'o Outcome {
    outcome
        .complains(1, &format!("error: {GUEST_CALLS}: the scenario reached its limit of {limit}; `{flag}` raises it\n"))
}

/// Reads a time of the shell's `times`: `0m1.250s`.
fn seconds(text: &str) -> f64 {
    let (minutes, seconds) = text.trim_end_matches('s').split_once('m').expect("minutes and seconds");
    minutes.parse::<f64>().expect("minutes") * 60.0 + seconds.parse::<f64>().expect("seconds")
}
