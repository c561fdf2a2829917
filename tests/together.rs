//! Commands at the same time, and one after the other very often: what comes of it is what would have come of them one by one.

mod support;

use std::thread;
use std::time::Duration;

use support::{EMPTY_WAT, GUEST_CALLS, Kind, Machine, Running, kernel_test, on_machine, slow_wat};

/// So many at once.
const MANY: usize = 20;
/// So many labs one after the other.
const CYCLES: usize = 500;

fn names() -> Vec<String> {
    (1..=MANY).map(|number| format!("lab{number:02}")).collect()
}

/// Finds the labs of these names and no others, each with its network, and removes them, all at the same time.
#[track_caller]
fn stand_and_go(m: &Machine, names: &[String]) {
    assert_eq!(m.labs(), names);
    for name in names {
        m.lab_ip(name, "c1", &["link", "show", "dev", "ceth1"]);
    }
    let downs: Vec<Running<'_>> =
        names.iter().map(|name| m.command("orchestrator").args(&["down", name]).spawn()).collect();
    for down in downs {
        down.wait().success();
    }
    m.has_no_trace_of_labs();
}

const NETWORK: &str = "netns.add,c1 veth.add,host,veth1,c1,ceth1 link.set-up,c1,ceth1";

kernel_test!(runs_of_different_names_all_stand, |m| {
    let names = names();
    let runs: Vec<Running<'_>> = names.iter().map(|name| m.play(name, &[], NETWORK).spawn()).collect();
    for run in runs {
        run.wait().success();
    }
    stand_and_go(m, &names);
});

kernel_test!(of_many_runs_of_one_name_one_wins, |m| {
    let slow = format!("sys.sleep,300 {NETWORK}");
    let runs: Vec<Running<'_>> = (0..MANY).map(|_| m.play("same", &[], &slow).spawn()).collect();
    let ended: Vec<_> = runs.into_iter().map(Running::wait).collect();
    let (won, lost): (Vec<_>, Vec<_>) = ended.into_iter().partition(|run| run.stderr().contains("lab `same` stands"));
    assert_eq!(won.len(), 1, "{won:?}");
    won[0].success();
    for run in &lost {
        run.stderr_lacks("panicked");
        // One that comes late finds the lab as it draws it.
        match run.code() {
            0 => run.stderr_has("lab `same`: no change"),
            _ => run.fails_with(2).stderr_has("lab `same` is busy"),
        };
    }
    assert!(lost.iter().any(|run| run.stderr().contains("lab `same` is busy")), "{lost:?}");
    stand_and_go(m, &["same".into()]);
});

kernel_test!(of_many_that_replace_one_lab_each_leaves_it_whole, |m| {
    m.stand("same", NETWORK);
    let runs: Vec<Running<'_>> = (0..6).map(|_| m.play("same", &["--replace"], NETWORK).spawn()).collect();
    for run in runs {
        let run = run.wait();
        match run.code() {
            0 => {}
            2 => drop(run.stderr_has("lab `same` is busy")),
            // Another one was quicker, or has taken its place before it had said that it stands.
            _ => {
                let whys =
                    ["lab `same` has ended: its agent has gone", "another lab has taken the name of the one to be"];
                assert!(whys.iter().any(|why| run.fails_with(4).stderr().contains(why)), "{run}");
            }
        }
    }
    stand_and_go(m, &["same".into()]);
});

kernel_test!(of_two_downs_one_removes_and_the_other_finds_nothing, |m| {
    for _ in 0..5 {
        m.stand("lab", NETWORK);
        let downs = [(); 2].map(|()| m.command("orchestrator").args(&["down", "lab"]).spawn());
        let [first, second] = downs.map(Running::wait);
        // Both may have asked it to end while it stood.
        assert!(first.code() == 0 || second.code() == 0, "{first}{second}");
        for down in [first, second] {
            if down.code() != 0 {
                down.complains(2, "there is no lab `lab`");
            }
        }
        m.has_no_trace_of_labs();
    }
});

kernel_test!(down_at_any_time_of_a_run_leaves_a_whole_lab_or_none, |m| {
    for delay in moments() {
        let run = m.play("lab", &[], NETWORK).spawn();
        thread::sleep(delay);
        let down = m.orchestrator(&["down", "lab"]);
        let run = run.wait();
        match (run.code(), down.code()) {
            // It came too early, or when all stood.
            (0, 2) => stand_and_go(m, &["lab".into()]),
            (0, 0) => m.has_no_trace_of_labs(),
            (4, 0) => {
                run.stderr_has("error: ").stderr_lacks("panicked");
                m.has_no_trace_of_labs();
            }
            _ => panic!("after {delay:?}: {run}{down}"),
        }
    }
});

kernel_test!(exec_at_any_time_of_a_down_runs_or_finds_nothing, |m| {
    for delay in moments() {
        m.stand("lab", NETWORK);
        let down = m.command("orchestrator").args(&["down", "lab"]).spawn();
        thread::sleep(delay);
        let exec = m.exec("lab", "c1", &["sh", "-c", "echo inside; exec sleep 60"]).run();
        down.wait().success();
        match exec.code() {
            // Nothing was there any more, or what was there was ended.
            2 => {
                assert!(
                    ["there is no lab `lab`", "lab `lab` has ended"].iter().any(|why| exec.stderr().contains(why)),
                    "{exec}"
                );
                exec.stderr_has("hint: `orchestrator list` shows")
            }
            137 => exec.stderr_lacks("panicked"),
            125 => exec.stderr_has("lab `lab`").stderr_lacks("panicked"),
            _ => panic!("after {delay:?}: {exec}"),
        };
        m.has_no_trace_of_labs();
    }
});

kernel_test!(signal_at_any_time_undoes_all, |m| {
    let (mut stood, mut interrupted) = (0, 0);
    for (at, delay) in moments().enumerate() {
        for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
            let seconds = format!("{:.4}", delay.as_secs_f64().max(0.0005));
            // With and without a module that takes long to compile.
            let slow = m.write("slow.wat", if at % 10 == 9 { slow_wat() } else { EMPTY_WAT.to_owned() });
            let timeout = ["--preserve-status", "-s", signal, &seconds, "orchestrator", "run", "--name", "lab"];
            let scenario: Vec<&str> = match at % 3 {
                0 => vec![&slow],
                _ => [GUEST_CALLS, "--"].into_iter().chain(NETWORK.split_whitespace()).collect(),
            };
            let run = m.command("timeout").args(&timeout).args(&scenario).run();
            if run.code() == 0 {
                stood += 1;
                m.orchestrator(&["down", "lab"]).success();
            } else {
                interrupted += 1;
                run.fails_with(code).stderr_lacks("panicked");
            }
            m.has_no_trace_of_labs();
        }
    }
    assert!(interrupted > 20, "{stood} labs stood before the signal came");
});

kernel_test!(signal_while_a_module_is_compiled_undoes_all, |m| {
    let slow = m.write("slow.wat", slow_wat());
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let timeout = ["--preserve-status", "-s", signal, "0.3", "orchestrator", "run", "--name", "lab", &slow];
        let run = m.command("timeout").args(&timeout).run();
        m.has_no_trace_of_labs();
        run.fails_with(code)
            .stderr_has(&format!("error: interrupted by signal {}\nnote: nothing had been built\n", code - 128));
    }
});

/// From the start of a command to after its end, on a machine at rest.
fn moments() -> impl Iterator<Item = Duration> {
    (0..30).map(Duration::from_millis)
}

kernel_test!(labs_that_come_and_go_leave_nothing_behind, |m| {
    m.stand("stays", NETWORK);
    let agent = m.agent_pid("stays");
    let open =
        |m: &Machine| m.root_command("ls").arg(&format!("/proc/{agent}/fd")).run().success().stdout().lines().count();
    let resident = |m: &Machine| {
        let status = m.read(&format!("/proc/{agent}/status"));
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
    };
    let files =
        |m: &Machine| m.root_command("find").args(&["/run", "/tmp", "/dev/shm"]).run().success().stdout().to_owned();
    let visit = |m: &Machine| {
        m.exec("stays", "c1", &["true"]).run().success();
        m.orchestrator(&["show", "stays"]).success();
        m.orchestrator(&["ping", "stays"]).success();
    };
    visit(m);
    let before = (open(m), files(m), m.processes().len());
    let memory = resident(m);
    for cycle in 0..CYCLES {
        m.play("goes", &[], NETWORK).run().success();
        m.orchestrator(&["down", "goes"]).success();
        if cycle % 10 == 0 {
            visit(m);
        }
    }
    assert_eq!((open(m), files(m), m.processes().len()), before);
    let grown = resident(m).saturating_sub(memory);
    assert!(grown < 1024, "the agent has grown by {grown} kB");
    stand_and_go(m, &["stays".into()]);
});

/// A scenario that draws and removes again and again costs its agent no more than one that does so once.
#[test]
fn network_that_is_drawn_and_removed_again_and_again_leaves_nothing_behind() {
    on_machine(Kind::Root, |m| {
        let once = "netns.add,c1 veth.add,host,veth1,c1,ceth1 lab.apply netns.remove,c1 lab.apply";
        let again = vec![once; 300].join(" ");
        let open = |calls: &str| {
            m.stand("lab", calls);
            let agent = m.agent_pid("lab");
            let open = m.root_command("ls").arg(&format!("/proc/{agent}/fd")).run().success().stdout().lines().count();
            assert_eq!(m.view("lab").netns("host"), ["lo down"]);
            m.orchestrator(&["down", "lab"]).success();
            open
        };
        assert_eq!(open(&again), open(once));
    });
}
