//! The cache of compiled modules: what is kept, what is only a miss, and what is never opened.

mod support;

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use support::{EMPTY_WAT, Kind, Machine, kernel_test, poll_until, slow_wat};

/// How long something may take that takes a moment.
const SOON: Duration = Duration::from_secs(20);

/// Gives the owner of the labs an empty cache and returns the directory that will be in it.
fn private_cache(m: &Machine) -> String {
    private_cache_with(m, "exec")
}

/// The same on a file system with an option.
fn private_cache_with(m: &Machine, option: &str) -> String {
    let caches = match m.kind() {
        Kind::Root => "/var/cache",
        Kind::User => "/run/machine/user/.cache",
    };
    m.root_command("mount").args(&["-n", "-t", "tmpfs", "-o", option, "tmpfs", caches]).run().success();
    let owner = format!("{0}:{0}", m.kind().uid());
    // Where the machine has one uid only, the user is root there.
    let _ = m.root_command("chown").args(&[&owner, caches]).run();
    m.write("empty.wat", EMPTY_WAT);
    format!("{caches}/orchestrator")
}

/// Takes the empty cache away again.
fn finish(m: &Machine, cache: &str) {
    let caches = cache.strip_suffix("/orchestrator").expect("`private_cache` has made it");
    m.root_command("umount").args(&["-n", caches]).run().success();
}

/// Runs a scenario, which has to succeed, and tells whether it was compiled for that.
#[track_caller]
fn compiles(m: &Machine, module: &str) -> bool {
    let run = m.orchestrator(&["run", module, "--name", "lab"]);
    run.success();
    m.orchestrator(&["down", "lab"]).success();
    m.has_no_trace_of_labs();
    run.stderr().contains(" to compile the module")
}

/// Runs a line of shell in the cache's directory.
#[track_caller]
fn in_cache(m: &Machine, cache: &str, script: &str) -> String {
    let script = format!("set -eu; cd {cache}; {script}");
    let outcome = m.command("sh").args(&["-c", &script]).run();
    outcome.success().stdout().trim_end().to_owned()
}

kernel_test!(module_is_compiled_once, |m| {
    let cache = private_cache(m);
    assert!(compiles(m, "./empty.wat"));
    assert!(!compiles(m, "./empty.wat"));
    assert_eq!(in_cache(m, &cache, "stat -c %a . *"), "700\n600");
    // Under another name it is the same module; another one is not.
    m.write("other.wat", EMPTY_WAT);
    assert!(!compiles(m, "./other.wat"));
    m.write("other.wat", format!("{EMPTY_WAT};; changed"));
    assert!(compiles(m, "./other.wat"));
    assert_eq!(in_cache(m, &cache, "ls | wc -l"), "2");
    finish(m, &cache);
});

kernel_test!(cache_is_shown_and_emptied, |m| {
    let cache = private_cache(m);
    let none = m.orchestrator(&["cache"]);
    assert_eq!(none.success().stdout(), format!("0 compiled modules, 0 B, in {cache}\n"));
    assert!(compiles(m, "./empty.wat"));
    let digest = format!("{:x}", Sha256::digest(EMPTY_WAT));
    m.orchestrator(&["cache"]).success().stdout_has(&digest).stdout_has("1 compiled module, ");
    let json = m.orchestrator(&["cache", "--json"]);
    let json = json.success().json();
    assert_eq!(json["directory"], cache);
    assert_eq!(json["modules"][0]["module"], digest);
    let size = in_cache(m, &cache, "stat -c %s *");
    assert_eq!(json["modules"][0]["bytes"].to_string(), size);
    m.orchestrator(&["cache", "--empty"]).success().stdout_has("removed 1 compiled module, ");
    assert_eq!(in_cache(m, &cache, "ls -A"), "");
    let again = m.orchestrator(&["cache", "--empty", "--json"]);
    assert_eq!(again.success().json()["removed"].as_array().map(Vec::len), Some(0));
    assert!(compiles(m, "./empty.wat"));
    finish(m, &cache);
});

kernel_test!(damage_is_a_miss_and_mended, |m| {
    let cache = private_cache(m);
    assert!(compiles(m, "./empty.wat"));
    let whole = in_cache(m, &cache, "cat * | sha256sum");
    for damage in [
        "truncate -s -1 *",
        "truncate -s 0 *",
        "printf x >> $(ls)",
        "printf x | dd of=$(ls) bs=1 seek=5000 conv=notrunc status=none",
        "f=$(ls); rm $f; mkdir $f; rmdir $f; mkfifo $f",
        "chmod g+w *",
    ] {
        in_cache(m, &cache, damage);
        assert!(compiles(m, "./empty.wat"), "after {damage}");
        assert_eq!(in_cache(m, &cache, "cat * | sha256sum"), whole, "after {damage}");
        assert!(!compiles(m, "./empty.wat"), "twice after {damage}");
    }
    finish(m, &cache);
});

kernel_test!(file_that_has_not_changed_is_not_read_again, |m| {
    let cache = private_cache(m);
    let notes = || in_cache(m, &cache, "find -name '.seen-*' | wc -l");
    assert!(compiles(m, "./empty.wat"));
    assert_eq!(notes(), "0", "it may change again within the same moment");
    sleep(Duration::from_millis(2_500));
    assert!(!compiles(m, "./empty.wat"));
    assert_eq!(notes(), "1");
    // By the note alone: what it says is believed, so it is somebody else's or damaged nowhere.
    let digest = format!("{:x}", Sha256::digest(EMPTY_WAT));
    in_cache(m, &cache, &format!("grep -q ' {digest}$' .seen-*"));
    for damage in ["chmod g+w .seen-*", "truncate -s -1 .seen-*", "f=$(echo .seen-*); rm $f; mkfifo $f"] {
        in_cache(m, &cache, damage);
        assert!(!compiles(m, "./empty.wat"), "after {damage}");
        in_cache(m, &cache, &format!("grep -q ' {digest}$' .seen-*"));
    }
    in_cache(m, &cache, "sed -i s/.$/x/ .seen-*");
    assert!(!compiles(m, "./empty.wat"));
    // With a note that says otherwise it is otherwise: nobody has looked.
    let red = include_str!("modules/adds-red.wat");
    m.write("red.wat", red);
    assert!(compiles(m, "./red.wat"));
    in_cache(m, &cache, &format!("sed -i s/{digest}/{:x}/ .seen-*", Sha256::digest(red)));
    m.orchestrator(&["plan", "./empty.wat"]).success().stdout_has("add red");
    in_cache(m, &cache, "rm .seen-*");
    m.orchestrator(&["plan", "./empty.wat"]).success().stdout_lacks("add red");
    // Another module in the same place, of the same length and with the same time of modification, is another one.
    m.write("other.wat", EMPTY_WAT.replace("wasi:cli/run@0.2.0", "wasi:cli/run@0.2.1"));
    m.command("sh")
        .args(&["-c", "touch -r empty.wat other.wat; cat other.wat > empty.wat; touch -r other.wat empty.wat"])
        .run()
        .success();
    assert!(compiles(m, "./empty.wat"));
    m.orchestrator(&["plan", "./empty.wat", "--max-module", "10B"]).complains(2, "larger than the limit of 10 B");
    finish(m, &cache);
});

kernel_test!(cache_where_nothing_may_be_executed_is_one_all_the_same, |m| {
    let cache = private_cache_with(m, "noexec");
    assert!(compiles(m, "./empty.wat"));
    assert!(!compiles(m, "./empty.wat"));
    finish(m, &cache);
});

kernel_test!(whatever_is_in_the_place_of_an_entry_goes_when_the_cache_is_emptied, |m| {
    let cache = private_cache(m);
    assert!(compiles(m, "./empty.wat"));
    in_cache(
        m,
        &cache,
        "f=$(ls); rm $f; mkdir $f; truncate -s 6E ${f%-*}-0123456789abcdef; mkfifo ${f%-*}-fedcba9876543210",
    );
    let run = m.orchestrator(&["plan", "./empty.wat"]);
    run.success().stderr_has("so the next run compiles again: is a directory\n");
    m.orchestrator(&["cache", "--empty"]).success();
    assert_eq!(in_cache(m, &cache, "ls -A"), "");
    finish(m, &cache);
});

kernel_test!(entry_of_an_absurd_size_is_a_miss, |m| {
    let cache = private_cache(m);
    assert!(compiles(m, "./empty.wat"));
    in_cache(m, &cache, "truncate -s 6E *");
    assert!(compiles(m, "./empty.wat"));
    assert!(!compiles(m, "./empty.wat"));
    finish(m, &cache);
});

kernel_test!(code_that_the_engine_refuses_is_told_with_a_way_out, |m| {
    let cache = private_cache(m);
    assert!(compiles(m, "./empty.wat"));
    // Sealed as it should be: eight bytes, the length, and the CRC-32 of nothing.
    in_cache(m, &cache, "f=$(ls); printf 'orchcode\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' >$f");
    m.orchestrator(&["plan", "./empty.wat"])
        .fails_with(4)
        .stderr_has("caused by: its compiled code can't be loaded\n")
        .stderr_has("hint: `orchestrator cache --empty` has it compiled again");
    finish(m, &cache);
});

kernel_test!(compiler_works_within_lower_limits_and_with_signals_ignored, |m| {
    let cache = private_cache(m);
    for limit in ["ulimit -t 300", "ulimit -d 1500000", "ulimit -f 500000", "trap '' CHLD", "trap '' XFSZ"] {
        in_cache(m, cache.strip_suffix("/orchestrator").expect("it ends so"), "rm -rf orchestrator");
        let script = format!("{limit}; exec orchestrator plan ./empty.wat");
        m.command("sh").args(&["-c", &script]).run().success();
        assert_eq!(in_cache(m, &cache, "ls | wc -l"), "1", "{limit}");
    }
    let script = "ulimit -f 1; exec orchestrator plan two-containers";
    m.command("sh").args(&["-c", script]).run().complains(4, "error: `two-containers` can't be compiled");
    finish(m, &cache);
});

kernel_test!(compiler_ends_with_whoever_waits_for_it, |m| {
    let cache = private_cache(m);
    m.write("slow.wat", slow_wat());
    let compiles = || m.processes().iter().any(|(_, command)| command.starts_with("/proc/self/exe compile"));
    let plan = m.command("orchestrator").args(&["plan", "./slow.wat"]).spawn();
    assert!(poll_until(Instant::now() + SOON, || compiles().then_some(())).is_some());
    m.root_command("pkill").args(&["-KILL", "-f", "^orchestrator plan"]).run().success();
    plan.wait().fails_with(137);
    assert!(poll_until(Instant::now() + SOON, || (!compiles()).then_some(())).is_some());
    assert_eq!(in_cache(m, &cache, "ls -A"), "");
    finish(m, &cache);
});

kernel_test!(link_in_the_place_of_an_entry_is_not_followed, |m| {
    let cache = private_cache(m);
    assert!(compiles(m, "./empty.wat"));
    in_cache(m, &cache, "f=$(ls); mv $f ../elsewhere; ln -s ../elsewhere $f");
    let elsewhere = in_cache(m, &cache, "sha256sum < ../elsewhere");
    assert!(compiles(m, "./empty.wat"));
    assert!(!compiles(m, "./empty.wat"));
    assert_eq!(in_cache(m, &cache, "stat -c %F *"), "regular file");
    assert_eq!(in_cache(m, &cache, "sha256sum < ../elsewhere"), elsewhere);
    finish(m, &cache);
});

kernel_test!(entry_of_somebody_else_is_a_miss, |m| {
    let cache = private_cache(m);
    assert!(compiles(m, "./empty.wat"));
    let entry = format!("{cache}/{}", in_cache(m, &cache, "ls"));
    if m.root_command("chown").args(&["7:7", &entry]).run().code() == 0 {
        assert!(compiles(m, "./empty.wat"));
        assert_eq!(in_cache(m, &cache, "stat -c %u *"), m.kind().uid().to_string());
    }
    finish(m, &cache);
});

kernel_test!(directory_that_others_could_have_filled_is_named_and_not_used, |m| {
    let cache = private_cache(m);
    assert!(compiles(m, "./empty.wat"));
    let refuses = |why: &str| {
        let run = m.orchestrator(&["run", "./empty.wat"]);
        run.success()
            .stderr_has(&format!("warning: `{cache}` is not used, as {why}"))
            .stderr_has(" to compile the module");
        m.orchestrator(&["down", "empty"]).success();
        m.orchestrator(&["cache"]).complains(3, &format!("error: `{cache}` is not used, as {why}"));
    };
    in_cache(m, &cache, "chmod 777 .");
    refuses("others may write to it; its mode is 0777");
    in_cache(m, &cache, "chmod 700 .; mv ../orchestrator ../moved; ln -s moved ../orchestrator");
    refuses("it is a symbolic link");
    finish(m, &cache);
});

kernel_test!(directory_that_cannot_be_made_is_done_without, |m| {
    let cache = private_cache(m);
    let caches = cache.strip_suffix("/orchestrator").expect("it ends so");
    in_cache(m, caches, "touch orchestrator");
    for _ in 0..2 {
        assert!(compiles(m, "./empty.wat"));
    }
    finish(m, &cache);
});

kernel_test!(several_that_compile_at_once_leave_one_entry, |m| {
    let cache = private_cache(m);
    let plans: Vec<_> = (0..6).map(|_| m.command("orchestrator").args(&["plan", "two-containers"]).spawn()).collect();
    for plan in plans {
        plan.wait().success();
    }
    assert_eq!(in_cache(m, &cache, "ls -A | wc -l"), "1");
    assert!(!compiles(m, "two-containers"));
    finish(m, &cache);
});

kernel_test!(code_of_another_engine_is_a_miss, |m| {
    let cache = private_cache(m);
    assert!(compiles(m, "./empty.wat"));
    // Its name ends in what tells the engine.
    in_cache(m, &cache, "f=$(ls); mv $f ${f%-*}-0123456789abcdef");
    assert!(compiles(m, "./empty.wat"));
    m.orchestrator(&["cache"]).success().stdout_has("2 compiled modules, ");
    finish(m, &cache);
});

kernel_test!(compiler_that_is_killed_leaves_nothing, |m| {
    let cache = private_cache(m);
    m.write("slow.wat", slow_wat());
    let run = m.command("orchestrator").args(&["run", "./slow.wat"]).spawn();
    let read = |pid: u32, file: &str| fs::read_to_string(m.outside(&format!("/proc/{pid}/{file}"))).unwrap_or_default();
    let limits = [("Max data size", "2147483648"), ("Max cpu time", "600"), ("Max file size", "1073741824")];
    let has = |text: &str, (name, limit): (&str, &str)| {
        text.lines().any(|line| line.starts_with(name) && line.contains(limit))
    };
    let compiler = poll_until(Instant::now() + SOON, || {
        let mut processes = m.processes().into_iter();
        let (pid, _) = processes.find(|(_, command)| command.starts_with("/proc/self/exe compile"))?;
        // The filter of system calls is the last that it gives itself.
        read(pid, "status").contains("Seccomp:\t2").then_some(pid)
    });
    let pid = compiler.expect("a process compiles, within its limits");
    assert!(limits.iter().all(|limit| has(&read(pid, "limits"), *limit)), "{}", read(pid, "limits"));
    for line in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(read(pid, "status").contains(line), "{}", read(pid, "status"));
    }
    m.root_command("kill").args(&["-KILL", &pid.to_string()]).run().success();
    let ended = run.wait();
    ended.complains(1, "error: `./slow.wat` can't be compiled").stderr_has("2.0 GiB of memory");
    assert_eq!(in_cache(m, &cache, "ls -A"), "");
    m.has_no_trace_of_labs();
    finish(m, &cache);
});
