//! The harness itself: what a machine is, who its accounts are, and that nothing left in it goes unnoticed.

mod support;

use std::env;
use std::fs::{self, DirEntry};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{self, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::{Kind, Machine, kernel_test, on_machine, poll_until};

/// How long a process may take to appear or to end.
const SOON: Duration = Duration::from_secs(10);

kernel_test!(machine_has_no_link_but_lo, |m| {
    let links = m.ip(&["link"]);
    let up: Vec<_> = links.as_array().unwrap().iter().filter(|link| has_flag(link, "UP")).collect();
    assert_eq!(up.len(), 1, "{links}");
    assert_eq!(up[0]["ifname"], "lo");
    // /sys is the machine's too.
    assert!(m.command("ls").arg("/sys/class/net").run().success().stdout().lines().any(|link| link == "lo"));
    assert_eq!(m.command("ls").arg("/sys/class/net").run().stdout().lines().count(), links.as_array().unwrap().len());
});

kernel_test!(machine_has_no_process_but_its_init, |m| {
    assert_eq!(m.processes(), []);
    m.command("sh").args(&["-c", "test $$ -lt 1000"]).run().success();
});

kernel_test!(machine_has_directories_of_its_own, |m| {
    let made = m.root_command("sh").args(&["-c", "ls -A /tmp; ls -A /run"]).run();
    let expected: &[&str] = if m.kind() == Kind::User { &["machine", "user"] } else { &["machine"] };
    assert_eq!(made.success().stdout().lines().collect::<Vec<_>>(), expected);
});

kernel_test!(change_to_the_network_stays_in_the_machine, |m| {
    m.ip(&["link", "add", "dev", "br-machine", "type", "bridge"]);
    assert!(!Path::new("/sys/class/net/br-machine").exists());
    let other = Machine::new(m.kind());
    other.root_command("ip").args(&["link", "show", "dev", "br-machine"]).run().fails_with(1);
    m.ip(&["link", "del", "dev", "br-machine"]);
});

#[test]
fn root_has_every_capability_over_its_network() {
    on_machine(Kind::Root, |m| {
        m.command("id").arg("-u").run().success().stdout_has("0\n");
        m.command("ip").args(&["link", "set", "dev", "lo", "mtu", "1500"]).run().success();
        m.command("ip").args(&["link", "set", "dev", "lo", "mtu", "65536"]).run().success();
    });
}

#[test]
fn user_is_not_root_and_has_no_capability() {
    on_machine(Kind::User, |m| {
        let uid = format!("{}\n", Kind::User.uid());
        assert_eq!(m.command("id").arg("-u").run().success().stdout(), uid);
        assert_eq!(m.command("id").arg("-g").run().success().stdout(), uid);
        let status = m.command("cat").arg("/proc/self/status").run();
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            status.success().stdout_has(&format!("{set}:\t0000000000000000\n"));
        }
        m.command("ip").args(&["link", "set", "dev", "lo", "down"]).run().fails_with(2).stderr_has("not permitted");
    });
}

#[test]
fn user_can_make_namespaces_of_the_own() {
    on_machine(Kind::User, |m| {
        let script = "mount -n -t sysfs sysfs /sys && ip link set dev lo up && ls /sys/class/net";
        let unshare = ["--map-root-user", "--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", script];
        m.command("unshare").args(&unshare).run().success().stdout_has("lo");
    });
}

kernel_test!(accounts_have_a_home_and_what_a_login_gives, |m| {
    let path = m.write("note", "hello");
    m.command("sh").args(&["-c", "pwd; cat note; rm note"]).run().success().stdout_has(m.kind().home());
    assert!(!m.outside(&path).exists());
    let runtime_dir =
        m.command("sh").args(&["-c", "[ -z \"$XDG_RUNTIME_DIR\" ] || stat -c '%a %u' $XDG_RUNTIME_DIR"]).run();
    match m.kind() {
        Kind::Root => assert_eq!(runtime_dir.success().stdout(), ""),
        Kind::User => assert_eq!(runtime_dir.success().stdout(), format!("700 {}\n", Kind::User.uid())),
    }
    let caches = match m.kind() {
        Kind::Root => "/var/cache",
        Kind::User => ".cache",
    };
    m.command("sh").args(&["-euc", "touch $0/written; rm $0/written", caches]).run().success();
});

kernel_test!(orchestrator_and_guest_are_in_reach, |m| {
    m.command("sh").args(&["-c", "command -v orchestrator"]).run().success();
    m.command("test").args(&["-x", "/run/machine/bin/orchestrator"]).run().success();
    m.command("test").args(&["-r", support::GUEST_CALLS]).run().success();
});

kernel_test!(command_has_input_environment_directory_and_status, |m| {
    let command = m.command("sh").args(&["-c", "pwd; echo $WORD; cat; echo no >&2; exit 7"]);
    let outcome = command.cwd("/usr").env("WORD", "word").stdin("input").run();
    outcome.fails_with(7).stderr_has("no\n");
    assert_eq!(outcome.stdout(), "/usr\nword\ninput");
    m.command("sh").args(&["-c", "kill -TERM $$"]).run().fails_with(143);
    m.command("there-is-no-such-program").run().fails_with(127);
});

kernel_test!(command_that_runs_gets_signals, |m| {
    let mut running = m
        .command("sh")
        .args(&["-c", "trap 'echo told; exit 5' USR1; echo begun; while :; do sleep 0.01; done"])
        .spawn();
    running.stdout_gets("begun");
    running.signal(Signal::SIGSTOP);
    running.signal(Signal::SIGCONT);
    running.signal(Signal::SIGUSR1);
    running.wait().fails_with(5).stdout_has("told");
});

kernel_test!(command_that_hangs_is_killed_and_shown, |m| {
    // All in a machine is killed with it.
    let other = Machine::new(m.kind());
    let hangs = other.command("sh").args(&["-c", "echo so far; sleep 1000"]).deadline(Duration::from_secs(2));
    let said = panic_of(|| drop(hangs.run()));
    assert!(said.contains("did not end in time") && said.contains("so far"), "{said}");
    let other = Machine::new(m.kind());
    let holds = other.command("sh").args(&["-c", "sleep 1000 & echo begun"]).deadline(Duration::from_secs(2));
    let said = panic_of(|| drop(holds.run()));
    assert!(said.contains("holds its output open") && said.contains("begun"), "{said}");
});

kernel_test!(terminal_controls_its_command, |m| {
    let mut terminal = m.command("sh").on_terminal();
    terminal.types("stty size; tty; id -u\r");
    terminal.shows("24 80\r\n");
    terminal.shows("/dev/pts/");
    terminal.shows(&format!("{}\r\n", m.kind().uid()));
    terminal.resize(40, 132);
    terminal.types("stty size </dev/tty\r");
    terminal.shows("40 132\r\n");
    terminal.types("sleep 1000; echo then $?\r");
    poll_until(Instant::now() + SOON, || {
        m.processes().iter().any(|(_, command)| command == "sleep 1000").then_some(())
    })
    .expect("sleep runs");
    terminal.types("\x03");
    terminal.shows("\r\n");
    terminal.types("echo code $?; exit 3\r");
    terminal.shows("code 130\r\n");
    terminal.wait().fails_with(3).stdout_has("stty size");
});

kernel_test!(witness_sees_what_plain_ip_has_made, |m| {
    m.ip(&["netns", "add", "red"]);
    m.ip(&["-n", "red", "link", "add", "dev", "br0", "type", "bridge"]);
    let links = m.ip_at("/run/netns/red", &["-d", "link", "show", "dev", "br0"]);
    assert_eq!(links[0]["linkinfo"]["info_kind"], "bridge");
    assert_eq!(m.ip(&["-n", "red", "route"]), serde_json::json!([]));
    m.ip(&["netns", "del", "red"]);
});

kernel_test!(witness_enters_a_netns_that_is_only_a_descriptor, |m| {
    let script = "exec 9</proc/self/ns/net; readlink /proc/self/ns/net; ip link add dev br9 type bridge; echo $$; exec sleep 1000";
    let map_root: &[&str] = if m.kind() == Kind::User { &["--map-root-user"] } else { &[] };
    let mut holder = m.command("unshare").args(map_root).args(&["--net", "sh", "-ec", script]).spawn();
    holder.stdout_gets("\n");
    let (pid, _) =
        poll_until(Instant::now() + SOON, || m.processes().into_iter().find(|(_, command)| command == "sleep 1000"))
            .expect("sleep runs");
    let identity = m.root_command("readlink").arg(&format!("/proc/{pid}/ns/net")).run();
    let path = m.descriptor(pid, identity.success().stdout().trim());
    assert_eq!(path, format!("/proc/{pid}/fd/9"));
    assert_eq!(m.ip_at(&path, &["link", "show", "dev", "br9"])[0]["ifname"], "br9");
});

kernel_test!(process_that_is_left_is_reported, |m| {
    leaves(m, "sleep 1000 >/dev/null 2>&1 &", &["process ", ": sleep 1000"]);
    let (pid, _) = m.processes().pop().expect("it is still there");
    m.command("sh").args(&["-c", "kill $0", &pid.to_string()]).run().success();
});

kernel_test!(file_that_is_left_is_reported, |m| {
    let dir = own_dir(m.kind());
    leaves(m, &format!("mkdir -p {dir}/orchestrator/labs; echo x >{dir}/orchestrator/labs/x"), &["labs/x (file)"]);
    leaves(m, &format!("rm -r {dir}/orchestrator; mkdir -p {dir}/orchestrator/labs/two"), &["labs/two (directory)"]);
    leaves(m, &format!("rm -r {dir}/orchestrator; touch /tmp/x"), &["/tmp/x (empty file)"]);
    m.command("rm").arg("/tmp/x").run().success();
});

kernel_test!(empty_directories_and_locks_of_the_tool_may_stay, |m| {
    let dir = own_dir(m.kind());
    let script = format!(
        "mkdir -p {dir}/orchestrator/labs; : >{dir}/orchestrator/lock; mkdir -p /tmp/orchestrator-$(id -u)/labs"
    );
    m.command("sh").args(&["-c", &script]).run().success();
});

kernel_test!(socket_that_is_left_is_reported, |m| {
    let path = m.outside(&format!("{}/socket", own_dir(m.kind())));
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    drop(listener);
    leaves(m, "", &["/socket (socket)"]);
    fs::remove_file(path).unwrap();
});

kernel_test!(dangling_netns_name_is_reported, |m| {
    root_leaves(
        m,
        "mkdir -p /run/netns; ln -s /proc/999999/fd/5 /run/netns/two.host",
        &["two.host (symlink to /proc/999999/fd/5, dangling)"],
    );
    m.root_command("rm").arg("/run/netns/two.host").run().success();
});

kernel_test!(netns_that_is_left_is_reported, |m| {
    root_leaves(m, "ip netns add red", &["file: /run/netns/red", "mount: net:[", "on /run/netns/red"]);
    m.ip(&["netns", "del", "red"]);
});

kernel_test!(link_address_route_and_rule_that_are_left_are_reported, |m| {
    let adds = "ip link add dev br0 up type bridge; ip addr add 10.9.0.1/24 dev br0; ip route add 10.8.0.0/16 via 10.9.0.2; ip rule add to 10.7.0.0/16 table 7";
    root_leaves(m, adds, &[": br0:", "10.9.0.1/24", "10.8.0.0/16 via", "to 10.7.0.0/16"]);
    let removes = "ip rule del to 10.7.0.0/16 table 7; ip link del dev br0";
    m.root_command("sh").args(&["-ec", removes]).run().success();
});

kernel_test!(what_is_gone_is_reported, |m| {
    root_leaves(m, "ip link set dev lo down", &["gone: network: 1: lo:", "gone: network: broadcast 127.255.255.255"]);
    m.ip(&["link", "set", "dev", "lo", "up"]);
});

kernel_test!(machine_ends_with_all_in_it, |m| {
    let mark = format!("--mark={}-{}", std::process::id(), m.kind());
    let other = Machine::new(m.kind());
    leave_running(&other, &mark);
    becomes(true, &mark);
    drop(other);
    becomes(false, &mark);
});

#[test]
fn machine_ends_when_the_test_process_is_killed() {
    let mark = format!("--mark={}", std::process::id());
    let mut test = process::Command::new(env::current_exe().unwrap())
        .args(["--exact", "holds_a_machine_until_killed", "--ignored"])
        .env(MARK, &mark)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    becomes(true, &mark);
    test.kill().unwrap();
    test.wait().unwrap();
    becomes(false, &mark);
}

/// The other half of the test above.
#[test]
#[ignore = "is started, and killed, by machine_ends_when_the_test_process_is_killed"]
fn holds_a_machine_until_killed() {
    let mark = env::var(MARK).expect("it is not started by hand");
    let machine = Machine::new(Kind::User);
    leave_running(&machine, &mark);
    thread::sleep(Duration::from_secs(60));
}

const MARK: &str = "MARK_OF_THE_PROCESS_LEFT_RUNNING";

/// Starts a process in a session of its own, with `mark` in its command line.
fn leave_running(m: &Machine, mark: &str) {
    let script = "setsid sh -c 'while :; do sleep 1000; done' \"$0\" >/dev/null 2>&1 &";
    m.command("sh").args(&["-c", script, mark]).run().success();
}

/// Waits until a process whose last word is `mark` runs on the real machine, or does not.
#[track_caller]
fn becomes(runs: bool, mark: &str) {
    let is_marked = |entry: std::io::Result<DirEntry>| {
        let command = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        command.ends_with(format!("{mark}\0").as_bytes()).then_some(())
    };
    let look = || (fs::read_dir("/proc").unwrap().find_map(is_marked).is_some() == runs).then_some(());
    assert!(poll_until(Instant::now() + SOON, look).is_some(), "a process with {mark} runs: {}", !runs);
}

/// Runs a script as the owner of the labs, and expects the words in what is then said of the machine.
#[track_caller]
fn leaves(m: &Machine, script: &str, words: &[&str]) {
    m.command("sh").args(&["-euc", script]).run().success();
    reports(m, words);
}

#[track_caller]
fn root_leaves(m: &Machine, script: &str, words: &[&str]) {
    m.root_command("sh").args(&["-euc", script]).run().success();
    reports(m, words);
}

#[track_caller]
fn reports(m: &Machine, words: &[&str]) {
    let said = panic_of(|| m.empties_within(Duration::from_millis(50)));
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
}

/// Returns what a panic in `act` says; it is printed as any panic is.
#[track_caller]
fn panic_of(act: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(act)).expect_err("this was to panic");
    panic.downcast::<String>().map_or_else(|_| String::new(), |said| *said)
}

/// Returns the directory that the owner's labs are below.
fn own_dir(kind: Kind) -> String {
    kind.runtime_dir().unwrap_or_else(|| "/run".to_owned())
}

fn has_flag(link: &serde_json::Value, flag: &str) -> bool {
    link["flags"].as_array().is_some_and(|flags| flags.iter().any(|one| one == flag))
}
