//! How a plan ends that comes to no good end, and one whose reader has had enough.

use std::time::{Duration, Instant};

use super::*;

/// What has to be over in a moment may take so long on a busy machine.
const SOON: Duration = Duration::from_secs(15);

kernel_test!(scenario_that_fails_has_no_plan, |m| {
    for (calls, words) in [
        ("netns.add,red sys.fail,x", "error: /run/machine/guests/calls.wasm: the scenario returned an error\n"),
        ("netns.add,red sys.exit,3", "the scenario returned an error\n"),
        ("netns.add,red sys.trap", "the scenario trapped: wasm trap: wasm `unreachable` instruction executed\n"),
        ("netns.add,red !netns.add,red", "the scenario returned an error\n"),
        ("sys.loop", "the scenario reached its limit of 300ms of CPU time; `--max-cpu` raises it\n"),
        ("sys.eat,300000000", "the scenario reached its limit of 256.0 MiB of memory; `--max-memory` raises it\n"),
        ("sys.print,2000", "the scenario reached its limit of 1000 B of output; `--max-output` raises it\n"),
        ("sys.handles,60", "the scenario reached its limit of 50 handles; `--max-handles` raises it\n"),
    ] {
        let limits = ["--json", "--max-cpu", "300ms", "--max-output", "1000", "--max-handles", "50"];
        let outcome = plan(m, &limits, calls).deadline(SOON).run();
        assert_eq!(outcome.complains(1, words).stdout(), "", "{calls}");
    }
    plan(m, &[], "sys.exit,0").run().success();
    nothing_was_made(m);
});

#[test]
fn what_cannot_be_planned_is_2() {
    on_machine(Kind::User, |m| {
        m.write("text.wasm", "#!/bin/sh");
        m.write("module.wat", "(module)");
        m.write("till.wat", "(component (import \"acme:shop/till@1.0.0\" (instance (export \"open\" (func)))))");
        for (module, words) in [
            ("two-container", "did you mean `two-containers`?"),
            ("./none.wasm", "could not open `./none.wasm`\n  caused by: no such file or directory"),
            ("text.wasm", "it is not WebAssembly"),
            ("module.wat", "it exports no `_start`, so it is no command and no scenario"),
            ("till.wat", "it imports `acme:shop/till@1.0.0`"),
            ("/dev/zero", "`--max-module` raises it"),
        ] {
            let outcome = m.orchestrator(&["plan", module, "--name", "t"]);
            assert_eq!(outcome.complains(2, words).stdout(), "", "{module}");
        }
        for words in
            [&["plan"][..], &["plan", "two-containers", "--format", "xml"], &["plan", "two-containers", "--replace"]]
        {
            m.orchestrator(words).fails_with(2);
        }
    });
}

#[test]
fn limits_of_a_lab_are_errors_that_the_scenario_can_read() {
    on_machine(Kind::User, |m| {
        let limits = ["--max-netns", "2", "--max-links", "2", "--max-addresses-and-routes", "1"];
        let calls = "repeat,3,netns.add,n{} veth.add,host,a,n1,b bridge.add,host,br0 address.add,host,a,10.0.0.1/24 \
                     address.add,host,a,10.0.0.2/24";
        let outcome = plan(m, &limits, calls).run();
        for flag in ["--max-netns", "--max-links", "--max-addresses-and-routes"] {
            outcome.success().stderr_has(&format!("`{flag}` raises the limit\n"));
        }
    });
}

kernel_test!(time_ends_a_scenario_that_computes, |m| {
    let start = Instant::now();
    plan(m, &["--max-time", "1s"], "sys.loop").run().complains(1, "its limit of 1s in all; `--max-time` raises it\n");
    assert!(start.elapsed() < SOON);
});

kernel_test!(time_ends_a_scenario_that_is_held_up_by_no_wait, |m| {
    // The clock of a plan stands still while it reads from what has no end.
    m.command("sh").args(&["-euc", "mkdir data; mkfifo data/fifo"]).run().success();
    let read = plan(m, &["--max-time", "1s", "--allow", "dir=data"], "sys.read,data/fifo").deadline(SOON).run();
    read.complains(1, "its limit of 1s in all; `--max-time` raises it\n");
});

kernel_test!(signal_ends_a_plan, |m| {
    m.command("sh").args(&["-euc", "mkdir data; mkfifo data/fifo"]).run().success();
    let mut running = plan(m, &["--allow", "dir=data"], "netns.add,red sys.read,data/fifo").deadline(SOON).spawn();
    running.stderr_gets("netns.add,red: ok\n");
    running.signal(nix::sys::signal::Signal::SIGINT);
    running.wait().complains(130, "interrupted by signal 2\n");
});

#[test]
fn reader_that_has_had_enough_is_no_failure() {
    on_machine(Kind::User, |m| {
        for format in FORMATS {
            // Far more than a pipe holds.
            let script =
                "{ orchestrator plan n-containers --format $0 -- 400 2>/dev/null; echo $? >status; } | head -n 1";
            let outcome = m.command("sh").args(&["-euc", script, format]).run();
            assert_eq!(outcome.success().stdout().lines().count(), 1, "{outcome}");
            assert_eq!(m.read(&format!("{}/status", m.kind().home())), "0\n", "{format}");
        }
    });
}

kernel_test!(errors_that_nobody_reads_do_not_change_the_end, |m| {
    m.write("empty.wat", support::EMPTY_WAT);
    for (words, code) in [("plan empty.wat", 0), ("plan none", 2), ("run --rm empty.wat", 0), ("run none", 2)] {
        for to in ["/dev/full", "&-"] {
            let outcome = m.command("sh").args(&["-c", &format!("orchestrator {words} 2>{to}")]).run();
            assert_eq!(outcome.code(), code, "{words} 2>{to}: {outcome}");
        }
    }
    let full = m.command("sh").args(&["-c", "orchestrator plan empty.wat >/dev/full"]).run();
    full.complains(4, "could not write the output\n  caused by: no space left on device");
});
