//! The names that root's labs have for `ip netns`, which are symlinks in /run/netns.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::{Kind, Machine, kernel_test, on_machine};

const NAMES: &str = "/run/netns";

#[test]
fn ip_netns_lists_the_namespaces_of_a_lab() {
    on_root(|m| {
        m.stand("lab", "netns.add,red netns.add,blue.v2 netns.add,Green_1");
        assert_eq!(listed(m), ["lab.Green_1", "lab.blue.v2", "lab.host", "lab.red"]);
        // For everybody, as `ip netns` makes the directory.
        assert_eq!(m.outside(NAMES).metadata().unwrap().permissions().mode() & 0o777, 0o755);
        m.orchestrator(&["down", "lab"]).success();
        assert!(listed(m).is_empty());
        m.has_no_trace_of_labs();
    });
}

#[test]
fn ip_reaches_a_netns_of_a_lab_by_its_name() {
    on_root(|m| {
        m.stand("lab", "netns.add,red veth.add,host,v1,red,eth0 address.add,red,eth0,10.1.0.2/24");
        for netns in ["host", "red"] {
            let name = format!("lab.{netns}");
            let expected = m.lab_ip("lab", netns, &["address"]);
            assert_eq!(m.ip(&["-n", &name, "address"]), expected);
            assert_eq!(m.ip_at(&format!("{NAMES}/{name}"), &["address"]), expected);
            let inside = m.command("ip").args(&["netns", "exec", &name, "ip", "-j", "address"]).run();
            assert_eq!(inside.success().json(), expected);
        }
        let changed = m.command("ip").args(&["-n", "lab.red", "link", "set", "dev", "eth0", "mtu", "1300"]).run();
        changed.success();
        assert_eq!(m.lab_ip("lab", "red", &["link", "show", "dev", "eth0"])[0]["mtu"], 1300);
        m.command("bridge").args(&["-n", "lab.host", "link"]).run().success();
        m.orchestrator(&["down", "lab"]).success();
        m.command("ip").args(&["-n", "lab.red", "link"]).run().fails_with(255).stderr_has("No such file");
    });
}

#[test]
fn process_in_a_lab_is_identified_by_ip_netns() {
    on_root(|m| {
        m.stand("lab", "netns.add,red");
        let script = "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!";
        m.exec("lab", "red", &["sh", "-c", script]).run().success();
        let pids = m.command("ip").args(&["netns", "pids", "lab.red"]).run();
        let pid = pids.success().stdout().trim().to_owned();
        assert_eq!(m.command("ip").args(&["netns", "identify", &pid]).run().success().stdout(), "lab.red\n");
        m.orchestrator(&["down", "lab"]).success();
    });
}

#[test]
fn names_go_with_their_own_lab_only() {
    on_root(|m| {
        m.ip(&["netns", "add", "mine"]);
        m.stand("one", "netns.add,red");
        m.stand("two", "netns.add,red");
        assert_eq!(listed(m), ["mine", "one.host", "one.red", "two.host", "two.red"]);
        m.orchestrator(&["down", "one"]).success();
        assert_eq!(listed(m), ["mine", "two.host", "two.red"]);
        m.orchestrator(&["down", "two"]).success();
        assert_eq!(listed(m), ["mine"]);
        m.ip(&["-n", "mine", "link"]);
        m.ip(&["netns", "del", "mine"]);
    });
}

#[test]
fn lab_whose_scenario_has_failed_has_no_names() {
    on_root(|m| {
        let mut run = m.play("lab", &[], "netns.add,red lab.apply sys.sleep,200 sys.fail,no").spawn();
        run.stdout_gets("lab.apply: ok");
        // It is not complete yet.
        assert!(listed(m).is_empty());
        run.wait().fails_with(1);
        assert!(listed(m).is_empty());
    });
}

#[test]
fn name_that_somebody_else_has_is_left_alone_and_that_is_said() {
    on_root(|m| {
        let script =
            "mkdir -p /run/netns && cd /run/netns && ln -s /nowhere lab.red && echo mine >lab.host && mkdir lab.dir";
        m.command("sh").args(&["-euc", script]).run().success();
        let others = |m: &Machine| {
            let path = m.outside(NAMES);
            assert_eq!(fs::read_link(path.join("lab.red")).unwrap().to_str(), Some("/nowhere"));
            assert_eq!(m.read("/run/netns/lab.host"), "mine\n");
            assert!(path.join("lab.dir").is_dir());
        };
        let stood = m.play("lab", &[], "netns.add,red netns.add,blue netns.add,dir").run();
        others(m);
        assert_eq!(m.ip(&["-n", "lab.blue", "link"]), m.lab_ip("lab", "blue", &["link"]));
        // The lab is as good as any by `exec`.
        m.exec("lab", "red", &["true"]).run().success();
        m.orchestrator(&["down", "lab"]).success();
        others(m);
        assert_eq!(m.entries(NAMES), ["lab.dir", "lab.host", "lab.red"]);
        m.command("rm")
            .args(&["-r", "/run/netns/lab.dir", "/run/netns/lab.host", "/run/netns/lab.red"])
            .run()
            .success();
        // Nobody looks into a log where all seems well; and a name that leads elsewhere is not to be typed next.
        stood.success().stderr_has("lab.red").stderr_lacks("ip -n lab.host");
    });
}

#[test]
fn name_of_a_crashed_lab_that_somebody_has_taken_since_is_left_alone() {
    on_root(|m| {
        m.stand("lab", "netns.add,red");
        m.kill_agent("lab");
        let script = "cd /run/netns && rm lab.red && ln -s /proc/1/fd/0 lab.red && ln -s /proc/1/ns/net lab.mine";
        m.command("sh").args(&["-euc", script]).run().success();
        assert!(m.labs().is_empty());
        assert_eq!(m.entries(NAMES), ["lab.mine", "lab.red"]);
        m.command("rm").args(&["/run/netns/lab.red", "/run/netns/lab.mine"]).run().success();
    });
}

#[test]
fn name_of_a_crashed_lab_goes_though_its_agents_number_is_somebody_elses() {
    on_root(|m| {
        m.stand("lab", "netns.add,red");
        let agent = m.agent_pid("lab");
        let target = fs::read_link(m.outside(NAMES).join("lab.red")).unwrap();
        let descriptor = target.file_name().unwrap().to_str().unwrap();
        m.kill_agent("lab");
        let other = format!("exec {descriptor}</dev/null; echo $$; exec sleep 1000");
        // The next process gets the number after this one.
        let script = format!("echo {} >/proc/sys/kernel/ns_last_pid; bash -c '{other}'; :", agent - 1);
        let mut other = m.command("sh").args(&["-euc", &script]).spawn();
        other.stdout_gets(&format!("{agent}\n"));
        assert!(m.labs().is_empty());
        m.has_no_trace_of_labs();
        m.command("kill").args(&["-KILL", &agent.to_string()]).run().success();
        other.wait().fails_with(137);
    });
}

#[test]
fn name_that_was_removed_by_hand_harms_nothing() {
    on_root(|m| {
        m.stand("lab", "netns.add,red");
        m.command("rm").arg("/run/netns/lab.red").run().success();
        m.exec("lab", "red", &["ip", "link"]).run().success();
        let down = m.orchestrator(&["down", "lab"]);
        assert_eq!(down.success().stderr(), "");
        m.has_no_trace_of_labs();
    });
}

#[test]
fn name_that_was_put_in_the_place_of_ours_is_not_removed() {
    on_root(|m| {
        m.stand("lab", "netns.add,red");
        let script = "cd /run/netns && rm lab.red && ln -s /proc/1/ns/net lab.red";
        m.command("sh").args(&["-euc", script]).run().success();
        m.orchestrator(&["down", "lab"]).success();
        assert_eq!(m.entries(NAMES), ["lab.red"]);
        m.command("rm").arg("/run/netns/lab.red").run().success();
    });
}

#[test]
fn lab_of_a_user_has_no_names() {
    on_machine(Kind::User, |m| {
        m.root_command("mkdir").arg(NAMES).run().success();
        m.stand("lab", "netns.add,red");
        assert!(m.entries(NAMES).is_empty());
        m.orchestrator(&["down", "lab"]).success();
    });
}

kernel_test!(directory_of_names_is_not_made_where_it_is_not_needed, |m| {
    let before = m.outside(NAMES).exists();
    m.orchestrator(&["list"]).success();
    m.orchestrator(&["run", "no-such-example"]).fails_with(2);
    m.play("lab", &["--rm"], "netns.add,red").run().success();
    assert_eq!(m.outside(NAMES).exists(), before);
});

fn on_root(test: impl FnOnce(&Machine)) {
    on_machine(Kind::Root, test);
}

/// Returns the names that `ip netns` lists.
#[track_caller]
fn listed(m: &Machine) -> Vec<String> {
    let listed = m.command("ip").args(&["netns", "list"]).run();
    let mut names: Vec<String> =
        listed.success().stdout().lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    names.sort();
    assert!(!listed.stderr().contains("invalid"), "a name that leads nowhere: {listed}");
    names
}
