//! Scenarios that are run with libraries, and libraries that do not go together.

mod support;

use serde_json::json;
use support::{Kind, Machine, kernel_test, on_machine};

/// A scenario that draws with the library `leaf-spine`.
const TWO_LEAVES: &str = env!("ORCHESTRATOR_TEST_GUEST_TWO_LEAVES");

const SPOKEN: &str = "here -> leaf2: reply in ";

/// A component in text that exports interfaces with a function, and imports others. One that exports `RUN` is a scenario.
fn component(imports: &[&str], exports: &[&str]) -> String {
    let mut text = String::from("(component\n");
    for (at, import) in imports.iter().enumerate() {
        text += &format!("(import \"{import}\" (instance $i{at} (export \"run\" (func (result (result))))))\n");
    }
    text += "(core module $m (func (export \"run\") (result i32) (i32.const 0)))
        (core instance $m (instantiate $m))
        (func $run (result (result)) (canon lift (core func $m \"run\")))\n";
    for (at, export) in exports.iter().enumerate() {
        text += &format!("(instance $e{at} (export \"run\" (func $run)))\n(export \"{export}\" (instance $e{at}))\n");
    }
    text + ")"
}

const RUN: &str = "wasi:cli/run@0.2.0";

impl Machine {
    fn component(&self, path: &str, imports: &[&str], exports: &[&str]) {
        self.write(path, component(imports, exports));
    }
}

kernel_test!(scenario_draws_with_a_library, |m| {
    let run = ["run", TWO_LEAVES, "--with", "leaf-spine"];
    let stands = m.orchestrator(&run);
    stands.success().stdout_has(SPOKEN).stdout_has("here -> there: reply in ");
    // What the library's call is refused with comes to the scenario as its own would.
    stands.stdout_has("again: could not add netns `there`: the lab has one of that name");
    let lab = m.view("two-leaves");
    assert_eq!(lab.netns_count(), 7);
    let here = lab.netns("here");
    assert_eq!(here[1], "eth0 up 10.1.0.2/16 link-local");
    m.orchestrator(&["check", "two-leaves"]).success();
    // With the same library as a file it is the same scenario, and the same network.
    m.orchestrator(&["examples", "--out", "made"]).success();
    let again = m.orchestrator(&["run", TWO_LEAVES, "--with", "made/leaf-spine.wasm"]);
    again.success().stdout_has(SPOKEN).stderr_has("no change");
    // An edit takes the library along.
    let edited = m.orchestrator(&[&run[..], &["--", "3"]].concat());
    edited.success().stderr_has("lab `two-leaves` was edited: ");
    assert_eq!(m.view("two-leaves").netns_count(), 8);
    // So does what goes wrong in it.
    let refused = m.orchestrator(&[&run[..], &["--", "1"]].concat());
    refused.fails_with(1).stderr_has("a fabric has 2 to 255 leaves, and not 1");
    m.orchestrator(&["check", "two-leaves"]).success();
    m.view("two-leaves").down();
});

#[test]
fn composed_scenario_is_planned_and_inspected() {
    on_machine(Kind::User, |m| {
        let digest = |library: &str| {
            let plan = m.orchestrator(&["plan", TWO_LEAVES, "--with", library, "--json"]);
            plan.success().json()["digest"].clone()
        };
        m.orchestrator(&["examples", "--out", "made"]).success();
        assert_eq!(digest("leaf-spine"), digest("made/leaf-spine.wasm"));
        let alone = m.orchestrator(&["inspect", TWO_LEAVES, "--json"]).success().json();
        assert_eq!(alone["missing"], json!(["example:leaf-spine/fabric@0.1.0"]));
        let whole = m.orchestrator(&["inspect", TWO_LEAVES, "--with", "leaf-spine", "--json"]).success().json();
        assert_eq!((&whole["missing"], &whole["is_command"]), (&json!([]), &json!(true)));
        // What the library can do the whole can.
        let interfaces = |inspected: &serde_json::Value| {
            let imports = inspected["imports"].as_array().unwrap().iter();
            imports.map(|import| import["interface"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert!(!interfaces(&alone).contains(&"orchestrator:net/bridge".to_owned()));
        assert!(interfaces(&whole).contains(&"orchestrator:net/bridge".to_owned()));
        let library = m.orchestrator(&["inspect", "leaf-spine"]);
        library.success().stdout_has("with `--with`, it gives scenarios example:leaf-spine/fabric@0.1.0.\n");
    });
}

#[test]
fn libraries_are_composed_with_each_other() {
    on_machine(Kind::User, |m| {
        m.component("lab.wat", &["a:a/one@0.1.0"], &[RUN]);
        m.component("one.wat", &["b:b/two@1.0.0"], &["a:a/one@0.1.2"]);
        m.component("two.wat", &[], &["b:b/two@1.3.0"]);
        for order in [["one.wat", "two.wat"], ["two.wat", "one.wat"]] {
            let run = m.orchestrator(&["run", "--rm", "lab.wat", "--with", order[0], "--with", order[1]]);
            run.success().stderr_has("lab `lab` stood");
        }
    });
}

#[test]
fn what_does_not_go_together_is_told() {
    on_machine(Kind::User, |m| {
        m.component("lab.wat", &["a:a/one@0.1.0"], &[RUN]);
        m.component("one.wat", &[], &["a:a/one@0.1.0"]);
        m.component("again.wat", &[], &["a:a/one@0.1.0"]);
        m.component("needs.wat", &["b:b/two@1.0.0"], &["a:a/one@0.1.0"]);
        m.component("back.wat", &["a:a/one@0.1.0"], &["b:b/two@1.0.0"]);
        m.component("later.wat", &[], &["a:a/one@0.2.0"]);
        m.component("other.wat", &[], &["c:c/other@1.0.0"]);
        m.write(
            "differs.wat",
            component(&[], &["a:a/one@0.1.0"]).replace("\"run\" (func $run)", "\"ran\" (func $run)"),
        );
        m.write("core.wat", "(module)");
        m.write("broken.wasm", "\0asm\u{d}\0\u{1}\0\u{7f}");
        m.write("text.wasm", "no module");
        let missing = "imports `a:a/one@0.1.0`, which no library exports and this orchestrator does not have";
        let cases: [(&[&str], &str, &str); 11] = [
            (&["one.wat", "direct-pair"], "`direct-pair` is a scenario and no library", "it runs by itself"),
            (
                &["one.wat", "again.wat"],
                "libraries `one.wat` and `again.wat` both export `a:a/one@0.1.0`",
                "leave one of them out",
            ),
            (
                &["needs.wat"],
                "`needs.wat` imports `b:b/two@1.0.0`, which no library exports",
                "`--with LIB` adds a library",
            ),
            (
                &["needs.wat", "back.wat"],
                "libraries import each other: needs.wat -> back.wat -> needs.wat",
                "into a third",
            ),
            (
                &["one.wat", "other.wat"],
                "nobody imports what library `other.wat` exports: c:c/other@1.0.0",
                "leave it out",
            ),
            (&["later.wat"], missing, "`orchestrator inspect` tells what one exports"),
            (
                &["differs.wat"],
                "`a:a/one@0.1.0` of library `differs.wat` is not what `lab.wat` imports",
                "the same WIT",
            ),
            (&["core.wat"], "library `core.wat` is a core module, and has to be a component", "--lib` makes a library"),
            (&["broken.wasm"], "library `broken.wasm`: it is no valid component", ""),
            (&["text.wasm"], "library `text.wasm`: it is not WebAssembly", ""),
            (&["two-containers"], "`lab.wat` imports `a:a/one@0.1.0`", ""),
        ];
        for (libraries, error, hint) in cases {
            let with = libraries.iter().flat_map(|library| ["--with", library]);
            let words: Vec<&str> = ["run", "lab.wat"].into_iter().chain(with).collect();
            let refused = m.orchestrator(&words);
            refused.complains(2, "`lab.wat` can't be run").stderr_has(error).stderr_has(hint);
        }
        m.component("leaves.wat", &["example:leaf-spine/fabric@0.1.0"], &[RUN]);
        m.orchestrator(&["run", "leaves.wat"])
            .complains(2, "it imports `example:leaf-spine/fabric@0.1.0`")
            .stderr_has("`--with leaf-spine` gives that");
        let alone = m.orchestrator(&["run", "lab.wat"]);
        alone.complains(2, "it imports `a:a/one@0.1.0`").stderr_has("a library may: `--with LIB`");
        m.orchestrator(&["run", "lab.wat", "--with", "none.wasm"]).complains(2, "could not open `none.wasm`");
        m.orchestrator(&["run", "lab.wat", "--with", "leaf-spin"]).complains(2, "did you mean `leaf-spine`?");
        let large = m.orchestrator(&["run", "lab.wat", "--with", "leaf-spine", "--max-module", "10KiB"]);
        large.fails_with(2);
        let library = m.orchestrator(&["run", "leaf-spine"]);
        library
            .complains(2, "it exports no `wasi:cli/run@0.2`")
            .stderr_has("hint: a library is given to a scenario by `run --with`");
        assert_eq!(m.orchestrator(&["list", "--json"]).success().json(), json!([]));
    });
}

#[test]
fn wit_of_a_library_is_printed_and_written() {
    on_machine(Kind::User, |m| {
        let printed = m.orchestrator(&["wit", "leaf-spine"]);
        printed
            .success()
            .stdout_has("package example:leaf-spine@0.1.0;\n")
            .stdout_has("build: func(leaves: u32, spines: u32)");
        printed.stdout_has("use orchestrator:net/netns@0.1.0.{netns};");
        let written = m.orchestrator(&["wit", "leaf-spine", "--out", "lab/wit/deps"]);
        assert_eq!(written.success().stdout(), "lab/wit/deps/example-leaf-spine.wit\n");
        let file = m.read(&format!("{}/lab/wit/deps/example-leaf-spine.wit", m.kind().home()));
        assert_eq!(file.trim_end(), printed.stdout().trim_end());
        m.write("core.wat", "(module)");
        m.write("text.wasm", "no module");
        for (library, words) in [
            ("two-containers", "it exports no interface that a scenario could import"),
            ("core.wat", "it is a core module, which exports no interfaces"),
            ("text.wasm", "it is not WebAssembly"),
        ] {
            m.orchestrator(&["wit", library])
                .complains(2, &format!("could not read the interfaces of `{library}`"))
                .stderr_has(words);
        }
    });
}
