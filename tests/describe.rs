//! Scenarios that say what they are: their arguments are checked before they run, and told.

mod support;

use serde_json::json;
use support::{GUEST_CALLS, Kind, Machine, kernel_test, on_machine};

/// A core module that says that it is `title`, in a line of its own words, after `before`.
fn described(title: &str, imports: &str, before: &str) -> String {
    let word = |number: usize| format!("\\{:02x}\\{:02x}\\00\\00", number & 255, number >> 8);
    // Its title, its summary and its arguments, each where it is and how long; then the title.
    let record = [0x200, title.len(), 0, 0, 0, 0].map(word).concat();
    let title: String = title.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    format!(
        "(module {imports} (memory (export \"memory\") 1)
           (data (i32.const 0x100) \"{record}\") (data (i32.const 0x200) \"{title}\") (data (i32.const 0x80) \"red\")
           (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 0x1000))
           (func (export \"_start\"))
           (func (export \"orchestrator:net/describe@0.1.0#describe\") (result i32) {before} (i32.const 0x100)))"
    )
}

impl Machine {
    fn has_no_lab(&self) {
        assert_eq!(self.orchestrator(&["list", "--json"]).success().json(), json!([]));
    }

    fn digest(&self, module: &[&str]) -> String {
        let plan = [&["plan", "--json"], module].concat();
        self.orchestrator(&plan).success().json()["digest"].as_str().unwrap().to_owned()
    }
}

kernel_test!(what_a_scenario_takes_is_told_instead_of_running_it, |m| {
    for words in [&["run", "n-containers", "--", "--help"][..], &["plan", "n-containers", "--", "3", "-h"]] {
        let help = m.orchestrator(words);
        for text in [
            "N containers on a bridge, or on a row of bridges\n\n",
            "\nUsage: orchestrator run n-containers -- CONTAINERS [--ipv6]\n",
            "How many containers there are [whole number from 1 to 65533]\n",
            "--ipv6",
        ] {
            help.success().stdout_has(text);
        }
    }
    m.orchestrator(&["run", "full-mesh", "--", "--help"]).success().stdout_has("default: 4]");
    m.orchestrator(&["run", "direct-pair", "--", "--help"])
        .success()
        .stdout_has("Usage: orchestrator run direct-pair\n");
    m.has_no_lab();
    // One that says nothing gets what was given.
    let calls = m.orchestrator(&["run", GUEST_CALLS, "--", "sys.args", "--help"]);
    calls.fails_with(1).stdout_has("--help\n");
});

kernel_test!(wrong_arguments_are_refused_before_the_scenario_runs, |m| {
    let cases: [(&[&str], &str); 8] = [
        (
            &["n-containers", "--", "0"],
            "n-containers: invalid value '0' for '<CONTAINERS>': it is no whole number from 1 to 65533\n",
        ),
        (&["n-containers", "--", "x"], "it is no whole number from 1 to 65533\n"),
        (&["n-containers", "--", "-1"], "it is no whole number from 1 to 65533\n"),
        (&["n-containers"], "n-containers: the following required arguments were not provided: <CONTAINERS>\n"),
        (&["n-containers", "--", "2", "3"], "n-containers: unexpected argument '3' found\n"),
        (&["n-containers", "--", "2", "--ipv4"], "n-containers: unexpected argument '--ipv4' found\n"),
        (&["fabric", "--", "1", "1", "1"], "invalid value '1' for '<LEAVES>': it is no whole number from 2 to 255\n"),
        (&["two-lans", "--", "\u{202e}x"], "two-lans: unexpected argument '\\u{202e}x' found\n"),
    ];
    for (words, error) in cases {
        for command in ["run", "plan"] {
            let refused = m.orchestrator(&[&[command][..], words].concat());
            refused.complains(2, error).stderr_has(&format!("hint: `orchestrator run {} -- --help`", words[0]));
            assert_eq!(refused.stdout(), "", "{refused}");
        }
    }
    m.has_no_lab();
    // What stands is left as it is.
    m.orchestrator(&["run", "n-containers", "--", "2"]).success();
    m.orchestrator(&["run", "n-containers", "--", "0"]).complains(2, "it is no whole number");
    m.orchestrator(&["check", "n-containers"]).success();
    m.orchestrator(&["run", "n-containers", "--", "2"]).success().stderr_has("no change");
    m.orchestrator(&["down", "n-containers"]).success();
});

#[test]
fn arguments_are_the_same_however_they_are_written() {
    on_machine(Kind::User, |m| {
        assert_eq!(m.digest(&["n-containers", "--", "--ipv6", "3"]), m.digest(&["n-containers", "--", "3", "--ipv6"]));
        assert_eq!(m.digest(&["full-mesh"]), m.digest(&["full-mesh", "--", "4"]));
        assert_ne!(m.digest(&["full-mesh"]), m.digest(&["full-mesh", "--", "5"]));
    });
}

#[test]
fn inspect_tells_what_a_scenario_says() {
    on_machine(Kind::User, |m| {
        let text = m.orchestrator(&["inspect", "full-mesh"]);
        text.success().stdout_has("it says: A veth pair between each two of N containers\n");
        text.stdout_has("CONTAINERS   whole number from 2 to 64   4         How many containers there are\n");
        let json = m.orchestrator(&["inspect", "n-containers", "--json"]).success().json();
        let description = &json["description"];
        assert_eq!(description["usage"], "CONTAINERS [--ipv6]");
        let containers = json!({
            "name": "containers", "summary": "How many containers there are", "position": "positional",
            "type": "integer", "range": [1, 65533], "choices": null, "required": true, "default": null,
        });
        assert_eq!(description["arguments"][0], containers);
        assert_eq!(description["arguments"][1]["type"], "flag");
        assert_eq!(m.orchestrator(&["inspect", GUEST_CALLS, "--json"]).success().json()["description"], json!(null));
    });
}

#[test]
fn description_that_cannot_be_used_is_told() {
    on_machine(Kind::User, |m| {
        m.write("good.wat", described("A lab", "", ""));
        m.orchestrator(&["run", "--rm", "good.wat"]).success();
        m.orchestrator(&["run", "good.wat", "--", "x"]).complains(2, "good.wat: unexpected argument 'x' found");
        let long = "x".repeat(101);
        for (title, words) in [
            ("", "what it says of itself can't be used: its title has to be more than nothing"),
            ("\u{1b}[2J", "its title has to be one line of at most 100 characters"),
            ("two\nlines", "its title has to be one line of at most 100 characters"),
            (&*long, "its title has to be one line of at most 100 characters"),
        ] {
            m.write("bad.wat", described(title, "", ""));
            for command in ["run", "plan"] {
                m.orchestrator(&[command, "bad.wat"]).complains(1, "`bad.wat` can't be run").stderr_has(words);
            }
            // What it could do is told all the same.
            m.orchestrator(&["inspect", "bad.wat"]).success().stdout_has("bad.wat: a core module, ").stdout_has(words);
        }
        // Another one's title does nothing to a terminal.
        m.write("sly.wat", described("A\u{202e}", "", ""));
        m.orchestrator(&["inspect", "sly.wat"]).success().stdout_has("it says: A\\u{202e}\n");
        m.orchestrator(&["run", "sly.wat", "--", "--help"]).success().stdout_has("A\\u{202e}\n");
        m.has_no_lab();
    });
}

kernel_test!(scenario_that_does_ill_while_it_says_what_it_is_does_none, |m| {
    let add = "(import \"orchestrator:net/netns@0.1.0\" \"add\" (func $add (param i32 i32 i32)))";
    let adds = "(call $add (i32.const 0x80) (i32.const 3) (i32.const 0x400))";
    m.write("draws.wat", described("A lab", add, adds));
    m.orchestrator(&["run", "draws.wat"]).success().stderr_has("1 netns");
    m.orchestrator(&["down", "draws"]).success();
    m.write("traps.wat", described("A lab", "", "unreachable"));
    let trapped = m.orchestrator(&["run", "traps.wat"]);
    trapped.complains(1, "`traps.wat` can't say what it takes").stderr_has("the scenario trapped: wasm trap");
    m.write("loops.wat", described("A lab", "", "(loop $again (br $again))"));
    for words in
        [&["run", "loops.wat", "--max-cpu", "200ms"][..], &["run", "loops.wat", "--max-cpu", "200ms", "--", "-h"]]
    {
        let looped = m.orchestrator(words);
        looped
            .complains(1, "can't say what it takes")
            .stderr_has("its limit of 200ms of CPU time; `--max-cpu` raises it");
    }
    m.has_no_lab();
});

#[test]
fn describe_of_another_kind_is_told() {
    on_machine(Kind::User, |m| {
        let run = "(core module $m (func (export \"run\") (result i32) (i32.const 0)) (func (export \"nothing\")))
            (core instance $i (instantiate $m))
            (func $run (result (result)) (canon lift (core func $i \"run\")))
            (instance $command (export \"run\" (func $run)))
            (export \"wasi:cli/run@0.2.0\" (instance $command))";
        let exports = |name: &str| {
            format!(
                "(component {run} (func $nothing (canon lift (core func $i \"nothing\")))
                   (instance $describe (export \"{name}\" (func $nothing)))
                   (export \"orchestrator:net/describe@0.1.0\" (instance $describe)))"
            )
        };
        for name in ["describe", "told"] {
            m.write("other.wat", exports(name));
            let refused = m.orchestrator(&["run", "other.wat"]);
            let words = "what it exports as `orchestrator:net/describe@0.1.0` is of another type";
            refused.complains(2, "`other.wat` can't be run").stderr_has(words);
        }
        // Of a version that is not here it is none of ours.
        m.write("later.wat", exports("describe").replace("describe@0.1.0", "describe@0.2.0"));
        m.orchestrator(&["run", "--rm", "later.wat"]).success();
        let imports = "(import \"orchestrator:net/describe@0.1.0\" (instance (export \"describe\" (func))))";
        m.write("asks.wat", format!("(component {imports} {run})"));
        let asks = m.orchestrator(&["run", "asks.wat"]);
        asks.complains(2, "it imports `orchestrator:net/describe@0.1.0`").stderr_has("nobody can import it");
    });
}
