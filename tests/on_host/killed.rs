//! What a lab leaves on the machine whose agent was killed, and who takes it away.

use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{Machine, poll_until};
use crate::{LAB, LINKS, SMALL, SOON, added, inhabited, links_of, play, stand};

/// A lab that takes a while to be built, link by link on the host.
const LARGE: &str = "repeat,24,!netns.add,c{} bridge.add,host,br0 address.add,host,br0,172.16.0.1/24
    repeat,24,!veth.add,host,v{},c{},eth0 repeat,24,!bridge.add-port,host,br0,v{} repeat,24,!link.set-up,host,v{}
    link.set-up,host,br0 repeat,24,!veth.add,host,p{},host,q{} repeat,24,!link.set-up,host,p{}";

/// Returns the agent of the one lab that is there or just beginning.
fn agent(m: &Machine) -> Option<u32> {
    m.processes().into_iter().find(|(_, command)| command.starts_with("orchestrator agent ")).map(|(pid, _)| pid)
}

/// Kills a process, which may have ended meanwhile, and waits for its end: the kernel finishes what it was about.
fn kill(m: &Machine, pid: u32) {
    let _ = m.root_command("kill").args(&["-KILL", &pid.to_string()]).run();
    m.ends(pid);
}

#[test]
fn any_command_takes_away_what_a_killed_agent_left_on_the_machine() {
    inhabited(|m, before| {
        let sweepers: [&[&str]; 6] = [
            &["list"],
            &["show", LAB],
            &["ping", LAB],
            &["exec", LAB, "host", "--", "true"],
            &["down", LAB],
            &["run", "two-containers", "--on-host", "--rm"],
        ];
        for sweeper in sweepers {
            stand(m, LAB, SMALL);
            m.kill_agent(LAB);
            // The peer of `veth1` went with its netns, at once or a moment later; the rest needs somebody.
            assert!(links_of(m, LAB).iter().any(|link| link == "br0"));
            let swept = m.orchestrator(sweeper);
            assert!([0, 2].contains(&swept.code()), "{swept}");
            assert_eq!(links_of(m, LAB), Vec::<String>::new(), "{sweeper:?}");
            m.has_no_trace_of_labs_but(&["app", "upstream"]);
        }
        before.assert_is_again(m);
    });
}

#[test]
fn lab_is_built_again_where_one_of_its_name_was_killed() {
    inhabited(|m, _| {
        for _ in 0..3 {
            stand(m, LAB, SMALL);
            m.kill_agent(LAB);
        }
        stand(m, LAB, SMALL);
        assert_eq!(links_of(m, LAB), LINKS);
        m.root_command("ping").args(&["-c", "1", "-W", "5", "172.16.0.2"]).run().success();
        crate::down(m, LAB);
    });
}

#[test]
fn what_is_not_swept_yet_changes_nothing_of_the_machine() {
    inhabited(|m, before| {
        stand(m, LAB, SMALL);
        m.kill_agent(LAB);
        let others: Vec<String> = added(m, before).into_iter().filter(|line| line.contains("eth0")).collect();
        assert_eq!(others, Vec::<String>::new());
        m.orchestrator(&["list"]).success();
    });
}

#[test]
fn agent_that_is_killed_at_any_point_of_building_leaves_nothing_for_good() {
    inhabited(|m, before| {
        let begin = Instant::now();
        stand(m, LAB, LARGE);
        let whole = begin.elapsed();
        crate::down(m, LAB);
        for part in 0..16 {
            let run = play(m, LAB, &[], LARGE).spawn();
            let found = poll_until(Instant::now() + SOON, || agent(m));
            thread::sleep(whole * part / 16);
            found.into_iter().for_each(|pid| kill(m, pid));
            drop(run.wait());
            m.orchestrator(&["list"]).success();
            assert_eq!(links_of(m, LAB), Vec::<String>::new(), "killed after {part}/16 of {whole:?}");
            assert!(m.labs().is_empty());
        }
        before.assert_is_again(m);
    });
}

#[test]
fn run_that_is_killed_at_any_point_of_building_leaves_nothing() {
    inhabited(|m, before| {
        for (part, signal) in (0..12).zip([Signal::SIGKILL, Signal::SIGINT, Signal::SIGTERM].into_iter().cycle()) {
            let mut run = play(m, LAB, &[], &format!("{LARGE} lab.apply sys.sleep,5000")).spawn();
            run.stdout_gets("repeat,24,!netns.add,c{}: ok");
            thread::sleep(Duration::from_millis(part * 10));
            let agents = agent(m);
            run.signal(signal);
            drop(run.wait());
            // The agent undoes the lab when `run` has gone; nobody has to ask for it.
            agents.into_iter().for_each(|pid| m.ends(pid));
            assert_eq!(links_of(m, LAB), Vec::<String>::new(), "{signal} after {part}0 ms");
        }
        before.assert_is_again(m);
    });
}

#[test]
fn all_of_it_killed_at_once_is_swept() {
    inhabited(|m, before| {
        for part in 0..6 {
            let mut run = play(m, LAB, &[], &format!("{LARGE} lab.apply sys.sleep,5000")).spawn();
            run.stdout_gets("repeat,24,!netns.add,c{}: ok");
            thread::sleep(Duration::from_millis(part * 20));
            let all = m.processes().into_iter().filter(|(_, command)| command.starts_with("orchestrator "));
            let all: Vec<u32> = all.map(|(pid, _)| pid).collect();
            let pids: Vec<String> = all.iter().map(u32::to_string).collect();
            let pids: Vec<&str> = pids.iter().map(String::as_str).collect();
            let _ = m.root_command("kill").arg("-KILL").args(&pids).run();
            run.wait().fails_with(137);
            all.into_iter().for_each(|pid| m.ends(pid));
            m.orchestrator(&["list"]).success();
            assert_eq!(links_of(m, LAB), Vec::<String>::new());
        }
        before.assert_is_again(m);
    });
}
