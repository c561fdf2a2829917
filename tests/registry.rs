//! Modules of registries: how they are called, what a registry may answer, and this user's store. The registry here is the tests' own
//! and answers as a good or a bad one does; `real.rs` has a real one.

mod support;

#[path = "registry/fake.rs"]
mod fake;
#[path = "registry/real.rs"]
mod real;

use std::time::Duration;

use support::{EMPTY_WAT, Kind, Machine, Running, kernel_test, on_machine};

/// How long a registry that says nothing is waited for, and what else it takes.
const SILENCE: Duration = Duration::from_secs(50);

#[test]
#[ignore = "is started by the others"]
fn serves_as_a_registry() {
    fake::serve();
}

/// Gives the owner of the labs an empty store of so many bytes and returns the directory that will be in it.
fn private_store(m: &Machine, bytes: &str) -> String {
    let data = match m.kind() {
        Kind::Root => "/var/lib",
        Kind::User => "/run/machine/user/.local/share",
    };
    let owner = format!("{0}:{0}", m.kind().uid());
    let script = format!(
        "mkdir -p {data} && mount -n -t tmpfs -o size={bytes} tmpfs {data} && {{ chown {owner} {data} 2>/dev/null || :; }}"
    );
    m.root_command("sh").args(&["-c", &script]).run().success();
    format!("{data}/orchestrator")
}

/// Takes the store away again.
fn finish(m: &Machine, store: &str) {
    let data = store.strip_suffix("/orchestrator").expect("`private_store` has made it");
    m.root_command("umount").args(&["-n", data]).run().success();
}

/// Gives a test an empty store of so many bytes, and a registry for as long as it takes.
#[track_caller]
fn beside<'m>(m: &'m Machine, bytes: &str, start: impl FnOnce(&'m Machine) -> Running<'m>, test: impl FnOnce(&str)) {
    let store = private_store(m, bytes);
    let registry = start(m);
    test(&store);
    fake::end(registry);
    finish(m, &store);
}

/// Returns a reference to a repository of the registry.
fn at(name: &str) -> String {
    format!("{}/{name}", fake::ADDRESS)
}

/// Runs a line of shell in the store.
#[track_caller]
fn in_store(m: &Machine, store: &str, script: &str) -> String {
    let outcome = m.command("sh").args(&["-c", &format!("set -eu; cd {store}; {script}")]).run();
    outcome.success().stdout().trim_end().to_owned()
}

/// Finds the files of the store that hold bytes: blobs, and drafts that are left.
fn blobs(m: &Machine, store: &str) -> Vec<String> {
    in_store(m, store, "ls -A blobs/sha256").lines().map(str::to_owned).collect()
}

kernel_test!(module_is_pulled_once_and_runs_without_its_registry, |m| {
    let store = private_store(m, "16m");
    let registry = fake::start(m);
    let lab1 = at("someone/lab1:1");
    let run = m.orchestrator(&["run", &lab1]);
    // What it says is beside what the scenario prints.
    run.success()
        .stderr_has(&format!("pulled `{lab1}`, sha256:"))
        .stderr_has("lab `lab1` stands")
        .stdout_lacks("pulled");
    run.stderr_has("It imports nothing, so all it can do is compute.");
    m.orchestrator(&["pull", &lab1]).success().stdout_has("is in the store as it is in the registry");
    let listed = m.orchestrator(&["modules", "--json"]);
    let json = listed.success().json();
    let digest = json["modules"][0]["digest"].as_str().unwrap();
    assert_eq!((&json["modules"][0]["module"], json["modules"].as_array().unwrap().len()), (&lab1.as_str().into(), 1));
    fake::end(registry);
    m.orchestrator(&["run", &lab1]).success().stderr_has("no change");
    let by_digest = format!("{}@{digest}", at("someone/lab1"));
    m.orchestrator(&["plan", &by_digest]).success();
    m.orchestrator(&["run", &by_digest]).complains(2, "lab `lab1` stands").stderr_has("--update");
    m.orchestrator(&["inspect", &lab1]).success().stdout_has("description: what is \\u{1b}[31mcalled 1\n");
    m.orchestrator(&["down", "lab1"]).success();
    let file = "if a file was meant";
    m.orchestrator(&["pull", &lab1]).complains(4, "can't be reached: connection refused").stderr_lacks(file);
    for command in ["run", "inspect"] {
        m.orchestrator(&[command, &at("other")]).complains(4, "can't be reached: connection refused").stderr_has(file);
    }
    // What another repository has, nobody here knows.
    let elsewhere = format!("{}@{digest}", at("someone/else"));
    m.orchestrator(&["plan", &elsewhere]).complains(4, "can't be reached: connection refused");
    completes(m, &lab1, digest);
    m.orchestrator(&["modules", "--remove", &lab1]).success();
    assert_eq!(blobs(m, &store), [""; 0]);
    m.orchestrator(&["modules", "--remove", &lab1])
        .complains(2, "there is no `127.0.0.1:5000/someone/lab1:1` in the store");
    m.orchestrator(&["modules"]).success().stdout_has(&format!("0 modules in {store}\n"));
    m.has_no_trace_of_labs();
    finish(m, &store);
});

/// Has Bash complete the name of a module in the store, which it takes for three words.
#[track_caller]
fn completes(m: &Machine, lab1: &str, digest: &str) {
    let script = "eval \"$(orchestrator completions bash)\"
        t() {
            COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMPREPLY=(); shift
            COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))
            local word=${COMP_WORDS[COMP_CWORD]}
            _orchestrator orchestrator \"${word#[:=]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"
            echo \"${COMPREPLY[*]}\"
        }
        t 'orchestrator run 127' orchestrator run 127
        t 'orchestrator run 127.0.0.1:' orchestrator run 127.0.0.1 :
        t 'orchestrator run 127.0.0.1:5000/so' orchestrator run 127.0.0.1 : 5000/so
        t 'orchestrator pull 127.0.0.1:5000/someone/lab1:' orchestrator pull 127.0.0.1 : 5000/someone/lab1 :
        t 'orchestrator modules --remove=127' orchestrator modules --remove = 127";
    let completed = m.command("bash").args(&["--norc", "-euc", script]).run();
    let rest = lab1.strip_prefix("127.0.0.1:").expect("it is on this machine");
    let lines: Vec<&str> = completed.success().stdout().lines().collect();
    assert_eq!(lines, [lab1, rest, rest, "1", lab1], "{digest}: {completed}");
}

kernel_test!(tag_that_has_moved_leaves_the_other_module_by_its_digest, |m| {
    beside(m, "16m", fake::start, |store| {
        for tag in ["1", "2"] {
            m.orchestrator(&["pull", &at(&format!("lab1:{tag}"))]).success();
        }
        // Both have the same layer, and manifests that differ.
        assert_eq!(blobs(m, store).len(), 4);
        // Tag 1 becomes what tag 2 is, as if it had moved.
        let script = "sed -i 's/lab1:1\"/lab1:x\"/; s/lab1:2\"/lab1:1\"/; s/lab1:x\"/lab1:2\"/' index.json";
        in_store(m, store, script);
        m.orchestrator(&["pull", &at("lab1:1")]).success().stdout_has("pulled `");
        let table = m.orchestrator(&["modules"]);
        assert_eq!(table.success().stdout().matches("lab1").count(), 3, "{table}");
        // A tag is not taken away by its digest.
        let json = m.orchestrator(&["modules", "--json"]).success().json();
        let tagged =
            json["modules"].as_array().unwrap().iter().find(|module| module["module"] == at("lab1:1")).unwrap();
        let by_digest = format!("{}@{}", at("lab1"), tagged["digest"].as_str().unwrap());
        m.orchestrator(&["modules", "--remove", &by_digest]).complains(2, "in the store");
        m.orchestrator(&["modules", "--prune"]).success().stderr_has("removed 1 without a tag");
        assert_eq!(m.orchestrator(&["modules"]).success().stdout().matches("lab1:").count(), 2);
    });
});

kernel_test!(bad_answer_is_told_and_leaves_the_store_as_it_was, |m| {
    beside(m, "16m", fake::start, |store| {
        m.orchestrator(&["pull", &at("good")]).success();
        let before = in_store(m, store, "ls -AR; cat index.json");
        let missing = format!("{}@{}", at("good"), fake::digest(b"another"));
        for (reference, code, words) in [
            (at("good:none"), 2, "there is no `127.0.0.1:5000/good:none` in the registry"),
            (missing, 4, "has sent other bytes than those of"),
            (at("other-bytes"), 4, "has sent other bytes than those of"),
            (
                at("image"),
                2,
                "it is no WebAssembly module: its config is of the type `application/vnd.oci.image.config.v1+json`",
            ),
            (at("two-layers"), 2, "it has 2 layers, and a module is one"),
            (
                at("index"),
                2,
                "it is an index of 2 manifests, as images for several platforms are; a module is one for all",
            ),
            (at("too-large"), 2, "it is larger than the limit of 64.0 MiB; `--max-module` raises it"),
            (at("longer"), 4, "bytes that the manifest says"),
            (at("shorter"), 4, "broke off: after"),
            (at("half"), 4, "broke off: "),
            (at("path"), 2, "its manifest names `sha256:../../../etc/passwd`, which is no part of a module"),
            (at("long"), 4, "does not answer as a registry does: its manifest is larger than 1 MiB"),
            (at("cut-manifest"), 4, "its manifest can't be read"),
            (at("page"), 4, "its manifest can't be read"),
            (at("broken"), 4, "does not answer as a registry does: HTTP status 500: out of order"),
            (at("forbidden"), 2, "does not allow that: Denied: says the"),
            (at("text"), 2, "it is not WebAssembly"),
            (at("private"), 2, "wants to know who asks, and there are no credentials for it"),
        ] {
            let pull = m.orchestrator(&["pull", &reference]);
            pull.complains(code, words).stderr_has(&format!("error: could not pull `{reference}"));
            m.orchestrator(&["run", &reference]).complains(code, words).stderr_lacks("note:");
            assert_eq!(in_store(m, store, "ls -AR; cat index.json"), before, "{reference}");
        }
        m.orchestrator(&["pull", &at("slow")]).success();
        m.orchestrator(&["plan", &at("good")]).success();
        m.has_no_trace_of_labs();
    });
});

#[test]
fn registry_that_says_nothing_is_given_up() {
    on_machine(Kind::User, |m| {
        beside(m, "16m", fake::start, |_| {
            let pull = m.command("orchestrator").args(&["pull", &at("silent")]).deadline(SILENCE).run();
            pull.complains(4, "broke off: it has said nothing for too long");
        });
    });
}

#[test]
fn token_that_is_none_is_an_error() {
    on_machine(Kind::User, |m| {
        beside(m, "16m", fake::start_with_tokens, |_| {
            let reference = format!("{}/x", fake::TOKENS);
            m.orchestrator(&["pull", &reference])
                .complains(4, "does not answer as a registry does")
                .stderr_lacks("panicked");
        });
    });
}

#[test]
fn registry_that_talks_without_end_is_not_listened_to_for_ever() {
    on_machine(Kind::User, |m| {
        beside(m, "16m", fake::start, |_| {
            let run = m.orchestrator(&["run", &at("endless")]);
            run.complains(
                4,
                "could not pull `127.0.0.1:5000/endless:latest`: the process that did was ended, signal: 6 (SIGABRT)",
            );
            assert!(run.peak() < 1200 << 20, "{} bytes", run.peak());
        });
    });
}

kernel_test!(credentials_are_those_of_docker, |m| {
    beside(m, "16m", fake::start, |_| {
        let home = m.kind().home();
        m.command("mkdir").args(&["-p", "docker", "bin"]).run().success();
        let pull = |config: &str| {
            m.write("docker/config.json", config);
            let path = format!("{home}/bin:{}", "/run/machine/bin:/usr/bin:/bin");
            let command = m.command("orchestrator").args(&["pull", &at("private")]);
            command.env("DOCKER_CONFIG", &format!("{home}/docker")).env("PATH", &path).run()
        };
        let auth = |base64: &str| format!("{{\"auths\":{{\"127.0.0.1:5000\":{{\"auth\":\"{base64}\"}}}}}}");
        // `anna:old`
        pull(&auth("YW5uYTpvbGQ=")).complains(
            2,
            "does not accept the credentials of `anna`; they are wrong, have expired, or are not for this",
        );
        pull("{").complains(2, "can't be used: it is not JSON as Docker writes it");
        pull(&auth("!")).complains(2, "can't be used: `auth` is not the base64 of a name, a colon and a password");
        pull("{\"credsStore\":\"none\"}")
            .complains(2, "can't be used: the credential helper that it names can't be run");
        let helper = "#!/bin/sh\nread server\n[ $1 = get ] && [ $server = 127.0.0.1:5000 ] || exit 9\n\
                      echo '{\"Username\":\"anna\",\"Secret\":\"secret\"}'\n";
        m.write("bin/docker-credential-test", helper);
        m.write("bin/docker-credential-bad", "#!/bin/sh\nread server; echo the vault is locked >&2; exit 1\n");
        m.write(
            "bin/docker-credential-without",
            "#!/bin/sh\nread server; echo credentials not found in native keychain; exit 1\n",
        );
        m.command("sh").args(&["-c", "chmod +x bin/*"]).run().success();
        pull("{\"credsStore\":\"bad\"}").complains(2, "`docker-credential-bad` failed: the vault is locked");
        pull("{\"credsStore\":\"without\"}").complains(2, "there are no credentials for it");
        pull("{\"credHelpers\":{\"127.0.0.1:5000\":\"test\"}}").success();
        m.orchestrator(&["modules", "--remove", &at("private")]).success();
        pull(&auth("YW5uYTpzZWNyZXQ=")).success();
    });
});

kernel_test!(damage_in_the_store_is_found_and_mended_by_pulling, |m| {
    beside(m, "16m", fake::start, |store| {
        let good = at("good");
        m.orchestrator(&["pull", &good]).success();
        let layer = format!("blobs/sha256/{}", fake::digest(&fake::module("good")).trim_start_matches("sha256:"));
        for (harm, words) in [
            (
                format!("printf x | dd of={layer} bs=1 seek=20 conv=notrunc 2>/dev/null"),
                "its file in the store is damaged",
            ),
            (format!("rm {layer}"), "is damaged: it is not there, or it is not this user's alone"),
            (format!("chmod 666 {layer}"), "is damaged: it is not there, or it is not this user's alone"),
            (
                format!("mv {layer} x; ln -s $PWD/x {layer}"),
                "is damaged: it is not there, or it is not this user's alone",
            ),
            (
                "for f in blobs/sha256/*; do ! grep -q schemaVersion $f || echo >>$f; done".into(),
                "is damaged: it is not what its name says",
            ),
        ] {
            in_store(m, store, &harm);
            m.orchestrator(&["plan", &good])
                .complains(4, words)
                .stderr_has("hint: `orchestrator pull REF` brings it again");
            m.orchestrator(&["pull", &good]).success();
            m.orchestrator(&["plan", &good]).success();
        }
        in_store(m, store, "echo x >index.json");
        let lost = m.orchestrator(&["plan", &good]);
        lost.complains(4, "index.json` is damaged").stderr_has("hint: remove it, and pull the modules again");
        // What is not known to be nobody's stays.
        in_store(m, store, "rm index.json");
        m.orchestrator(&["pull", &at("other")]).success();
        assert_eq!(blobs(m, store).len(), 5);
        m.orchestrator(&["plan", &good]).success().stderr_has("pulled `");
        in_store(
            m,
            store,
            &format!("for f in blobs/sha256/*; do ! grep -q 'called latest' $f || echo >>$f; done; test -e {layer}"),
        );
        m.orchestrator(&["modules"])
            .complains(4, "is damaged: it is not what its name says")
            .stderr_has("error: the module `");
        m.orchestrator(&["modules", "--remove", &good]).success();
        m.orchestrator(&["pull", &good]).success();
        in_store(m, store, "chmod 777 .");
        m.orchestrator(&["plan", &good]).complains(3, "is not used, as others may write to it; its mode is 0777");
    });
});

kernel_test!(full_disk_leaves_the_store_as_it_was, |m| {
    beside(m, "256k", fake::start, |store| {
        m.orchestrator(&["pull", &at("good")]).success();
        let before = in_store(m, store, "ls -AR; cat index.json");
        m.orchestrator(&["pull", &at("large")])
            .complains(4, "could not write what was received")
            .stderr_has("caused by: no space left on device");
        assert_eq!(in_store(m, store, "ls -AR; cat index.json"), before);
        m.orchestrator(&["plan", &at("good")]).success();
    });
});

#[test]
fn what_is_no_reference_is_a_file_or_an_error() {
    on_machine(Kind::User, |m| {
        m.command("mkdir").args(&["-p", "a.b"]).run().success();
        m.write("a.b/lab1.wat", EMPTY_WAT);
        // What is there is a file.
        m.orchestrator(&["plan", "a.b/lab1.wat"]).success();
        m.orchestrator(&["plan", "./c.d/lab1.wat"]).complains(2, "could not open `./c.d/lab1.wat`");
        let wrong = m.orchestrator(&["plan", "registry.example.org/Upper"]);
        wrong
            .complains(
                2,
                "`registry.example.org/Upper` names no module in a registry: repositories are written in lower case",
            )
            .stderr_has("a file is given with `./`");
        let wrong = m.orchestrator(&["pull", "two-containers"]);
        wrong.complains(2, "it does not begin with the name of a registry").stderr_lacks("`./`");
        // A pipe is not waited for.
        m.command("mkfifo").arg("a.b/pipe.wasm").run().success();
        m.orchestrator(&["run", "a.b/pipe.wasm"])
            .complains(2, "could not open `a.b/pipe.wasm`")
            .stderr_has("it is a pipe");
        let long = "a".repeat(5000);
        for long in [long.clone(), format!("./{long}")] {
            assert!(m.orchestrator(&["run", &long]).fails_with(2).stderr().len() < 600);
        }
        let size = m.orchestrator(&["run", "two-containers", "--max-module", "5x"]);
        size.fails_with(2).stderr_has("a size is a number of bytes, or has a unit");
        m.orchestrator(&["pull", "r.example.org/x", "--ca", "none"]).complains(2, "could not read `none`");
        m.orchestrator(&["pull", "r.example.org/x", "--ca", "a.b/lab1.wat"])
            .complains(2, "`a.b/lab1.wat` holds no certificate");
        let by_digest = format!("r.example.org/x@{}", fake::digest(b""));
        m.orchestrator(&["push", "two-containers", &by_digest]).complains(2, "is called by its digest");
        m.orchestrator(&["push", "nothing", "r.example.org/x"]).complains(2, "there is no built-in example `nothing`");
        let dated = m.command("orchestrator").args(&["push", "./a.b/lab1.wat", "r.example.org/x"]);
        dated
            .env("SOURCE_DATE_EPOCH", "now")
            .run()
            .complains(2, "the time in SOURCE_DATE_EPOCH is no number of seconds: `now`");
    });
}
