//! Core modules are taken as they are, text and all: what they declare is enough.

mod support;

use support::{GUEST_CALLS, Kind, kernel_test, on_machine};

/// The example in WebAssembly's own text.
const TWO_CONTAINERS: &str = include_str!("../guest-examples/two-containers/wat/two-containers.wat");

/// Adds a netns, and prints to stdout by WASI preview 1.
const ADDS_RED: &str = include_str!("modules/adds-red.wat");

kernel_test!(two_containers_in_wat_is_the_same_network, |m| {
    m.write("two-containers.wat", TWO_CONTAINERS);
    let digest = |module: &str| {
        let plan = m.orchestrator(&["plan", module, "--format", "json"]);
        plan.success().json()["digest"].as_str().unwrap().to_owned()
    };
    assert_eq!(digest("./two-containers.wat"), digest("two-containers"));
    let run = m.orchestrator(&["run", "./two-containers.wat"]);
    assert_eq!(run.success().stdout(), "two containers and the host reach each other\n");
    m.orchestrator(&["check", "two-containers"]).success();
    m.orchestrator(&["run", "./two-containers.wat"]).success().stderr_has("no change");
    m.orchestrator(&["down", "two-containers"]).success();
    m.has_no_trace_of_labs();
});

kernel_test!(core_module_draws_in_text_and_in_binary, |m| {
    m.write("red.wat", ADDS_RED);
    m.write("red.wasm", wat::parse_str(ADDS_RED).unwrap());
    for module in ["./red.wat", "./red.wasm"] {
        let run = m.orchestrator(&["run", module, "--name", "lab"]);
        assert_eq!(run.success().stdout(), "red\n");
        m.orchestrator(&["show", "lab"]).success().stdout_has("netns red\n");
        m.orchestrator(&["down", "lab"]).success();
    }
    // What it could not do it says by itself, and its own words are shown.
    m.write("again.wat", ADDS_RED.replace("\"red\"", "\"r d\""));
    let failed = m.orchestrator(&["run", "./again.wat"]);
    failed.fails_with(1).stderr_has("netns name").stderr_has("nothing had been built");
    m.has_no_trace_of_labs();
});

#[test]
fn core_module_of_any_patch_version_is_taken() {
    on_machine(Kind::User, |m| {
        m.write("later.wat", ADDS_RED.replace("@0.1.0", "@0.1.7"));
        m.orchestrator(&["plan", "./later.wat", "--name", "t"]).success().stdout_has("add red");
        // Of WASI 0.2 it may import by itself what it likes. A clock that begins at 0 ends Go's runtime.
        let asks = "(import \"wasi:clocks/monotonic-clock@0.2.12\" \"now\" (func $now (result i64)))";
        let asking = ADDS_RED.replacen("(import", &format!("{asks}\n  (import"), 1);
        let looks = "(local $error i32) (if (i64.eqz (call $now)) (then unreachable))";
        m.write("asks.wat", asking.replace("(local $error i32)", looks));
        m.orchestrator(&["plan", "./asks.wat", "--name", "t"]).success();
    });
}

#[test]
fn memory_that_a_runtime_of_go_takes_is_its_own() {
    on_machine(Kind::User, |m| {
        m.write("contiguous.wat", include_str!("modules/contiguous.wat"));
        m.orchestrator(&["plan", "./contiguous.wat", "--name", "t"]).success().stderr_has("whole\n");
        // The room is its memory, used or not.
        let narrow = m.orchestrator(&["plan", "./contiguous.wat", "--name", "t", "--max-memory", "64MiB"]);
        narrow.fails_with(1).stderr_has("64.0 MiB of memory").stderr_has("--max-memory");
    });
}

#[test]
fn core_module_that_does_not_fit_is_told_why() {
    on_machine(Kind::User, |m| {
        let with = |from: &str, to: &str| {
            assert!(ADDS_RED.contains(from), "{from}");
            ADDS_RED.replace(from, to)
        };
        let import = |name: &str| format!("(import \"env\" \"{name}\" (func))");
        let six = ["a", "b", "c", "d", "e", "f"].map(import).join(" ");
        let cases = [
            (
                with("@0.1.0", "@0.2.0"),
                "it imports `orchestrator:net/netns@0.2.0`, which this orchestrator does not have",
            ),
            (
                with("@0.1.0", "@0.2.0"),
                "hint: this orchestrator has orchestrator:net/*@0.1.0; build all of the scenario",
            ),
            (
                with("\"add\"", "\"make\""),
                "it imports `make` of `orchestrator:net/netns@0.1.0`, which nobody gives it here",
            ),
            (with("net/netns", "net/vlan"), "it imports `add` of `orchestrator:net/vlan@0.1.0`, which nobody gives it"),
            (
                with("\"fd_write\"", "\"fd_scribble\""),
                "it imports `fd_scribble` of `wasi_snapshot_preview1`, which nobody",
            ),
            (
                with("wasi_snapshot_preview1", "wasi_unstable"),
                "it imports `fd_write` of `wasi_unstable`, `proc_exit` of",
            ),
            (
                with("  (memory", &format!("  {six} (memory")),
                "it imports `a` of `env`, `b` of `env`, `c` of `env`, `d` of `env`, `e` of `env` and 1 more, which nobody",
            ),
            (
                with("  (memory", "  (import \"env\" \"a\" (func)) (memory"),
                "what a C compiler finds nowhere it imports",
            ),
            (with("\"_start\"", "\"_initialize\""), "it exports no `_start`, so it is no command and no scenario"),
            (with("\"_start\"", "\"_initialize\""), "hint: build it as a command, with a `main`, and not as a library"),
            (
                with("  (memory", "  (import \"orchestrator:net/link@0.1.7\" \"list\" (func (param i32 i32))) (memory"),
                "it imports orchestrator:net of two versions, 0.1.0 and 0.1.7",
            ),
            (with("@0.1.0", "@0.1"), "it imports `orchestrator:net/netns@0.1`, which this orchestrator does not have"),
            (with("\"cabi_realloc\"", "\"malloc\""), "module does not export a function named `cabi_realloc`"),
            (with("\"cabi_realloc\"", "\"malloc\""), "hint: texts come back to it, an error's message at least"),
            (
                with("(param i32 i32 i32)))", "(param i32 i32) (result i32)))"),
                "type mismatch for function `add`: expected",
            ),
            ("(module".into(), "it is no valid module"),
        ];
        for (module, words) in cases {
            m.write("module.wat", &module);
            for command in [&["run", "./module.wat"][..], &["plan", "./module.wat"]] {
                let outcome = m.orchestrator(command);
                outcome.complains(2, "`./module.wat` can't be run\n  caused by: ").stderr_has(words);
            }
        }
        let binary = wat::parse_str(ADDS_RED).unwrap();
        m.write("half.wasm", &binary[..binary.len() / 2]);
        m.orchestrator(&["run", "half.wasm"])
            .complains(2, "`half.wasm` can't be run\n  caused by: it is no valid core");
        m.has_no_trace_of_labs();
    });
}

#[test]
fn module_is_inspected_without_being_run() {
    on_machine(Kind::User, |m| {
        m.write("red.wat", ADDS_RED);
        m.write("calls.wasm", std::fs::read(m.outside(GUEST_CALLS)).unwrap());
        m.orchestrator(&["inspect", "./red.wat"])
            .success()
            .stdout_has("red.wat: a core module, ")
            .stdout_has("built against: orchestrator:net@0.1.0 (here is 0.1.0)\n")
            .stdout_has("orchestrator:net/netns@0.1.0   add, list and remove network namespaces")
            .stdout_lacks("orchestrator:net/link");
        m.orchestrator(&["inspect", "two-containers"])
            .success()
            .stdout_has("two-containers: a component, ")
            .stdout_has("language: Rust\nmade by: ")
            .stdout_lacks("It imports all there is");
        m.orchestrator(&["inspect", "./calls.wasm"]).success().stdout_has("It imports all there is");
        let json = m.orchestrator(&["inspect", "./red.wat", "--json"]);
        let json = json.success().json();
        assert_eq!((&json["kind"], &json["is_command"]), (&"core module".into(), &true.into()));
        assert_eq!(json["missing"], serde_json::json!([]));
        assert_eq!(json["bytes"], ADDS_RED.len());
        let netns =
            json["imports"].as_array().unwrap().iter().find(|import| import["interface"] == "orchestrator:net/netns");
        assert_eq!(netns.unwrap()["functions"], serde_json::json!(["add"]));
        let random = "(export \"get-random-u64\" (func (result u64)))";
        m.write("grants.wat", format!("(component (import \"wasi:random/random@0.2.0\" (instance {random})))"));
        m.orchestrator(&["inspect", "grants.wat"])
            .success()
            .stdout_has("--allow random\n")
            .stdout_has("It can't be run: it exports no `wasi:cli/run`, so it is no scenario.\n");
        m.write("till.wat", "(component (import \"acme:shop/till@1.0.0\" (instance (export \"open\" (func)))))");
        let till = m.orchestrator(&["inspect", "till.wat"]);
        till.success().stdout_has("It can't be run here, where there is no acme:shop/till@1.0.0.\n");
        // What no interface is, nobody gives it either; what it exports besides is its own affair.
        for (component, missing) in [
            ("(import \"x\" (core module))", "x"),
            ("(import \"a:b/c\" (func))", "a:b/c"),
            ("(import \"wasi:cli/run\" (func))", "wasi:cli/run"),
            ("(type $t (func)) (import \"f\" (func (type $t))) (export \"g\" (type $t))", "f"),
            ("(component $c) (export \"c\" (component $c)) (import \"d\" (component))", "d"),
            ("(import \"a:b/r@0.2.0\" (instance (export \"r\" (type (sub resource)))))", "a:b/r@0.2.0"),
            ("(import \"wasi:cli/nonsense@0.2.0\" (instance (export \"f\" (func))))", "wasi:cli/nonsense@0.2.0"),
            (
                "(import \"orchestrator:net/netns@0.1.0\" (instance (export \"fly\" (func))))",
                "orchestrator:net/netns@0.1.0",
            ),
        ] {
            m.write("odd.wat", format!("(component {component})"));
            let words = format!("It can't be run here, where there is no {missing}.\n");
            m.orchestrator(&["inspect", "odd.wat"]).success().stdout_has(&words);
        }
        // Types are in the component itself.
        m.write(
            "types.wat",
            "(component (import \"a:b/c@0.1.0\" (instance (type $t u32) (export \"n\" (type (eq $t))))))",
        );
        m.orchestrator(&["inspect", "types.wat"])
            .success()
            .stdout_has("It imports nothing")
            .stdout_lacks("there is no");
        m.write("nothing.wat", "(component)");
        m.orchestrator(&["inspect", "nothing.wat"])
            .success()
            .stdout_has("It imports nothing, so all it can do is compute");
        m.has_no_trace_of_labs();
    });
}

#[test]
fn what_can_not_be_inspected_is_told() {
    on_machine(Kind::User, |m| {
        m.write("text.wasm", "#!/bin/sh");
        m.write("open.wat", "(component");
        m.write("no-start.wat", "(module)");
        m.write("no-memory.wat", "(module (func (export \"_start\")))");
        m.write("empty.wasm", "");
        m.write("damaged.wasm", b"\0asm\x0d\0\x01\0\xff\xff");
        for (module, words) in [
            ("two-container", "did you mean `two-containers`?"),
            ("./none.wasm", "could not open `./none.wasm`"),
            ("text.wasm", "`text.wasm` can't be inspected\n  caused by: it is not WebAssembly"),
            ("open.wat", "`open.wat` can't be inspected\n  caused by: "),
            ("no-start.wat", "it exports no `_start`"),
            ("no-memory.wat", "it exports no `memory`"),
            ("empty.wasm", "`empty.wasm` can't be inspected\n  caused by: it is empty"),
            ("damaged.wasm", "`damaged.wasm` can't be inspected\n  caused by: it is no valid module"),
            ("/dev/zero", "it is larger than the limit of 64.0 MiB; `--max-module` raises it"),
        ] {
            let outcome = m.orchestrator(&["inspect", module]);
            assert_eq!(outcome.complains(2, words).stdout(), "", "{module}");
        }
        // What it says of itself is a stranger's: a producers section of one field, one value.
        let field = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let long = format!("Rust\x1b[2J{}It imports nothing", " ".repeat(60));
        let section = [field("producers"), vec![1], field("language"), vec![1], field(&long), field("")].concat();
        let module = [&b"\0asm\x0d\0\x01\0\0"[..], &[u8::try_from(section.len()).unwrap()], &section].concat();
        m.write("says.wasm", &module);
        let says = m.orchestrator(&["inspect", "says.wasm"]);
        says.success()
            .stdout_has("language: Rust\\u{1b}[2J ")
            .stdout_lacks("\x1b")
            .stdout_lacks("It imports nothing\n");
        m.orchestrator(&["inspect", "says.wasm", "--json"]).success().stdout_lacks("\\u001b");
    });
}

#[test]
fn wit_is_printed_and_written() {
    on_machine(Kind::User, |m| {
        let printed = m.orchestrator(&["wit"]);
        printed.success().stdout_has("package orchestrator:net@0.1.0;\n").stdout_has("world scenario {\n");
        m.orchestrator(&["wit", "--out", "wit"]).success();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        for file in ["errors.wit", "world.wit", "deps/cli.wit", "deps/sockets.wit"] {
            let written = m.command("cat").args(&[&format!("wit/{file}")]).run();
            assert_eq!(written.success().stdout(), std::fs::read_to_string(folder.join(file)).unwrap());
        }
        let written = m.command("sh").args(&["-c", "find wit -type f | wc -l"]).run();
        assert_eq!(written.success().stdout(), "17\n");
        m.write("file", "");
        m.orchestrator(&["wit", "--out", "file"]).fails_with(2).stderr_has("could not make `file/deps`");
    });
}
