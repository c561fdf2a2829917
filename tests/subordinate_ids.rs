//! Programs that become another user, in the lab of an ordinary user: with subordinate ids they run, without `exec` says what
//! to do.
//!
//! A machine that gives ids to its ordinary user, by `newuidmap` with its setuid bit, takes real root. So most of these tests
//! run only when they are asked for, as `.ci/run` does as root.

mod support;

use support::{EMPTY_WAT, Kind, Machine, on_machine};

/// The two containers of the example of this name; `ceth1` is the link of the first.
const LAB: &str = "two-containers";
const AS_1000: [&str; 6] = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all", "--"];
const ONE_UID: &str =
    "\nhint: if `su` could not become another user, it is because this lab has only one uid; for more, ";

#[test]
#[ignore = "needs real root, who can give ids to a user: `cargo test --release --test subordinate_ids -- --ignored`"]
fn tcpdump_sees_a_packet() {
    with_ids(|m| {
        m.orchestrator(&["run", LAB]).success();
        let mut tcpdump = m.exec(LAB, "container1", &["tcpdump", "-c1", "-n", "-i", "ceth1", "icmp"]).spawn();
        tcpdump.stderr_gets("listening on ceth1");
        m.exec(LAB, "container2", &["ping", "-c1", "-W5", "172.16.0.2"]).run().success();
        tcpdump.wait().success().stdout_has("172.16.0.3 > 172.16.0.2: ICMP echo request");
        m.orchestrator(&["down", LAB]).success();
    });
}

#[test]
#[ignore = "needs real root, who can give ids to a user: `cargo test --release --test subordinate_ids -- --ignored`"]
fn commands_have_the_ids_of_the_user() {
    with_ids(|m| {
        m.orchestrator(&["run", LAB]).success();
        for (file, own) in [("uid_map", Kind::User.uid()), ("gid_map", Kind::User.uid())] {
            let map = m.exec(LAB, "container1", &["cat", &format!("/proc/self/{file}")]).run();
            let words: Vec<&str> = map.success().stdout().split_whitespace().collect();
            assert_eq!(words, ["0", &own.to_string(), "1", "1", "700000", "65536"], "{file}");
        }
        // Root of the lab is still the user, and has the same rights to files.
        let made = m.exec(LAB, "container1", &["sh", "-euc", "id -u; echo x >file; stat -c %u:%g file"]).run();
        assert_eq!(made.success().stdout(), "0\n0:0\n");
        let owner = m.root_command("stat").args(&["-c", "%u:%g", &format!("{}/file", Kind::User.home())]).run();
        assert_eq!(owner.success().stdout(), "54321:54321\n");
        m.orchestrator(&["down", LAB]).success();
    });
}

#[test]
#[ignore = "needs real root, who can give ids to a user: `cargo test --release --test subordinate_ids -- --ignored`"]
fn command_becomes_another_user_and_pings() {
    with_ids(|m| {
        m.orchestrator(&["run", LAB]).success();
        let as_1000 = |command: &[&str]| m.exec(LAB, "container1", &AS_1000).args(command).run();
        assert_eq!(as_1000(&["sh", "-c", "id -u; id -g; id -G"]).success().stdout(), "1000\n1000\n1000\n");
        // A copy has no capability of its own, which would have no effect here either.
        m.command("sh").args(&["-euc", "chmod 711 .; cp \"$(command -v ping)\" ping; chmod 755 ping"]).run().success();
        let ping = format!("{}/ping", Kind::User.home());
        as_1000(&[&ping, "-c1", "-W5", "172.16.0.3"]).success().stdout_has("1 received");
        // What somebody sets within the lab stays so.
        m.exec(LAB, "container1", &["sysctl", "-qw", "net.ipv4.ping_group_range=5 6"]).run().success();
        as_1000(&[&ping, "-c1", "-W5", "172.16.0.3"]).fails_with(2);
        // Its users come to no more than others outside.
        let elsewhere = as_1000(&["sh", "-c", "cat /proc/1/environ; ls \"$XDG_RUNTIME_DIR\""]);
        elsewhere.fails_with(2).stderr_has("/proc/1/environ").stderr_has("/run/user/").stdout_lacks("o");
        m.exec(LAB, "container1", &["su", "nobody", "-s", "/bin/sh", "-c", "exit 3"]).run().fails_with(3);
        m.orchestrator(&["down", LAB]).success();
    });
}

#[test]
#[ignore = "needs real root, who can give ids to a user: `cargo test --release --test subordinate_ids -- --ignored`"]
fn lab_ends_with_a_process_of_another_user_in_it() {
    with_ids(|m| {
        m.stand_empty("lab");
        let script = "echo begun; exec sleep 1000";
        let mut sleeping = m.exec("lab", "host", &AS_1000).args(&["sh", "-c", script]).spawn();
        sleeping.stdout_gets("begun");
        m.orchestrator(&["down", "lab"]).success();
        sleeping.wait().fails_with(137);
        m.has_no_trace_of_labs();
    });
}

#[test]
#[ignore = "needs real root, who can give ids to a user: `cargo test --release --test subordinate_ids -- --ignored`"]
fn ids_that_cannot_be_mapped_are_done_without() {
    with_ids(|m| {
        let module = m.write("empty.wat", EMPTY_WAT);
        let fails = |advice: &str| {
            let su = m.exec("lab", "host", &["su", "nobody", "-s", "/bin/sh", "-c", "true"]).run();
            su.fails_with(1).stderr_has(&format!("{ONE_UID}{advice}")).stderr_has(", then build the lab anew\n");
            assert_eq!(m.exec("lab", "host", &["id", "-u"]).run().success().stdout(), "0\n");
            m.orchestrator(&["down", "lab"]).success();
        };
        let run = ["orchestrator", "run", &module, "--name", "lab"];
        m.command("setpriv").args(&["--no-new-privs", "--"]).args(&run).run().success();
        fails("start `orchestrator run` where privileges can be gained (here no_new_privs is set)");

        // In front of the machine's own, and with the bit that is looked for.
        let helper = "mkdir -p helpers; printf '#!/bin/sh\necho never >&2; exit 1' >helpers/$0; chmod 4755 helpers/$0";
        let path = format!("{}/helpers:/run/machine/bin:/usr/bin:/usr/sbin:/bin", Kind::User.home());
        for name in ["newuidmap", "newgidmap"] {
            m.command("sh").args(&["-euc", helper, name]).run().success();
            m.command("orchestrator").args(&run[1..]).env("PATH", &path).run().success();
            fails(&format!("see why `{}/helpers/{name}` could not map them (\"never\")", Kind::User.home()));
            m.command("rm").arg(&format!("helpers/{name}")).run().success();
        }
        m.stand_empty("lab");
        m.exec("lab", "host", &["su", "nobody", "-s", "/bin/sh", "-c", "true"]).run().success();
        m.orchestrator(&["down", "lab"]).success();
    });
}

#[test]
fn without_ids_exec_says_what_to_do() {
    on_machine(Kind::User, |m| {
        m.stand_empty("lab");
        let su = m.exec("lab", "host", &["su", "nobody", "-s", "/bin/sh", "-c", "true"]).run();
        su.fails_with(1).stderr_has(ONE_UID).stderr_has(", then build the lab anew\n");
        // What failed for another reason is left alone.
        for command in [&["false"][..], &["ping", "-c1", "-W1", "10.0.0.1"], &["sh", "-c", "exit 9"]] {
            m.exec("lab", "host", command).run().stderr_lacks("hint");
        }
        m.exec("lab", "host", &["su", "--version"]).run().success().stderr_lacks("hint");
        m.orchestrator(&["down", "lab"]).success();
    });
}

#[test]
fn lab_of_root_has_all_ids() {
    on_machine(Kind::Root, |m| {
        m.stand_empty("lab");
        let map = m.exec("lab", "host", &["cat", "/proc/self/uid_map"]).run();
        assert_eq!(map.success().stdout(), m.read("/proc/1/uid_map"));
        m.exec("lab", "host", &["sh", "-c", "exit 1 # tcpdump"]).run().fails_with(1).stderr_lacks("hint");
        m.orchestrator(&["down", "lab"]).success();
    });
}

#[test]
fn shell_at_a_terminal_that_ends_with_a_failure_says_it_too() {
    on_machine(Kind::User, |m| {
        m.stand_empty("lab");
        for (ending, said) in [("exit 1", true), ("exit 0", false)] {
            let mut shell =
                m.command("orchestrator").args(&["exec", "lab", "host"]).env("SHELL", "/bin/bash").on_terminal();
            shell.types(&format!("{ending}\r"));
            let ended = shell.wait();
            assert_eq!(ended.stdout().contains("hint: if a program could not become another user"), said, "{ended}");
        }
        m.orchestrator(&["down", "lab"]).success();
    });
}

/// Runs a test on a machine whose ordinary user has an account and subordinate ids: uids by name, gids by number.
#[track_caller]
fn with_ids(test: impl FnOnce(&Machine)) {
    on_machine(Kind::User, |m| {
        let owner = m.root_command("stat").args(&["--format=%u", Kind::User.home()]).run();
        let uid = Kind::User.uid().to_string();
        assert_eq!(owner.success().stdout().trim(), uid, "this needs the tests to run as root");
        let furnish = "
            mkdir /run/machine/accounts
            cd /run/machine/accounts
            { cat /etc/passwd; echo \"labs:x:$0:$0::$1:/bin/sh\"; } >passwd
            { cat /etc/group; echo \"labs:x:$0:\"; } >group
            echo labs:700000:65536 >subuid
            echo $0:700000:65536 >subgid
            for file in *; do mount -n --bind $file /etc/$file; done";
        m.root_command("sh").args(&["-euc", furnish, &uid, Kind::User.home()]).run().success();
        test(m);
        let clear = "cd /run/machine/accounts; for file in *; do umount -n /etc/$file; done";
        m.root_command("sh").args(&["-euc", clear]).run().success();
    });
}
