//! What a command sees that `orchestrator exec` has put into a lab: the lab's network, processes and names, and the
//! caller's files.

mod support;

use std::os::unix::fs::MetadataExt;

use serde_json::{Value, json};
use support::{Kind, Machine, kernel_test};

/// Two containers with an address each, and a host with two.
const LAB: &str = "netns.add,red netns.add,blue bridge.add,host,br0 veth.add,host,v1,red,eth0 veth.add,host,v2,blue,eth0 \
                   bridge.add-port,host,br0,v1 bridge.add-port,host,br0,v2 link.set-up,host,br0 link.set-up,host,v1 \
                   link.set-up,host,v2 link.set-up,red,eth0 link.set-up,blue,eth0 link.set-up,red,lo \
                   address.add,host,br0,10.1.0.1/24 address.add,red,eth0,10.1.0.2/24 address.add,blue,eth0,10.1.0.3/24 \
                   address.add,red,eth0,2001:db8::2/64 address.add,blue,eth0,2001:db8::3/64";

kernel_test!(hostname_is_that_of_the_netns, |m| {
    m.stand("lab", LAB);
    let before = m.command("hostname").run();
    for netns in ["host", "red", "blue"] {
        assert_eq!(inside(m, netns, "hostname; uname -n"), format!("{netns}\n{netns}\n"));
    }
    assert_eq!(m.command("hostname").run().success().stdout(), before.success().stdout());
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(names_of_namespaces_resolve, |m| {
    m.stand("lab", LAB);
    for (name, address) in [("red", "10.1.0.2"), ("blue", "10.1.0.3"), ("host", "10.1.0.1"), ("localhost", "127.0.0.1")]
    {
        let found = inside(m, "red", &format!("getent ahostsv4 {name}"));
        assert!(found.lines().all(|line| line.starts_with(&format!("{address} "))), "{name}: {found}");
    }
    assert!(inside(m, "red", "getent ahostsv6 blue").starts_with("2001:db8::3 "));
    m.exec("lab", "red", &["ping", "-4", "-c1", "-W5", "blue"]).run().success().stdout_has("(10.1.0.3)");
    m.exec("lab", "red", &["ping", "-6", "-c1", "-W5", "blue"]).run().success().stdout_has("2001:db8::3");
    m.exec("lab", "red", &["getent", "hosts", "green"]).run().fails_with(2);
    // Outside they mean nothing.
    m.command("getent").args(&["hosts", "red"]).run().fails_with(2);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(hosts_file_can_be_read_by_all, |m| {
    m.stand("lab", LAB);
    assert_eq!(inside(m, "red", "stat -c %a /etc/hosts"), "644\n");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(ip_netns_knows_the_lab_and_nothing_else, |m| {
    // What `ip netns` makes with its first name; without it a user's lab has no place for names.
    m.root_command("mkdir").args(&["-p", "/run/netns"]).run().success();
    m.ip(&["netns", "add", "of-the-machine"]);
    m.stand("lab", LAB);
    let mut names: Vec<String> =
        inside(m, "red", "ip netns list").lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["blue", "host", "red"]);
    for netns in ["host", "red", "blue"] {
        // The kernel may still be busy with the state of a link.
        let but_state = |mut links: Value| {
            for link in links.as_array_mut().unwrap() {
                link.as_object_mut().unwrap().remove("operstate");
            }
            links
        };
        let by_name: Value = serde_json::from_str(&inside(m, "red", &format!("ip -n {netns} -j -4 address"))).unwrap();
        assert_eq!(but_state(by_name), but_state(m.lab_ip("lab", netns, &["-4", "address"])));
    }
    let nested = inside(m, "red", "ip netns exec blue ip -4 -o address show dev eth0");
    assert!(nested.contains("10.1.0.3/24"), "{nested}");
    m.ip(&["netns", "del", "of-the-machine"]);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(sys_class_net_has_the_links_of_the_netns, |m| {
    m.stand("lab", LAB);
    for netns in ["host", "red"] {
        let mut links = names_of(&m.lab_ip("lab", netns, &["link"]));
        links.sort();
        // A bonding module of the machine would add a file of its own.
        let seen = inside(m, netns, "cd /sys/class/net; for link in *; do [ ! -d $link ] || echo $link; done");
        assert_eq!(seen.lines().collect::<Vec<_>>(), links, "{netns}");
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(proc_has_the_processes_of_the_lab, |m| {
    m.stand("lab", LAB);
    let begun = "setsid sleep 1000 </dev/null >/dev/null 2>&1 &";
    inside(m, "blue", begun);
    let seen = inside(m, "red", "cd /proc; for pid in [0-9]*; do tr '\\0' ' ' <$pid/cmdline; echo; done");
    let mut commands: Vec<&str> = seen.lines().map(|line| line.split(' ').next().unwrap()).collect();
    commands.sort_unstable();
    commands.dedup();
    // `tr` comes and goes.
    commands.retain(|command| !["tr", ""].contains(command));
    assert_eq!(commands, ["orchestrator", "sh", "sleep"], "{seen}");
    assert_eq!(inside(m, "red", "wc -l </proc/net/dev"), "4\n", "two lines of heading, `lo` and `eth0`");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(agent_has_a_telling_name_among_the_processes, |m| {
    // `ps -e`, `top` and `pgrep` go by it.
    m.stand("lab", LAB);
    assert_eq!(inside(m, "red", "cat /proc/1/comm"), "orchestrator\n");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(command_can_change_the_network_of_its_lab, |m| {
    m.stand("lab", LAB);
    inside(
        m,
        "red",
        "ip link add dev br9 up type bridge; ip address add 10.9.0.1/24 dev br9; sysctl -qw net.ipv4.ip_forward=1",
    );
    let shown = m.lab_ip("lab", "red", &["-4", "address", "show", "dev", "br9"]);
    assert_eq!(shown[0]["addr_info"][0]["local"], "10.9.0.1");
    assert_eq!(inside(m, "red", "cat /proc/sys/net/ipv4/ip_forward; id -u"), "1\n0\n");
    // Nothing of that is the machine's.
    assert_eq!(m.ip(&["-4", "route"]), json!([]));
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(files_and_directory_are_those_of_the_caller, |m| {
    m.stand("lab", LAB);
    let directory = format!("{}/below", m.kind().home());
    m.command("mkdir").arg(&directory).run().success();
    let script = "pwd; umask; cat ../note; echo written >file";
    m.write("note", "noted\n");
    let words = ["-c", "umask 027; exec orchestrator exec lab red -- sh -c \"$0\"", script];
    let seen = m.command("sh").args(&words).cwd(&directory).run();
    assert_eq!(seen.success().stdout(), format!("{directory}\n0027\nnoted\n"));
    let file = format!("{directory}/file");
    assert_eq!(m.read(&file), "written\n");
    let metadata = m.outside(&file).metadata().unwrap();
    assert_eq!(metadata.mode() & 0o777, 0o640);
    assert_eq!(metadata.uid(), m.outside(m.kind().home()).metadata().unwrap().uid());
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(mounts_of_a_command_stay_with_it, |m| {
    m.stand("lab", LAB);
    // Without -n, `mount` writes to the machine's /run.
    inside(m, "red", "mount -n -t tmpfs none /mnt; echo x >/mnt/file");
    assert!(!m.outside("/mnt/file").exists());
    assert_eq!(inside(m, "red", "ls /mnt | grep -c '^file$' || :"), "0\n");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(environment_is_that_of_the_caller, |m| {
    m.stand("lab", LAB);
    let seen = m.exec("lab", "red", &["env"]).env("WORD", "a word").env("TERM", "vt100").run();
    seen.success().stdout_has("WORD=a word\n").stdout_has("TERM=vt100\n").stdout_has("USER=");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(command_has_no_descriptor_of_ours, |m| {
    m.stand("lab", LAB);
    // The caller's own, as 8 here, are passed on as by any program.
    let script = "exec 8</dev/null; exec \"$@\"";
    let fds = ["ls", "/proc/self/fd"];
    let plain = m.command("sh").args(&["-c", script, "sh"]).args(&fds).run();
    let inside =
        m.command("sh").args(&["-c", script, "sh", "orchestrator", "exec", "lab", "red", "--"]).args(&fds).run();
    plain.success().stdout_has("8\n");
    assert_eq!(inside.success().stdout(), plain.stdout());
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(command_is_where_the_agent_holds_the_netns, |m| {
    m.stand("lab", LAB);
    let agent = m.agent_pid("lab");
    for netns in ["host", "red", "blue"] {
        // Root of the machine finds it in the agent's descriptors, whoever's lab it is.
        let path = m.lab_netns("lab", netns);
        assert!(path.starts_with(&format!("/proc/{agent}/")), "{path}");
        let links = inside(m, netns, "ip -j link");
        let links: Value = serde_json::from_str(&links).unwrap();
        assert_eq!(names_of(&links), names_of(&m.lab_ip("lab", netns, &["link"])));
    }
    let machine = m.root_command("readlink").arg("/proc/self/ns/net").run();
    assert_ne!(inside(m, "host", "readlink /proc/self/ns/net"), machine.success().stdout());
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(user_gains_nothing_outside_of_the_lab, |m| {
    m.stand("lab", LAB);
    // Root of a user's lab is still the user to the files and the network of the machine.
    m.root_command("sh").args(&["-euc", "umask 077; echo secret >/tmp/secret"]).run().success();
    let read = m.exec("lab", "red", &["cat", "/tmp/secret"]).run();
    match m.kind() {
        Kind::Root => drop(read.success()),
        // Where the tests run without root, both accounts are one to the kernel.
        Kind::User if m.read("/proc/1/uid_map").split_whitespace().nth(2) == Some("1") => {}
        Kind::User => drop(read.fails_with(1).stderr_has("ermission denied")),
    }
    m.root_command("rm").arg("/tmp/secret").run().success();
    m.orchestrator(&["down", "lab"]).success();
});

/// Runs a script in a netns of the lab and returns what it prints.
#[track_caller]
fn inside(m: &Machine, netns: &str, script: &str) -> String {
    let done = m.exec("lab", netns, &["sh", "-euc", script]).run();
    assert_eq!(done.success().stderr(), "", "{done}");
    done.stdout().to_owned()
}

fn names_of(links: &Value) -> Vec<String> {
    let names = links.as_array().into_iter().flatten().filter_map(|link| link["ifname"].as_str());
    names.map(str::to_owned).collect()
}
