//! What is given to `orchestrator` and can't be used, and scenarios that end badly: one clear error each, the documented
//! exit status, and nothing left.

mod support;

use std::fs;
use std::time::{Duration, Instant};

use support::{EMPTY_WAT, GUEST_CALLS, Kind, Machine, Outcome, kernel_test, on_machine};

/// A program whose functions have names and which traps in the third of them.
const TRAPS: &str = include_str!("modules/traps.wat");

kernel_test!(module_that_is_no_file_is_refused, |m| {
    m.orchestrator(&["run", "./none.wasm"]).complains(2, "could not open `./none.wasm`\n  caused by: ");
    m.orchestrator(&["run", "none.wat"]).complains(2, "could not open `none.wat`\n  caused by: ");
    m.orchestrator(&["run", "./a/b/c"]).complains(2, "could not open `./a/b/c`\n  caused by: ");
    for folder in ["./", "/tmp"] {
        m.orchestrator(&["run", folder])
            .complains(2, &format!("`{folder}` is no project: it has none of `Cargo.toml`, "));
        let inspected = m.orchestrator(&["inspect", folder]);
        inspected.complains(2, &format!("could not open `{folder}`\n  caused by: is a directory\n"));
    }
    m.orchestrator(&["run", "./e\x1b[31m.wasm"]).complains(2, "could not open `./e\\u{1b}[31m.wasm`\n");
    m.has_no_trace_of_labs();
});

#[test]
fn module_that_may_not_be_read_is_refused() {
    on_machine(Kind::User, |m| {
        let module = m.write("secret.wasm", "");
        m.command("chmod").args(&["0", &module]).run().success();
        m.orchestrator(&["run", &module]).complains(2, &format!("could not open `{module}`\n  caused by: "));
    });
}

kernel_test!(what_is_not_wasm_is_refused, |m| {
    let calls = fs::read(m.outside(GUEST_CALLS)).unwrap();
    m.write("empty.wasm", "");
    m.write("text.wasm", "hello, world\n");
    m.write("script.wasm", "#!/bin/sh\necho\n");
    m.orchestrator(&["run", "empty.wasm"]).complains(2, "error: `empty.wasm` can't be run\n  caused by: it is empty\n");
    for file in ["text.wasm", "script.wasm", "/bin/true"] {
        let refused = m.orchestrator(&["run", file]);
        refused.complains(2, &format!("error: `{file}` can't be run\n  caused by: it is not WebAssembly: "));
    }
    m.write("half.wasm", &calls[..calls.len() / 2]);
    m.orchestrator(&["run", "half.wasm"])
        .complains(2, "error: `half.wasm` can't be run\n  caused by: it is no valid module\n  caused by: ");
    m.has_no_trace_of_labs();
});

kernel_test!(syntax_error_is_shown_at_its_place, |m| {
    m.write("syntax.wat", "(component\n  (core module $program)\n  (core instance $program (instant $program)))\n");
    m.orchestrator(&["run", "syntax.wat"])
        .complains(2, "error: `syntax.wat` can't be run\n  caused by: it is no valid module\n  caused by: ")
        .stderr_has("syntax.wat:3:28\n")
        .stderr_has("(core instance $program (instant $program))");
    m.write("open.wat", "(component");
    m.orchestrator(&["run", "open.wat"]).complains(2, "caused by: it is no valid module\n  caused by: ");
    m.has_no_trace_of_labs();
});

kernel_test!(component_that_is_no_command_is_refused, |m| {
    let empty_run = "(component (instance $run) (export \"wasi:cli/run@0.2.0\" (instance $run)))";
    for component in ["(component)", empty_run, &EMPTY_WAT.replace("wasi:cli/run@0.2.0", "wasi:cli/run@0.3.0")] {
        m.write("library.wat", component);
        m.orchestrator(&["run", "library.wat"])
            .complains(
                2,
                "error: `library.wat` can't be run\n  caused by: it exports no `wasi:cli/run@0.2`, so it is no ",
            )
            .stderr_has("\n\nhint: a scenario is a WASI command: a program with `main`");
    }
    m.has_no_trace_of_labs();
});

kernel_test!(import_that_is_not_there_is_named, |m| {
    for import in ["acme:shop/till@1.0.0", "orchestrator:net/tunnel@0.1.0", "wasi:http/types@0.2.0"] {
        imports(m, import, "pay")
            .complains(2, &format!("it imports `{import}`, which this orchestrator does not have"));
    }
    m.write("function.wat", "(component (import \"pay\" (func)))");
    m.orchestrator(&["run", "function.wat"]).complains(2, "it imports `pay`, which this orchestrator does not have");
    m.has_no_trace_of_labs();
});

kernel_test!(import_of_another_version_is_told_which_is_there, |m| {
    for import in ["orchestrator:net/lab@0.2.0", "orchestrator:net/lab@1.0.0"] {
        imports(m, import, "name")
            .complains(2, &format!("it imports `{import}`, which this orchestrator does not have\n"))
            .stderr_has(
                "\n\nhint: this orchestrator has orchestrator:net/lab@0.1.0; build the scenario against that version",
            );
    }
    imports(m, "wasi:cli/environment@0.3.0", "get-arguments")
        .complains(2, "it imports `wasi:cli/environment@0.3.0`, which this orchestrator does not have\n")
        .stderr_has("\n\nhint: of WASI there is version 0.2");
    m.has_no_trace_of_labs();
});

kernel_test!(function_that_this_version_lacks_is_named_and_its_interface_not_denied, |m| {
    // 0.1.1 may have it one day: its guests go on working here as long as they don't import it.
    for import in ["orchestrator:net/lab@0.1.0", "orchestrator:net/lab@0.1.1"] {
        imports(m, import, "shake")
            .complains(2, "`shake`")
            .stderr_has("orchestrator:net/lab@0.1")
            .stderr_has("\n\nhint: ")
            .stderr_lacks(&format!("`{import}`, which this orchestrator does not have"))
            .stderr_lacks("linker");
    }
    m.has_no_trace_of_labs();
});

kernel_test!(misspelt_example_is_told_the_nearest, |m| {
    for (misspelt, near) in
        [("two-container", "two-containers"), ("n-container", "n-containers"), ("single", "single-container")]
    {
        m.orchestrator(&["run", misspelt]).complains(
            2,
            &format!("error: there is no built-in example `{misspelt}`\n\nhint: did you mean `{near}`?\n"),
        );
    }
    m.orchestrator(&["run", "zzz"])
        .complains(2, "error: there is no built-in example `zzz`\n\nhint: `orchestrator examples` lists them");
    m.orchestrator(&["run", "a\tb\x07"]).complains(2, "error: there is no built-in example `a\\tb\\u{7}`\n");
    m.write("my-lab", EMPTY_WAT);
    m.orchestrator(&["run", "my-lab"]).complains(2, "\n\nhint: a file is given with a `/`: `./my-lab`\n");
    m.has_no_trace_of_labs();
});

kernel_test!(scenario_that_traps_shows_why_and_its_own_functions, |m| {
    m.write("traps.wat", TRAPS);
    let trapped = m.orchestrator(&["run", "traps.wat"]);
    trapped.complains(1, "error: traps.wat: the scenario trapped: ").stderr_has("note: nothing had been built\n");
    let first = trapped.stderr().lines().next().unwrap_or_default();
    assert!(first.contains("`unreachable`"), "the first line does not say why: {trapped}");
    let stack: Vec<usize> = ["read_the_map", "find_the_way"].iter().filter_map(|f| trapped.stderr().find(f)).collect();
    assert!(stack.len() == 2 && stack.is_sorted(), "not the guest's stack, innermost first: {trapped}");
    m.has_no_trace_of_labs();
});

kernel_test!(scenario_that_traps_loses_what_it_had_built, |m| {
    let trapped = m.play("t", &[], "netns.add,red lab.apply sys.trap").run();
    trapped.complains(1, "the scenario trapped: ").stdout_has("lab.apply: ok\n");
    trapped.stderr_has("note: what had been built was undone\n");
    m.has_no_trace_of_labs();
});

kernel_test!(scenario_that_returns_an_error_has_its_own_words_shown, |m| {
    m.play("t", &[], "netns.add,red sys.fail,no-such-luck netns.add,blue")
        .run()
        .complains(1, &format!("error: {GUEST_CALLS}: the scenario returned an error\nnote: nothing had been built\n"))
        .stderr_has("no-such-luck")
        .stdout_lacks("blue");
    m.has_no_trace_of_labs();
});

kernel_test!(scenario_that_exits_with_a_failure_fails, |m| {
    m.play("t", &[], "netns.add,red lab.apply sys.exit,3")
        .run()
        .complains(1, &format!("error: {GUEST_CALLS}: the scenario "))
        .stderr_has("note: what had been built was undone\n");
    m.has_no_trace_of_labs();
});

kernel_test!(scenario_that_loops_for_ever_is_ended, |m| {
    let start = Instant::now();
    m.play("t", &["--max-cpu", "300ms"], "sys.loop")
        .run()
        .complains(1, "the scenario reached its limit of 300ms of CPU time; `--max-cpu` raises it\n");
    assert!(start.elapsed() >= Duration::from_millis(300));
    m.has_no_trace_of_labs();
});

kernel_test!(scenario_that_eats_memory_is_ended, |m| {
    m.play("t", &[], "sys.eat,2000000000")
        .run()
        .complains(1, "the scenario reached its limit of 256")
        .stderr_has(" MiB of memory; `--max-memory` raises it\n");
    m.has_no_trace_of_labs();
});

kernel_test!(scenario_that_recurses_for_ever_is_ended, |m| {
    let recursed = m.play("t", &[], "sys.recurse").run();
    recursed.complains(1, "the scenario trapped: ");
    let first = recursed.stderr().lines().next().unwrap_or_default();
    assert!(first.contains("call stack exhausted"), "the first line does not say why: {recursed}");
    // A stack of thousands of frames is no help.
    assert!(recursed.stderr().lines().count() < 50, "{recursed}");
    m.has_no_trace_of_labs();
});

kernel_test!(scenario_that_prints_a_gigabyte_is_ended, |m| {
    let printed =
        m.command("sh").args(&["-c", "orchestrator run \"$0\" -- sys.print,1000000000 | wc -c", GUEST_CALLS]).run();
    printed.success().stderr_has("the scenario reached its limit of 64");
    printed.stderr_has(" MiB of output; `--max-output` raises it\n").stderr_has("note: nothing had been built\n");
    let bytes: u64 = printed.stdout().trim().parse().unwrap();
    // All up to the write that would have passed the limit.
    assert!((64 << 20) - 65_536 < bytes && bytes <= 64 << 20, "{bytes} bytes were let through");
    m.has_no_trace_of_labs();
});

kernel_test!(command_in_what_is_not_there_is_refused, |m| {
    m.exec("none", "host", &["true"])
        .run()
        .complains(2, "error: there is no lab `none`\n\nhint: `orchestrator list` shows");
    m.stand("t", "netns.add,red");
    m.exec("t", "none", &["true"])
        .run()
        .complains(2, "the lab has none of that name\n\nhint: `orchestrator show t` shows");
    for netns in ["", "..", "$(id)", "-h", "a b", &"n".repeat(64)] {
        let refused = m.exec("t", netns, &["true"]);
        if netns == "-h" {
            refused.run().success().stdout_has("Usage: orchestrator exec");
        } else {
            refused
                .run()
                .complains(2, &format!("error: lab `t` has no netns `{netns}`\n\nhint: `orchestrator show t` shows"));
        }
    }
    for lab in ["", "..", "../t", "./t", "t/", "root/t/x", "$(id)", "T"] {
        m.exec(lab, "red", &["true"]).run().complains(2, &format!("error: there is no lab `{lab}`\n"));
    }
    m.exec("\x1b[31mt", "red", &["true"]).run().complains(2, "error: there is no lab `\\u{1b}[31mt`\n");
    m.exec("t", "red", &["no-such-command"]).run().complains(127, "error: `no-such-command` was not found\n");
    m.exec("t", "red", &[""]).run().complains(127, "error: `` was not found\n");
    m.exec("t", "red", &["/etc/passwd"]).run().complains(126, "error: could not execute `/etc/passwd`: EACCES");
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(lab_that_is_not_there_is_refused_by_every_command, |m| {
    m.stand_empty("t");
    let commands: [&[&str]; 6] = [
        &["show", "none"],
        &["ping", "none"],
        &["ping", "none", "a", "b"],
        &["down", "none"],
        &["down", "t", "none"],
        &["show", "nobody/none"],
    ];
    for command in commands {
        let lab = if command[1].contains('/') { "nobody/none" } else { "none" };
        let refused = m.orchestrator(command);
        refused.complains(
            2,
            &format!("error: there is no lab `{lab}`\n\nhint: `orchestrator list` shows the labs that stand\n"),
        );
    }
    // One name of two is wrong: nothing is removed.
    assert_eq!(m.labs(), ["t"]);
    m.orchestrator(&["run", "direct-pair", "--name", "t"])
        .complains(2, "error: lab `t` stands already, and comes from another module, `");
    m.orchestrator(&["ping", "t", "host", "none"]).complains(2, "the lab has none of that name");
    m.orchestrator(&["ping", "t", "none", "127.0.0.1"]).complains(2, "the lab has none of that name");
    m.orchestrator(&["ping", "t", "host", "10.0.0.1/24"]).complains(2, "error: lab `t` has no netns `10.0.0.1/24`\n");
    m.orchestrator(&["down", "t"]).success();
});

#[test]
fn wait_for_a_reply_that_outlasts_the_clock_ends_no_lab() {
    on_machine(Kind::User, |m| {
        m.stand("t", "link.set-up,host,lo bridge.add,host,br0 link.set-up,host,br0 address.add,host,br0,10.0.0.1/24");
        m.orchestrator(&["ping", "t", "host", "10.0.0.1", "-W", "500000000000years"]).success();
        assert_eq!(m.labs(), ["t"]);
        m.orchestrator(&["down", "t"]).success();
    });
}

/// Runs a component that does nothing but import `function` of `interface`.
#[track_caller]
fn imports(m: &Machine, interface: &str, function: &str) -> Outcome {
    let run = EMPTY_WAT.strip_prefix("(component").expect("it is a component");
    m.write(
        "imports.wat",
        format!("(component\n  (import \"{interface}\" (instance (export \"{function}\" (func)))){run}"),
    );
    m.orchestrator(&["run", "imports.wat"])
}
