//! Projects: made, built by a toolchain, run, and watched. The toolchain here is a script that copies a project's code, which is a
//! module in text; tests/languages.rs has the real ones.

mod support;

use std::time::Duration;

use nix::sys::signal::Signal;
use support::{Command, Kind, Machine, kernel_test, on_machine};

const LANGUAGES: [(&str, &str, &str); 6] = [
    ("rust", "cargo", "1.88"),
    ("python", "componentize-py", "0.25"),
    ("javascript", "jco", "1.35"),
    ("c", "zig", "0.15"),
    ("go", "go", "1.24"),
    ("zig", "zig", "0.15"),
];

/// Adds a netns, and prints to stdout by WASI preview 1.
const ADDS_RED: &str = include_str!("modules/adds-red.wat");

/// Copies a scenario to where it is told, unless it has a fault.
const TOOLCHAIN: &str = "#!/bin/sh
if [ \"$1\" = --version ]; then echo componentize-py 0.25.1; exit; fi
echo one message
echo another >&2
if grep fault scenario.py >&2; then exit 7; fi
while [ $# -gt 1 ]; do shift; done
[ -e lazy ] || cp scenario.py \"$1\"
";

impl Machine {
    /// Writes a program.
    fn program(&self, path: &str, text: &str) {
        let (folder, _) = path.rsplit_once('/').expect("it is in a folder");
        self.command("mkdir").args(&["-p", folder]).run().success();
        self.write(path, text);
        self.command("chmod").args(&["+x", path]).run().success();
    }

    /// Makes a project whose code is a module.
    fn project(&self) {
        self.orchestrator(&["new", "lab1", "--lang", "python"]).success();
        self.write("lab1/scenario.py", ADDS_RED);
        self.program("lab1/.venv/bin/componentize-py", TOOLCHAIN);
    }

    /// Begins a command in the project.
    fn inside(&self, words: &[&str]) -> Command<'_> {
        self.command("orchestrator").args(words).cwd(&format!("{}/lab1", self.kind().home()))
    }
}

#[test]
fn project_is_made_in_each_language() {
    on_machine(Kind::User, |m| {
        for (language, program, _) in LANGUAGES {
            let folder = format!("projects/in-{language}");
            let made = m.orchestrator(&["new", &folder, "--lang", language]);
            made.success().stdout_has(&format!("orchestrator run {folder} --watch"));
            // No toolchain is there, so what brings it is said, here and in the README.
            let install = made.stdout().lines().find(|line| line.starts_with("  (cd ") || line.starts_with("  curl"));
            let install = install.unwrap_or_else(|| panic!("no word of how {program} is installed: {made}")).trim();
            let command = install.trim_end_matches(')').split(" && ").skip(usize::from(language != "rust"));
            let command = command.collect::<Vec<_>>().join(" && ");
            let readme = m.read(&format!("{}/{folder}/README.md", m.kind().home()));
            assert!(readme.contains(&format!("\n{command}\n")), "{command} is not in {readme}");
            let wit = m.read(&format!("{}/{folder}/wit/world.wit", m.kind().home()));
            assert!(wit.contains("world scenario"));
            // What is there is left alone.
            let again = m.orchestrator(&["new", &folder, "--lang", language]);
            again.complains(2, &format!("error: `{folder}` is there already\n"));
        }
        m.write("file", "");
        m.orchestrator(&["new", "file", "--lang", "c"]).complains(2, "`file` is there already");
        m.orchestrator(&["new", "file/lab", "--lang", "c"]).complains(2, "could not write `file`");
        for name in ["Lab", "1lab", "my_lab", "..", "lab/..", "a name"] {
            m.orchestrator(&["new", name, "--lang", "c"]).complains(2, "the name has 1 to 40 of `a-z 0-9 -`");
        }
        for name in ["build", "fn", "orchestrator-net"] {
            m.orchestrator(&["new", name, "--lang", "rust"]).complains(2, "cargo has another use for that name");
        }
        m.orchestrator(&["new", "lab", "--lang", "cobol"]).fails_with(2).stderr_has("javascript");
        m.orchestrator(&["new", "lab"]).fails_with(2).stderr_has("--lang");
        assert_eq!(m.command("ls").run().success().stdout(), "file\nprojects\n");
    });
}

#[test]
fn toolchain_that_is_missing_or_too_old_is_told_with_what_installs_it() {
    on_machine(Kind::User, |m| {
        for (language, program, least) in LANGUAGES {
            let name = format!("in-{language}");
            m.orchestrator(&["new", &name, "--lang", language]).success();
            let missing = m.orchestrator(&["build", &name]);
            missing.complains(3, &format!("there is no `{program}`, which builds scenarios in "));
            missing.stderr_has("hint: `").stderr_has("` installs it\n");
            m.program(&format!("{name}/.venv/bin/{program}"), "#!/bin/sh\necho 0.7.0\n");
            let old = m.orchestrator(&["build", &name]);
            old.complains(3, &format!("`{program}` is of version 0.7, and it takes {least} to build scenarios in "));
            old.stderr_has("` installs it\n");
        }
        // A compiler of Rust without a library for what it is to build for.
        m.program("in-rust/.venv/bin/cargo", "#!/bin/sh\necho cargo 1.95.0\n");
        m.program("in-rust/.venv/bin/rustc", "#!/bin/sh\necho /nowhere\n");
        let without = m.orchestrator(&["build", "in-rust"]);
        without.complains(3, "the standard library of Rust for wasm32-wasip2 is missing");
        without.stderr_has("`rustup target add wasm32-wasip2` installs it");
        // A project's own comes before any other, whatever it is called.
        m.command("rm").args(&["in-zig/.venv/bin/zig"]).run().success();
        m.program("in-zig/node_modules/.bin/zig", "#!/bin/sh\necho 0.7.0\n");
        m.program("in-zig/.venv/bin/python-zig", "#!/bin/sh\necho 0.15.2\n");
        m.orchestrator(&["build", "in-zig"]).complains(1, "has succeeded and left no module");
        // A package that is no scenario's leaves nothing either.
        let cargo = "#!/bin/sh\nif [ $1 = metadata ]; then echo {}; else echo cargo 1.95.0; fi\n";
        m.program("in-rust/.venv/bin/cargo", cargo);
        m.program("in-rust/.venv/bin/rustc", "#!/bin/sh\necho /\n");
        let none = m.orchestrator(&["build", "in-rust"]);
        none.complains(2, "it takes a package with one program to be a scenario, or with one cdylib to be a library; this one has 0 programs");
        m.command("ls").arg("in-rust/.orchestrator-build").run().fails_with(2);
        // What it says of itself is shown where that is that it can't do anything.
        m.program("in-rust/.venv/bin/cargo", "#!/bin/sh\necho no default toolchain >&2; exit 1\n");
        let nothing = m.orchestrator(&["build", "in-rust"]);
        nothing.complains(1, "cargo --version` has failed, exit status: 1").stderr_has("no default toolchain\n");
        // One that can't be run.
        m.program("in-go/.venv/bin/go", "#!/nowhere\n");
        m.orchestrator(&["build", "in-go"]).complains(3, "bin/go version`");
    });
}

#[test]
fn folder_that_is_no_project_is_told() {
    on_machine(Kind::User, |m| {
        m.command("mkdir").arg("empty").run().success();
        let none = m.orchestrator(&["build", "empty"]);
        none.complains(2, "`empty` is no project: it has none of `Cargo.toml`, `scenario.py`, `scenario.js`");
        none.stderr_has("hint: `orchestrator new NAME --lang LANG` makes one");
        m.orchestrator(&["run", "./empty"]).complains(2, "`./empty` is no project");
        m.orchestrator(&["run", "./empty", "--watch"]).complains(2, "`./empty` is no project");
        m.orchestrator(&["plan", "."]).complains(2, "`.` is no project");
        m.orchestrator(&["build", "nowhere"]).complains(2, "could not open `nowhere`");
        m.orchestrator(&["inspect", "./empty"])
            .fails_with(2)
            .stderr_has("`orchestrator build ./empty` builds the module");
        m.orchestrator(&["run", "empty"]).complains(2, "no built-in example").stderr_has("`./empty`");
        m.write("empty/scenario.c", "");
        m.write("empty/scenario.zig", "");
        let both = m.orchestrator(&["build", "empty"]);
        both.complains(2, "could be a project in C or in Zig: it has `scenario.c` and `scenario.zig`");
        m.orchestrator(&["build", "empty/scenario.c"]).complains(2, "is no folder");
        m.orchestrator(&["run", "two-containers", "--watch"]).complains(2, "is nothing that could be watched");
        for flag in ["--rm", "--replace"] {
            m.orchestrator(&["run", "./empty", "--watch", flag]).fails_with(2).stderr_has("cannot be used with");
        }
    });
}

kernel_test!(project_is_built_and_run, |m| {
    m.project();
    let built = m.inside(&["build"]).run();
    assert_eq!(built.success().stdout(), "./lab1.wasm\n", "its messages are not among that");
    built.stderr_has("one message\n").stderr_has("another\n").stderr_has("built `./lab1.wasm` in ");
    let run = m.orchestrator(&["run", "./lab1"]);
    assert_eq!(run.success().stdout(), "red\n");
    m.inside(&["run", "."]).run().success().stderr_has("lab `lab1`: no change");
    m.inside(&["plan", "."]).run().success().stdout_has("add red");
    m.orchestrator(&["show", "lab1"]).success().stdout_has("netns red\n");
    m.orchestrator(&["list"]).success().stdout_has("./lab1.wasm");
    m.orchestrator(&["check", "lab1"]).success();

    // What can't be built takes nothing away.
    m.write("lab1/scenario.py", "a fault\n");
    let failed = m.inside(&["run", "."]).run();
    failed
        .complains(1, "could not build `.`")
        .stderr_has("componentize-py -d wit -w scenario componentize scenario -o ");
    failed.stderr_has(" has failed, exit status: 7\n").stderr_has("\na fault\n");
    m.inside(&["run", "./lab1.wasm"]).run().success().stderr_has("no change");
    m.write("lab1/scenario.py", ADDS_RED);
    m.write("lab1/lazy", "");
    m.inside(&["build"]).run().complains(1, "has succeeded and left no module");
    m.command("rm").arg("lab1/lazy").run().success();
    let files = m.command("ls").args(&["-A", "lab1"]).run();
    assert_eq!(files.success().stdout(), ".gitignore\n.venv\nREADME.md\nlab1.wasm\nscenario.py\nwit\n");
    m.orchestrator(&["down", "lab1"]).success();
    m.has_no_trace_of_labs();
});

#[test]
fn project_is_built_again_when_its_sources_are_others() {
    on_machine(Kind::User, |m| {
        m.project();
        m.write("lab1/scenario.py", wat::parse_str(ADDS_RED).unwrap());
        let plan = |is_built: bool| {
            let plan = m.inside(&["plan", "."]).run();
            assert_eq!(plan.success().stderr().contains("built `./lab1.wasm` in "), is_built, "{plan}");
        };
        plan(true);
        plan(false);
        m.write("lab1/wit/more.txt", "");
        plan(true);
        m.command("rm").arg("lab1/wit/more.txt").run().success();
        plan(true);
        m.write("lab1/.hidden", "");
        plan(false);
        // Whoever asks for it has it built.
        m.inside(&["build"]).run().success().stderr_has("built `./lab1.wasm` in ");
        m.command("rm").arg("lab1/lab1.wasm").run().success();
        plan(true);
    });
}

kernel_test!(saved_file_edits_the_lab_that_stands, |m| {
    m.project();
    let mut watch = m.inside(&["run", ".", "--watch", "--name", "lab", "--", "--watch"]).spawn();
    watch.stderr_gets("lab `lab` stands: 2 netns");
    watch.stderr_gets("watching `.`");
    m.write("lab1/scenario.py", ADDS_RED.replace("\"red\"", "\"blu\""));
    watch.stderr_gets("changed: `./scenario.py`\n");
    watch.stderr_gets("lab `lab` was edited: 1 added, 0 changed, 1 removed");
    m.orchestrator(&["show", "lab"]).success().stdout_has("netns blu\n");
    // Neither what can't be built nor what fails changes it.
    for (code, why) in [("a fault".to_owned(), "has failed, exit status: 7"), (failing(), "lab `lab` is as it was")] {
        m.write("lab1/scenario.py", code);
        watch.stderr_gets(why);
        m.orchestrator(&["show", "lab"]).success().stdout_has("netns blu\n");
        m.orchestrator(&["check", "lab"]).success();
    }
    m.write("lab1/new.part", ADDS_RED.replace("\"red\"", "\"own\""));
    m.command("mv").args(&["lab1/new.part", "lab1/scenario.py"]).run().success();
    let show = || m.orchestrator(&["show", "lab"]).success().stdout().contains("netns own\n").then_some(());
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    support::poll_until(deadline, show).expect("the last code is drawn");
    watch.signal(Signal::SIGINT);
    assert_eq!(watch.wait().code(), 128 + Signal::SIGINT as i32);
    m.orchestrator(&["check", "lab"]).success();
    m.orchestrator(&["down", "lab"]).success();
    m.has_no_trace_of_labs();
});

/// A name that no netns has.
fn failing() -> String {
    ADDS_RED.replace("\"red\"", "\"r d\"")
}

#[test]
fn root_runs_no_toolchain_of_another_user() {
    on_machine(Kind::User, |m| {
        m.project();
        let home = m.kind().home();
        // Where a machine has one uid only, its user is root there.
        if m.root_command("stat").args(&["-c", "%u", home]).run().success().stdout() == "0\n" {
            return;
        }
        for words in [&["run", "./lab1"][..], &["plan", "./lab1"], &["build", "lab1"]] {
            let refused = m.root_command("orchestrator").args(words).cwd(home).run();
            refused.complains(2, "lab1` belongs to uid ").stderr_has("root runs no toolchain there");
            refused.stderr_has("lab1/lab1.wasm`: a module is kept in a sandbox");
        }
        m.root_command("chown").args(&["root", &format!("{home}/lab1")]).run().success();
        let refused = m.root_command("orchestrator").args(&["build", "lab1"]).cwd(home).run();
        refused.complains(2, ".venv/bin/componentize-py` belongs to uid ");
        // One of the machine's own would do.
        m.root_command("rm").args(&["-r", &format!("{home}/lab1/.venv")]).run().success();
        let missing = m.root_command("orchestrator").args(&["build", "lab1"]).cwd(home).run();
        missing.complains(3, "there is no `componentize-py`");
    });
}

#[test]
fn watch_ends_where_no_save_can_help() {
    on_machine(Kind::User, |m| {
        m.orchestrator(&["new", "lab1", "--lang", "python"]).success();
        m.inside(&["run", ".", "--watch"]).run().complains(3, "there is no `componentize-py`");
        // Of a child that has ended nobody would learn if that signal stayed ignored.
        let script = "trap '' CHLD; exec orchestrator run ./lab1 --watch";
        m.command("sh").args(&["-c", script]).run().complains(3, "there is no `componentize-py`");
    });
}
