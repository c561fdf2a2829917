//! Machines and users that can't have labs: what is missing is named with a way out, the exit status is 3, and nothing is left.
//!
//! Limits of namespaces belong to a user namespace, so they are set in one more than the machine has, and no setting of the
//! real machine changes.

mod support;

use support::{
    EMPTY_WAT, GUEST_CALLS, Kind, confined, crowded, forbidden, kernel_test, mounted, on_machine, with_files,
};

kernel_test!(limit_of_namespaces_is_named, |m| {
    let mut kinds = vec!["pid", "mnt", "net"];
    // Root needs no user namespace.
    kinds.extend((m.kind() == Kind::User).then_some("user"));
    let empty = m.write("empty.wat", EMPTY_WAT);
    for kind in kinds {
        let limit = format!("user.max_{kind}_namespaces");
        let script = format!("echo 0 >/proc/sys/user/max_{kind}_namespaces");
        confined(m, &script, &["run", &empty])
            .run()
            .complains(3, ": ENOSPC\n\nhint: a limit on namespaces is reached")
            .stderr_has(&format!("{limit}, which is 0: raise it with `sudo sysctl {limit}="));
        m.has_no_trace_of_labs();
    }
});

kernel_test!(limit_of_namespaces_that_is_reached_on_the_way_undoes_all, |m| {
    // It could be enough: whose the others are can't be read.
    crowded(m, 4, &["run", GUEST_CALLS, "--", "netns.add,red", "netns.add,blue", "netns.add,green"])
        .run()
        .complains(4, "could not add netns `green`\n  caused by: ENOSPC: a limit on namespaces is reached")
        .stderr_has("user.max_net_namespaces")
        .stderr_has("note: what had been built was undone\n");
    m.has_no_trace_of_labs();
});

/// The limit is that of a user namespace further out, which the lab can't see.
#[test]
fn limit_that_is_reached_early_ends_a_large_build_too() {
    on_machine(Kind::Root, |m| {
        let script =
            "echo 10 >/proc/sys/user/max_net_namespaces; exec unshare --user --map-root-user orchestrator \"$@\"";
        let words = ["--user", "--map-root-user", "--mount", "--", "sh", "-euc", script, "sh"];
        let run = ["run", GUEST_CALLS, "--", "repeat,3000,netns.add,c{}"];
        m.command("unshare")
            .args(&words)
            .args(&run)
            .run()
            .complains(4, "could not add netns `c")
            .stderr_has("ENOSPC: a limit on namespaces is reached")
            .stderr_has("note: what had been built was undone\n");
        m.has_no_trace_of_labs();
    });
}

kernel_test!(limit_of_namespaces_that_is_too_low_is_found_before_the_first_step, |m| {
    let script = "echo 3 >/proc/sys/user/max_net_namespaces";
    for (calls, netns, note) in [
        (&["repeat,3,netns.add,c{}", "lab.apply"][..], 3, "note: nothing had been built\n"),
        // Those that the lab has count too.
        (
            &["netns.add,a", "lab.apply", "repeat,2,netns.add,c{}", "lab.apply"],
            2,
            "note: what had been built was undone\n",
        ),
    ] {
        let refused = confined(m, script, &[&["run", GUEST_CALLS, "--"], calls].concat()).run();
        let why = "ENOSPC: `user.max_net_namespaces` is too low for that";
        refused
            .complains(
                4,
                &format!("could not add {netns} netns\n  caused by: {why}\n\nhint: user.max_net_namespaces is 3,"),
            )
            .stderr_has("have 4: raise it with `sudo sysctl user.max_net_namespaces=100000`")
            .stderr_has(note)
            .stdout_has(&format!("lab.apply: limit ENOSPC could not add {netns} netns: {why}\n"));
        m.has_no_trace_of_labs();
    }
    confined(m, script, &["run", "--rm", GUEST_CALLS, "--", "repeat,2,netns.add,c{}"]).run().success();
});

#[test]
fn limit_of_namespaces_that_is_another_s_is_not_blamed_on_this_one() {
    on_machine(Kind::User, |m| {
        let empty = m.write("empty.wat", EMPTY_WAT);
        // A container's limit is that of the machine around it; its own is as high as can be.
        let script = "echo 1 >/proc/sys/user/max_user_namespaces
            exec unshare --user --map-user=54321 --map-group=54321 -- orchestrator \"$@\"";
        confined(m, script, &["run", &empty])
            .run()
            .complains(3, ": ENOSPC\n\nhint: ")
            .stderr_has("user.max_user_namespaces")
            .stderr_lacks("2147483647");
        m.has_no_trace_of_labs();
    });
}

#[test]
fn user_namespaces_that_are_forbidden_are_explained_by_the_sysctl_that_forbids_them() {
    on_machine(Kind::User, |m| {
        let empty = m.write("empty.wat", EMPTY_WAT);
        for (sysctl, value, ways_out) in [
            (
                "apparmor_restrict_unprivileged_userns",
                1,
                [
                    "hint: AppArmor forbids",
                    "kernel.apparmor_restrict_unprivileged_userns",
                    "`userns,`",
                    "or run as root",
                ],
            ),
            (
                "unprivileged_userns_clone",
                0,
                [
                    "forbidden to ordinary users",
                    "`sudo sysctl kernel.unprivileged_userns_clone=1`",
                    "hint: ",
                    "or run as root",
                ],
            ),
        ] {
            let fake = format!("mount -n -t tmpfs kernel /proc/sys/kernel; echo {value} >/proc/sys/kernel/{sysctl}");
            let outcome = forbidden(m, &fake, &["run", &empty]).run();
            outcome.complains(3, "could not make user, PID and mount namespaces: EPERM\n\nhint: ");
            for words in ways_out {
                outcome.stderr_has(words);
            }
            m.has_no_trace_of_labs();
        }
    });
}

#[test]
fn user_namespaces_that_are_forbidden_by_nothing_that_shows_are_explained_by_a_container() {
    on_machine(Kind::User, |m| {
        let empty = m.write("empty.wat", EMPTY_WAT);
        forbidden(m, "", &["run", &empty])
            .run()
            .complains(3, "could not make user, PID and mount namespaces: EPERM\n\nhint: something else forbids")
            .stderr_has("seccomp profile")
            .stderr_has("or run as root with CAP_SYS_ADMIN and CAP_NET_ADMIN");
        m.has_no_trace_of_labs();
    });
}

#[test]
fn root_without_capabilities_is_told_what_it_lacks() {
    on_machine(Kind::Root, |m| {
        let empty = m.write("empty.wat", EMPTY_WAT);
        let script = "exec setpriv --bounding-set=-all --inh-caps=-all -- orchestrator \"$@\"";
        confined(m, script, &["run", &empty]).run().complains(3, ": EPERM\n\nhint: ").stderr_has("CAP_SYS_ADMIN");
        m.has_no_trace_of_labs();
    });
}

kernel_test!(small_limit_of_open_files_is_named, |m| {
    let empty = m.write("empty.wat", EMPTY_WAT);
    let mut refused = 0;
    for limit in 4..24 {
        let script = format!("ulimit -n {limit}; exec orchestrator run \"$0\" --rm");
        let outcome = m.command("sh").args(&["-c", &script, &empty]).run();
        // Nothing sweeps between the run and this look.
        m.has_no_trace_of_labs();
        if outcome.code() != 0 {
            outcome.complains(3, "error: ").stderr_has("open files").stderr_has("`ulimit -");
            refused += 1;
        }
    }
    assert!((1..20).contains(&refused), "{refused} of 20 limits were too small");
});

kernel_test!(limit_of_open_files_that_is_too_low_is_found_before_the_first_step, |m| {
    let mut refused = 0;
    let limits = (20..80).step_by(4);
    for limit in limits.clone() {
        let outcome = with_files(m, limit, &["run", "--rm", "n-containers", "--", "30"]).run();
        // Nothing sweeps between the run and this look.
        m.has_no_trace_of_labs();
        if outcome.code() != 0 {
            let why = "EMFILE: the limit of open files is too low for that";
            outcome
                .complains(4, &format!("could not add 30 netns\n  caused by: {why}\n\nhint: "))
                .stderr_has(&format!("may have {limit} open files"))
                .stderr_has("`ulimit -Hn ")
                .stderr_has("`LimitNOFILE=")
                .stderr_has(&format!("Error: could not add 30 netns: {why}\n"))
                .stderr_has("note: nothing had been built\n");
            refused += 1;
        }
    }
    // 30 for the namespaces, and some more.
    assert!((4..limits.len() - 2).contains(&refused), "{refused} of {} limits were too low", limits.len());
});

kernel_test!(limit_of_open_files_that_is_proposed_is_enough, |m| {
    let calls = ["run", "--rm", GUEST_CALLS, "--", "repeat,100,netns.add,c{}", "probe.links,c1"];
    let refused = with_files(m, 64, &calls).run();
    refused
        .complains(4, "could not add 100 netns\n")
        .stdout_has("probe.links,c1: limit EMFILE could not add 100 netns: ");
    let (_, proposed) = refused.stderr().split_once("LimitNOFILE=").expect("a limit is proposed");
    let (proposed, _) = proposed.split_once('`').expect("it ends");
    with_files(m, proposed.parse().expect("a number"), &calls).run().success();
});

kernel_test!(limit_of_open_files_is_raised_by_who_may, |m| {
    // CAP_SYS_RESOURCE counts outside of user namespaces alone, and root may have lost it.
    let may = m.command("sh").args(&["-c", "ulimit -n 64; ulimit -n 65"]).run().code() == 0;
    let script = "ulimit -n 64; exec orchestrator run --rm \"$0\" -- repeat,100,netns.add,c{}";
    let outcome = m.command("sh").args(&["-c", script, GUEST_CALLS]).run();
    assert_eq!(outcome.code(), if may { 0 } else { 4 }, "{outcome}");
});

kernel_test!(directory_that_is_not_the_owner_s_alone_holds_no_labs, |m| {
    let labs = m.labs_directory();
    let base = labs.strip_suffix("/labs").unwrap();
    let empty = m.write("empty.wat", EMPTY_WAT);
    for (set_up, wrong, why) in [
        ("mkdir -m 755 $0", base, "others may enter it; its mode has to be 0700"),
        ("mkdir -m 770 $0", base, "others may enter it; its mode has to be 0700"),
        ("mkdir -m 700 $0; mkdir -m 711 $0/labs", &*labs, "others may enter it; its mode has to be 0700"),
        ("mkdir -m 700 real; ln -s $PWD/real $0", base, "it is no directory"),
        ("mkdir -m 700 $0 real; ln -s $PWD/real $0/labs", &labs, "it is no directory"),
        ("ln -s $PWD/none $0", base, "it is no directory"),
        ("mkdir -m 700 $0; mkfifo $0/labs", &labs, "it is no directory"),
        (": >$0", base, "it is no directory"),
    ] {
        m.command("sh").args(&["-euc", set_up, base]).run().success();
        m.orchestrator(&["run", &empty]).complains(3, &format!("error: `{wrong}` can't hold labs: {why}\n"));
        // No command trusts it, whatever it says of that.
        for command in [&["list"][..], &["down", "--all"], &["down", "empty"], &["show", "empty"]] {
            let outcome = m.orchestrator(command);
            outcome.stderr_lacks("panicked");
            assert!(outcome.code() < 4, "{outcome}");
        }
        m.command("rm").args(&["-rf", "real", base]).run().success();
    }
});

kernel_test!(directory_of_somebody_else_holds_no_labs, |m| {
    let labs = m.labs_directory();
    let base = labs.strip_suffix("/labs").unwrap();
    let empty = m.write("empty.wat", EMPTY_WAT);
    // Where there is one uid only, a directory of the real machine is somebody else's.
    let give_away = "mkdir -m 700 $0; chown 77:77 $0 2>/dev/null || mount -n --bind /usr $0";
    m.root_command("sh").args(&["-euc", give_away, base]).run().success();
    m.orchestrator(&["run", &empty]).complains(3, &format!("error: `{base}` can't hold labs: it belongs to uid "));
    m.root_command("sh").args(&["-euc", "umount -n $0 2>/dev/null || :; rmdir $0", base]).run().success();
});

kernel_test!(directory_that_cannot_be_written_is_named, |m| {
    let labs = m.labs_directory();
    let base = labs.strip_suffix("/labs").unwrap();
    let empty = m.write("empty.wat", EMPTY_WAT);
    m.root_command("mkdir").arg(base).run().success();
    mounted(m, "ro", base, || {
        m.orchestrator(&["run", &empty]).complains(3, &format!("error: could not make `{labs}`\n  caused by: "));
    });
    m.root_command("rmdir").arg(base).run().success();
});

kernel_test!(full_file_system_is_no_limit_of_namespaces, |m| {
    let labs = m.labs_directory();
    let base = labs.strip_suffix("/labs").unwrap();
    let empty = m.write("empty.wat", EMPTY_WAT);
    m.root_command("mkdir").arg(base).run().success();
    let mut refused = 0;
    for inodes in 2..12 {
        mounted(m, &format!("nr_inodes={inodes}"), base, || {
            let outcome = m.orchestrator(&["run", &empty, "--rm"]);
            m.has_no_trace_of_labs();
            if outcome.code() != 0 {
                // Whether it is the machine that can't or the host that failed depends on how far it came.
                assert!([3, 4].contains(&outcome.code()), "{outcome}");
                outcome.complains(outcome.code(), "error: could not ").stderr_lacks("namespaces");
                refused += 1;
            }
        });
    }
    assert!((1..10).contains(&refused), "{refused} of 10 sizes were too small");
    m.root_command("rmdir").arg(base).run().success();
});

#[test]
fn runtime_directory_that_cannot_be_used_is_named() {
    on_machine(Kind::User, |m| {
        let empty = m.write("empty.wat", EMPTY_WAT);
        let file = m.write("file", "");
        m.command("mkdir").args(&["-m", "500", "closed"]).run().success();
        let closed = format!("{}/closed", Kind::User.home());
        let run = |directory: &str| {
            m.command("orchestrator").args(&["run", &empty, "--rm"]).env("XDG_RUNTIME_DIR", directory).run()
        };
        run(&closed).complains(3, &format!("error: could not make `{closed}/orchestrator`\n  caused by: "));
        // Where there is none, /tmp serves.
        for nothing in ["/run/user/none", &file] {
            run(nothing).success();
        }
    });
}

#[test]
fn place_in_tmp_that_somebody_has_taken_is_named() {
    on_machine(Kind::User, |m| {
        let empty = m.write("empty.wat", EMPTY_WAT);
        let place = format!("/tmp/orchestrator-{}", Kind::User.uid());
        for taken in ["ln -s /run/user/$(id -u) $0", "mkdir -m 777 $0", ": >$0"] {
            m.command("sh").args(&["-euc", taken, &place]).run().success();
            let run = m.command("orchestrator").args(&["run", &empty]).env_remove("XDG_RUNTIME_DIR").run();
            run.complains(3, &format!("error: `{place}` can't hold labs: "));
            m.command("rm").args(&["-rf", &place]).run().success();
        }
    });
}
