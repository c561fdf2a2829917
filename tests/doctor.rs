//! `doctor` says what this machine and this user can do, and is right about it: labs can be built where it says so.

mod support;

use std::time::{Duration, Instant};

use serde_json::Value;
use support::{EMPTY_WAT, Kind, Machine, Outcome, confined, forbidden, kernel_test, on_machine};

/// The groups of lines, in their order.
const GROUPS: [&str; 8] =
    ["labs", "namespaces", "kernel", "privileges", "guest's process", "subordinate ids", "limits", "--on-host"];

/// What every machine has that these tests run on, whoever looks.
const EVERYWHERE: [(&str, &str); 14] = [
    ("labs", "build labs"),
    ("labs", "directory for labs"),
    ("labs", "/proc"),
    ("namespaces", "user namespaces"),
    ("namespaces", "PID namespaces"),
    ("namespaces", "mount namespaces"),
    ("namespaces", "network namespaces"),
    ("namespaces", "UTS namespaces"),
    ("kernel", "veth"),
    ("kernel", "veth into another netns"),
    ("kernel", "bridge"),
    ("kernel", "moving to a chosen index"),
    ("kernel", "ping sockets"),
    ("kernel", "alias of a link"),
];

kernel_test!(machine_that_can_have_labs_is_told_so, |m| {
    let doctor = m.orchestrator(&["doctor", "--json"]);
    let checks = checks(doctor.success());
    assert_eq!(doctor.stderr(), "");
    for (group, name) in EVERYWHERE {
        assert_eq!(find(&checks, group, name)["state"], "yes", "{name} in {doctor}");
    }
    let verdict = find(&checks, "labs", "build labs");
    let (how, admin) = match m.kind() {
        Kind::Root => ("as root, without a user namespace", "yes"),
        Kind::User => ("without root, in a user namespace", "no"),
    };
    assert!(verdict["detail"].as_str().is_some_and(|detail| detail.starts_with(how)), "{doctor}");
    for capability in ["CAP_SYS_ADMIN", "CAP_NET_ADMIN"] {
        assert_eq!(find(&checks, "privileges", capability)["state"], admin, "{doctor}");
    }
    assert_eq!(find(&checks, "--on-host", "change this network")["state"], admin, "{doctor}");
    assert_eq!(find(&checks, "labs", "directory for labs")["detail"], m.labs_directory(), "{doctor}");
    // Nothing was made, not even that directory; and what was said is so.
    m.has_no_trace_of_labs();
    m.root_command("test").args(&["-e", &m.labs_directory()]).run().fails_with(1);
    m.orchestrator(&["run", "--rm", "two-containers"]).success();
});

kernel_test!(each_check_is_an_object_of_five_and_no_other_fields, |m| {
    for check in checks(&m.orchestrator(&["doctor", "--json"])) {
        let fields = check.as_object().expect("an object");
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        assert_eq!(names, ["detail", "group", "name", "remedy", "state"], "{check}");
        for name in ["group", "name", "detail"] {
            assert!(check[name].as_str().is_some_and(|text| !text.is_empty()), "{name} of {check}");
        }
        assert!(check["remedy"].is_null() || check["remedy"].as_str().is_some_and(|text| !text.is_empty()), "{check}");
        match check["state"].as_str() {
            Some("yes" | "unknown") => {}
            Some("no") => assert!(check["remedy"].is_string(), "no way to change it: {check}"),
            _ => panic!("the state is another: {check}"),
        }
    }
});

kernel_test!(table_has_the_same_lines_in_groups, |m| {
    let checks = checks(&m.orchestrator(&["doctor", "--json"]));
    let table = m.orchestrator(&["doctor"]);
    let lines: Vec<&str> = table.success().stdout().lines().collect();
    let groups: Vec<&str> = lines.iter().filter(|line| !line.starts_with(' ') && !line.is_empty()).copied().collect();
    assert_eq!(groups, GROUPS);
    let state = |line: &&&str| {
        let state = line.strip_prefix("  ").and_then(|rest| rest.split(' ').next());
        state.is_some_and(|state| ["yes", "no", "unknown"].contains(&state))
    };
    let told: Vec<&&str> = lines.iter().filter(state).collect();
    assert_eq!(told.len(), checks.len(), "{table}");
    for (check, line) in checks.iter().zip(told) {
        let words = ["state", "name"].map(|field| check[field].as_str().unwrap_or_default());
        assert!(line.starts_with(&format!("  {:9} {}  ", words[0], words[1])), "`{line}` is not {check}");
    }
    for line in &lines {
        assert!(line.chars().count() <= 100 && line.trim_end() == *line, "`{line}` in {table}");
    }
    let remedies = checks.iter().filter(|check| check["remedy"].is_string()).count();
    assert_eq!(lines.iter().filter(|line| line.starts_with("            -> ")).count(), remedies, "{table}");
});

kernel_test!(limit_of_namespaces_that_forbids_labs_is_named, |m| {
    let empty = m.write("empty.wat", EMPTY_WAT);
    let mut kinds = vec![("pid", "PID namespaces"), ("mnt", "mount namespaces"), ("net", "network namespaces")];
    // Root needs no user namespace.
    kinds.extend((m.kind() == Kind::User).then_some(("user", "user namespaces")));
    for (kind, name) in kinds {
        let script = format!("echo 0 >/proc/sys/user/max_{kind}_namespaces");
        let doctor = confined(m, &script, &["doctor", "--json"]).run();
        let checks = checks(doctor.fails_with(3));
        let verdict = find(&checks, "labs", "build labs");
        assert_eq!(
            (verdict["state"].as_str(), verdict["detail"].as_str()),
            (Some("no"), Some(&*format!("for want of: {name}"))),
            "{doctor}"
        );
        let limit = format!("user.max_{kind}_namespaces");
        let check = find(&checks, "namespaces", name);
        assert!(check["detail"].as_str().is_some_and(|detail| detail.starts_with("ENOSPC")), "{check}");
        assert!(check["remedy"].as_str().is_some_and(|way| way.contains(&format!("sudo sysctl {limit}="))), "{check}");
        assert_eq!(find(&checks, "limits", &limit)["state"], "no", "{doctor}");
        // What needs it was not tried, and `run` finds the same.
        assert_eq!(find(&checks, "kernel", "veth")["state"], "unknown", "{doctor}");
        confined(m, &script, &["run", &empty]).run().fails_with(3);
        let table = confined(m, &script, &["doctor"]).run();
        table
            .fails_with(3)
            .stdout_has(&format!("  no        {name} "))
            .stdout_has("            -> a limit on namespaces");
    }
});

kernel_test!(what_only_exec_needs_does_not_forbid_labs, |m| {
    let script = "echo 0 >/proc/sys/user/max_uts_namespaces";
    let doctor = confined(m, script, &["doctor", "--json"]).run();
    let checks = checks(doctor.success());
    assert_eq!(find(&checks, "namespaces", "UTS namespaces")["state"], "no", "{doctor}");
    confined(m, script, &["run", "--rm", "single-container"]).run().success();
});

#[test]
fn user_namespaces_that_are_forbidden_are_explained() {
    on_machine(Kind::User, |m| {
        for (fake, why) in [
            ("echo 1 >/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "AppArmor forbids"),
            ("echo 0 >/proc/sys/kernel/unprivileged_userns_clone", "sysctl kernel.unprivileged_userns_clone=1"),
            ("", "seccomp profile"),
        ] {
            let fake = format!("mount -n -t tmpfs kernel /proc/sys/kernel; {fake}");
            let doctor = forbidden(m, &fake, &["doctor", "--json"]).run();
            let checks = checks(doctor.fails_with(3));
            let check = find(&checks, "namespaces", "user namespaces");
            assert_eq!(check["state"], "no", "{doctor}");
            assert!(check["remedy"].as_str().is_some_and(|way| way.contains(why)), "{check}");
            assert_eq!(find(&checks, "namespaces", "network namespaces")["state"], "unknown", "{doctor}");
        }
    });
}

#[test]
fn root_without_capabilities_is_told_which_it_lacks() {
    on_machine(Kind::Root, |m| {
        let script = "exec setpriv --bounding-set=-all --inh-caps=-all -- orchestrator \"$@\"";
        let doctor = confined(m, script, &["doctor", "--json"]).run();
        let checks = checks(doctor.fails_with(3));
        for capability in ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SETUID", "CAP_SETGID"] {
            let check = find(&checks, "privileges", capability);
            assert_eq!(check["state"], "no", "{doctor}");
            assert!(check["remedy"].as_str().is_some_and(|way| way.contains("--cap-add")), "{check}");
        }
    });
}

kernel_test!(machine_without_settings_is_looked_at_all_the_same, |m| {
    // As in a container that hides them.
    let doctor = confined(m, "mount -n -t tmpfs none /proc/sys", &["doctor", "--json"]).run();
    let checks = checks(&doctor);
    assert!([0, 3].contains(&doctor.code()), "{doctor}");
    assert_eq!(doctor.stderr(), "");
    for name in ["fs.file-max", "user.max_net_namespaces", "IPv4 neighbours"] {
        assert_eq!(find(&checks, "limits", name)["state"], "unknown", "{doctor}");
    }
    assert_eq!(find(&checks, "--on-host", "IPv4 across a bridge")["state"], "unknown", "{doctor}");
});

kernel_test!(machine_without_proc_cannot_have_labs, |m| {
    let doctor = confined(m, "mount -n -t tmpfs none /proc", &["doctor", "--json"]).run();
    let checks = checks(doctor.fails_with(3));
    let check = find(&checks, "labs", "/proc");
    assert_eq!((&check["state"], &check["detail"]), (&Value::from("no"), &Value::from("ENOENT")), "{doctor}");
});

kernel_test!(limit_of_open_files_is_told_by_the_lab_that_it_allows, |m| {
    for (limit, state, detail) in [
        (100, "no", "100: labs of up to 36 netns"),
        (1000, "yes", "1000: labs of up to 936 netns"),
        (18_000, "yes", "18000: enough for any lab"),
    ] {
        let script = format!("ulimit -n {limit}; exec orchestrator doctor --json");
        let doctor = m.command("sh").args(&["-c", &script]).run();
        let checks = checks(doctor.success());
        let check = find(&checks, "limits", "open files of a process");
        assert_eq!((check["state"].as_str(), check["detail"].as_str()), (Some(state), Some(detail)), "{check}");
    }
});

#[test]
fn bridge_behind_a_firewall_of_docker_is_told_with_the_way_out() {
    on_machine(Kind::Root, |m| {
        let chain =
            r#"{"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "hook": "forward", "policy": "drop"}}"#;
        let docker = format!("echo '{{\"nftables\": [{chain}]}}'");
        for (nf_call, nft, ipv4, ipv6) in [
            ("1", &*docker, "no", "yes"),
            ("1", "echo '{\"nftables\": []}'", "yes", "yes"),
            ("1", "exit 1", "unknown", "unknown"),
            ("1", "echo nonsense", "unknown", "unknown"),
            // It may hang, as long as it likes.
            ("1", "exec sleep 600", "unknown", "unknown"),
            ("0", &*docker, "yes", "yes"),
        ] {
            let doctor = with_firewall(m, nf_call, nft);
            let checks = checks(doctor.success());
            let check = find(&checks, "--on-host", "IPv4 across a bridge");
            assert_eq!(check["state"], ipv4, "`{nft}`: {check}");
            if ipv4 == "no" {
                let way = check["remedy"].as_str().unwrap_or_default();
                assert!(way.contains("sudo iptables -I FORWARD -i br0 -o br0 -j ACCEPT"), "{check}");
                assert!(way.contains("sudo sysctl net.bridge.bridge-nf-call-iptables=0"), "{check}");
            }
            assert_eq!(find(&checks, "--on-host", "IPv6 across a bridge")["state"], ipv6, "`{nft}`: {doctor}");
        }
    });
}

#[test]
fn ordinary_user_is_told_that_only_root_sees_the_firewall() {
    on_machine(Kind::User, |m| {
        let doctor = with_firewall(m, "1", "echo unasked >&2");
        let checks = checks(doctor.success());
        assert_eq!(doctor.stderr(), "");
        let check = find(&checks, "--on-host", "IPv4 across a bridge");
        assert_eq!(check["state"], "unknown", "{check}");
        assert!(check["detail"].as_str().is_some_and(|detail| detail.contains("only root")), "{check}");
    });
}

kernel_test!(user_without_ranges_of_ids_is_told_how_to_get_some, |m| {
    let script = ": >none; [ ! -e /etc/subuid ] || mount -n --bind none /etc/subuid";
    let checks = checks(&confined(m, script, &["doctor", "--json"]).run());
    let several = find(&checks, "subordinate ids", "several uids in a lab");
    match m.kind() {
        Kind::Root => assert_eq!(several["state"], "yes", "{several}"),
        Kind::User => {
            assert_eq!(several["state"], "no", "{several}");
            let check = find(&checks, "subordinate ids", "/etc/subuid");
            assert_eq!(check["state"], "no", "{check}");
            assert!(check["remedy"].as_str().is_some_and(|way| way.contains("usermod --add-subuids")), "{check}");
        }
    }
});

/// Runs `doctor` on a machine whose bridges are, or are not, behind a firewall; `nft` does what the script says.
#[track_caller]
fn with_firewall(m: &Machine, nf_call: &str, nft: &str) -> Outcome {
    m.command("mkdir").args(&["-p", "fake"]).run().success();
    let program = m.write("fake/nft", format!("#!/bin/sh\n{nft}\n"));
    m.command("chmod").args(&["+x", &program]).run().success();
    // Only a root whose network it is can read the names of the old tables.
    let own_network = if m.kind() == Kind::Root { "exec unshare --net -- orchestrator \"$@\"" } else { "" };
    let script = format!(
        "mount -n -t tmpfs none /proc/sys/net; mkdir /proc/sys/net/bridge /proc/sys/net/ipv4
        for setting in iptables ip6tables; do echo {nf_call} >/proc/sys/net/bridge/bridge-nf-call-$setting; done
        mount -n -t tmpfs none /sys/module; mkdir /sys/module/nf_tables
        PATH=$PWD/fake:$PATH
        {own_network}"
    );
    let before = Instant::now();
    let doctor = confined(m, &script, &["doctor", "--json"]).run();
    assert!(before.elapsed() < Duration::from_secs(10), "it took {:?}: {doctor}", before.elapsed());
    doctor
}

/// Returns the checks that `doctor --json` prints.
#[track_caller]
fn checks(doctor: &Outcome) -> Vec<Value> {
    doctor.json().as_array().expect("an array").clone()
}

#[track_caller]
fn find<'c>(checks: &'c [Value], group: &str, name: &str) -> &'c Value {
    let found = checks.iter().find(|check| check["group"] == group && check["name"] == name);
    found.unwrap_or_else(|| panic!("there is no `{name}` of `{group}` in {checks:#?}"))
}
