//! What a scenario may not do, and what the process that runs it could not do even if the scenario took it over.

mod support;

use std::fs;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::socket::{
    AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, UnixAddr, connect, recv, send, shutdown, socket,
};
use support::{EMPTY_WAT, GUEST_CALLS, Kind, Machine, Running, kernel_test, on_machine};

/// What has to happen in a moment may take so long on a busy machine.
const SOON: Duration = Duration::from_secs(15);

kernel_test!(guest_sees_no_files, |m| {
    let secret = m.write("secret", "secret");
    let paths = ["/etc/passwd", "/proc/self/status", "/dev/stdin", ".", "..", "secret", &secret, GUEST_CALLS];
    let calls = paths.map(|path| format!("sys.read,{path}"));
    let outcome = m.play("t", &["--rm"], &calls.join(" ")).run();
    outcome.success().stdout_lacks(": ok");
    for call in calls {
        outcome.stdout_has(&format!("{call}: io - "));
    }
});

kernel_test!(guest_sees_no_environment, |m| {
    let env = m.play("t", &["--rm"], "sys.env").env("SECRET", "secret").run();
    assert_eq!(env.success().stdout(), "sys.env: ok\n");
});

kernel_test!(guest_has_no_sockets, |m| {
    m.root_command("ip").args(&["address", "add", "127.0.0.2/8", "dev", "lo"]).run().success();
    let connects = "sys.connect,127.0.0.1:80 sys.connect,[::1]:80 sys.connect,localhost:80 sys.connect,127.0.0.2:80";
    let outcome = m.play("t", &["--rm"], connects).run();
    for call in connects.split(' ') {
        outcome.success().stdout_has(&format!("{call}: io - "));
    }
    // Refused by the sandbox, not by a machine where nobody listens.
    outcome.stdout_lacks("refused").stdout_has("sys.connect,127.0.0.1:80: io - Permission denied");
    m.root_command("ip").args(&["address", "del", "127.0.0.2/8", "dev", "lo"]).run().success();
});

kernel_test!(guest_has_no_input, |m| {
    m.write("reads-stdin.wat", include_str!("modules/reads-stdin.wat"));
    m.command("orchestrator").args(&["run", "reads-stdin.wat", "--rm"]).stdin("secret").run().success();
});

#[test]
fn random_numbers_are_the_same_for_the_same_module_and_arguments_on_every_machine() {
    let random = |m: &Machine, module: &str, arguments: &[&str]| {
        let run = m.command("orchestrator").args(&["run", module, "--name", "t", "--rm", "--"]).args(arguments).run();
        run.success().stdout().to_owned()
    };
    let numbers = ["sys.random", "sys.random-seed"];
    let of = |kind| {
        let mut found = String::new();
        on_machine(kind, |m| {
            found = random(m, GUEST_CALLS, &numbers);
            assert_eq!(random(m, GUEST_CALLS, &numbers), found);
            // Nor does the name of the lab count.
            let elsewhere = m.command("orchestrator").args(&["run", GUEST_CALLS, "--name", "u", "--rm", "--"]);
            assert_eq!(elsewhere.args(&numbers).env("OTHER", "1").run().success().stdout(), found);

            let others = random(m, GUEST_CALLS, &["sys.random", "sys.random-seed", "lab.name"]);
            // A custom section of one byte: the same program in another module.
            let mut module = fs::read(m.outside(GUEST_CALLS)).unwrap();
            module.extend([0, 2, 1, b'x']);
            let module = m.write("calls.wasm", module);
            for other in [others, random(m, &module, &numbers)] {
                for (mine, its) in found.lines().zip(other.lines()) {
                    assert_ne!(mine, its);
                }
            }
        });
        found
    };
    let by_root = of(Kind::Root);
    assert_eq!(by_root.lines().count(), 2, "{by_root}");
    assert_eq!(of(Kind::User), by_root);
}

kernel_test!(what_a_guest_says_cannot_command_a_terminal, |m| {
    let calls = "sys.print-text,a\x1b[2Jb\x07c sys.print-stderr,d\x1b]0;e\x07 lab.log,f\x1b[1mg netns.add,h\x1b[2Ji";
    let terminal = m.play("t", &["--rm"], calls).on_terminal();
    let shown = terminal.wait();
    shown.success().stdout_lacks("\x1b").stdout_lacks("\x07");
    for text in ["a\\u{1b}[2Jb\\u{7}c", "d\\u{1b}]0;e\\u{7}", "t: f\\u{1b}[1mg", "`h\\u{1b}[2Ji`"] {
        shown.stdout_has(text);
    }
    // What is no terminal gets what the guest has written; but what orchestrator says for it is always harmless.
    let piped = m.play("t", &["--rm"], calls).run();
    piped.success().stdout_has("a\x1b[2Jb\x07c\n").stderr_has("t: f\\u{1b}[1mg\n");
    // A stack has names that the guest has chosen.
    let named = EMPTY_WAT
        .replace("(core module $module", "(core module $module (func $\"clear\\1b[2J\\07\" unreachable)")
        .replace("i32.const 0", "call 0 i32.const 0");
    m.write("named.wat", named);
    m.orchestrator(&["run", "named.wat"]).complains(1, "clear\\u{1b}[2J\\u{7}");
});

kernel_test!(harmless_text_is_shown_as_it_is, |m| {
    let text = "don't-say-\"no\"-to-C:\\-é-日本";
    m.play("t", &["--rm"], &format!("lab.log,{text}")).run().success().stderr_has(&format!("t: {text}\n"));
    let shown = m.play("t", &["--rm"], &format!("sys.print-text,{text}")).on_terminal().wait();
    shown.success().stdout_has(&format!("{text}\r\n"));
});

kernel_test!(process_of_a_guest_has_given_up_what_it_had, |m| {
    let (running, pid) = sleeping(m);
    let threads = threads(m, pid);
    assert!(threads.len() > 1, "the clock has a thread of its own");
    // Where only root's own uid is mapped there is no other to become.
    let others_are_mapped = m.command("cat").arg("/proc/1/uid_map").run();
    let others_are_mapped = !others_are_mapped.success().stdout().trim_end().ends_with(" 1");
    for status in threads {
        let field = |name: &str| -> Vec<&str> {
            let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.unwrap_or_else(|| panic!("no {name} in {status}")).split_whitespace().collect()
        };
        let before = m.kind().uid().to_string();
        for name in ["Uid", "Gid"] {
            let ids = field(name);
            assert!(ids.len() == 4 && ids.iter().all(|id| *id == ids[0]), "{name}: {ids:?}");
            assert_eq!(ids[0] != before, m.kind() == Kind::Root && others_are_mapped, "{name}: {ids:?}");
        }
        for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert_eq!(field(name), ["0000000000000000"], "{name}");
        }
        assert_eq!(field("NoNewPrivs"), ["1"]);
        if m.kind() == Kind::Root {
            // Others can't empty it, and with NoNewPrivs they gain nothing by it.
            assert_eq!(field("CapBnd"), ["0000000000000000"]);
            assert_eq!(field("Groups"), Vec::<&str>::new());
        }
    }
    ends(running);
});

kernel_test!(process_of_a_guest_is_shut_to_others, |m| {
    let (running, pid) = sleeping(m);
    let threads = threads(m, pid);
    let uid = threads[0].lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next()).unwrap();
    let owner = m.root_command("stat").args(&["-c", "%u", &format!("/proc/{pid}/environ")]).run();
    // The machine's root may be nobody to the real one, to whom it belongs.
    assert!(["0\n", "65534\n"].contains(&owner.success().stdout()), "{owner}");

    // Another process of the same uid, without capabilities.
    let same = |file: &str| {
        let path = format!("/proc/{pid}/{file}");
        let options: &[&str] = match m.kind() {
            Kind::User => return m.command("head").args(&["-c1", &path]),
            Kind::Root if uid == "0" => &[],
            Kind::Root => &["--clear-groups", "--reuid", uid, "--regid", uid],
        };
        let drop = ["--bounding-set=-all", "--inh-caps=-all", "--", "head", "-c1", &path];
        m.root_command("setpriv").args(options).args(&drop)
    };
    same("status").run().success();
    for file in ["environ", "mem", "maps", "auxv", "fd/0", "fd/1", "cwd/.", "root/."] {
        same(file).run().fails_with(1).stderr_has("Permission denied");
    }
    ends(running);
});

/// The process of a user shuts out all but the root of the real machine, so root's is looked at; they are made alike.
#[test]
fn process_of_a_guest_holds_nothing_but_its_streams_and_its_agent() {
    on_machine(Kind::Root, |m| {
        let (running, pid) = sleeping(m);
        let listed =
            m.root_command("find").args(&[&format!("/proc/{pid}/fd"), "-type", "l", "-printf", "%f %m %l\n"]).run();
        let mut odd = Vec::new();
        let mut locks = 0;
        for line in listed.success().stdout().lines() {
            let mut words = line.splitn(3, ' ');
            let [number, mode, target] =
                [(); 3].map(|()| words.next().expect("a number, what may be done, and a target"));
            match target {
                // Its own streams, which are pipes here.
                _ if ["0", "1", "2"].contains(&number) => assert!(target.starts_with("pipe:["), "{line}"),
                // To the agent, and for signals.
                _ if target.starts_with("socket:[") => {}
                // The lab's lock, by which it learns that the agent has ended; nobody it could become may enter there.
                _ if target.starts_with(&format!("{}/t", m.labs_directory())) => locks += 1,
                // Its own code, which it can only read, and which is mapped where it is used.
                _ if target.starts_with("/var/cache/orchestrator/") => assert_eq!(mode, "500", "{line}"),
                // The runtime's: its events, and the memory that the guest began with.
                "anon_inode:[eventpoll]" | "anon_inode:[eventfd]" | "/memfd:wasm-memory-image (deleted)" => {}
                _ => odd.push(line),
            }
        }
        assert!(odd.is_empty(), "the process of the guest has open: {odd:?}");
        assert_eq!(locks, 1, "{listed}");
        ends(running);
    });
}

kernel_test!(neither_guest_nor_agent_holds_what_the_caller_had_open, |m| {
    // `cat` ends as soon as nobody has the pipe open for writing.
    let script = format!(
        "mkfifo pipe
        orchestrator run {GUEST_CALLS} --name t -- lab.apply sys.sleep,60000 5>pipe &
        cat <pipe; echo closed; wait $!"
    );
    let mut caller = m.command("sh").args(&["-c", &script]).deadline(SOON).spawn();
    caller.stdout_gets("lab.apply: ok\n");
    caller.stdout_gets("closed\n");
    let runs = m.root_command("kill").arg(&guest_process(m).to_string()).run();
    runs.success();
    caller.wait().fails_with(143);
    m.command("rm").arg("pipe").run().success();
});

kernel_test!(agent_has_namespaces_of_its_own, |m| {
    let (running, pid) = sleeping(m);
    let agent = m.agent_pid("t");
    let namespace = |pid: u32, kind: &str| {
        let read = m.root_command("readlink").arg(&format!("/proc/{pid}/ns/{kind}")).run();
        read.success().stdout().trim().to_owned()
    };
    for kind in ["pid", "mnt", "net", "user", "uts", "ipc"] {
        let own = match kind {
            "pid" | "mnt" | "net" => true,
            // Root needs none, and can then do all to the lab that `ip` can.
            "user" => m.kind() == Kind::User,
            _ => false,
        };
        assert_eq!(namespace(agent, kind) != namespace(pid, kind), own, "{kind}");
    }
    // It is init there, so that the kernel ends with it all that it has started.
    let status = m.read(&format!("/proc/{agent}/status"));
    let ids: Vec<&str> =
        status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap().split_whitespace().collect();
    assert_eq!(ids.last(), Some(&"1"), "{status}");
    // It is in nobody's way: no directory, no terminal, no session of the caller.
    let stat = m.read(&format!("/proc/{agent}/stat"));
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    assert_eq!((fields[3], fields[4]), (&*agent.to_string(), "0"), "session and terminal of {stat}");
    let cwd = m.root_command("readlink").arg(&format!("/proc/{agent}/cwd")).run();
    assert_eq!(cwd.success().stdout(), "/\n");
    ends(running);
});

kernel_test!(agent_survives_what_strangers_say, |m| {
    m.stand("t", "netns.add,red");
    let socket = m.outside(&format!("{}/t/socket", m.labs_directory()));
    let greeting = b"orchestrator 0.1.0".to_vec();
    let messages: [&[&[u8]]; 8] = [
        &[],
        &[b""],
        &[b"GET / HTTP/1.1\r\n\r\n"],
        &[b"orchestrator 9.9.9", b"\0\x08"],
        &[&greeting, b"\0"],
        &[&greeting, b"\0\xff\xff\xff\xff\xff"],
        // Steps: as many as a number can say, and none at all.
        &[&greeting, b"\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"],
        &[&greeting, b"\x01", b"\x01", b"\x01"],
    ];
    for packets in messages {
        say(&socket, packets);
    }
    assert_eq!(m.labs(), ["t"]);
    m.exec("t", "red", &["true"]).run().success();
    m.orchestrator(&["down", "t"]).success();
});

/// Starts a scenario that has built its lab `t` and waits; returns the id of the process that runs it.
#[track_caller]
fn sleeping(m: &Machine) -> (Running<'_>, u32) {
    let mut running = m.play("t", &[], "netns.add,red lab.apply sys.sleep,60000").spawn();
    running.stdout_gets("lab.apply: ok\n");
    (running, guest_process(m))
}

/// Finds the process of the only `run`.
#[track_caller]
fn guest_process(m: &Machine) -> u32 {
    let runs = m.processes().into_iter().filter(|(_, command)| command.starts_with("orchestrator run "));
    let pids: Vec<u32> = runs.map(|(pid, _)| pid).collect();
    let [pid] = pids[..] else { panic!("not one `orchestrator run`: {pids:?}") };
    pid
}

/// Returns the status of each thread of a process, as the owner of the labs reads it.
#[track_caller]
fn threads(m: &Machine, pid: u32) -> Vec<String> {
    let script = "for thread in /proc/$0/task/*; do cat $thread/status; echo; done";
    let read = m.command("sh").args(&["-euc", script, &pid.to_string()]).run();
    read.success().stdout().split_terminator("\n\n").map(str::to_owned).collect()
}

#[track_caller]
fn ends(running: Running<'_>) {
    running.signal(Signal::SIGTERM);
    running.wait().fails_with(143);
}

/// Says something to an agent, whether or not it listens to the end, and waits until it has hung up.
#[track_caller]
fn say(path: &Path, packets: &[&[u8]]) {
    let socket = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None).unwrap();
    connect(socket.as_raw_fd(), &UnixAddr::new(path).unwrap()).expect("could not connect to the agent");
    for packet in packets {
        // It may have heard enough.
        let _ = send(socket.as_raw_fd(), packet, MsgFlags::MSG_NOSIGNAL);
    }
    shutdown(socket.as_raw_fd(), Shutdown::Write).unwrap();
    let mut answer = [0; 65_536];
    while recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty()).is_ok_and(|length| length > 0) {}
}
