//! The clock of a plan starts at a fixed time and moves only when the scenario waits; random numbers are the same again.

use std::time::{Duration, Instant};

use super::*;

/// What takes no time may take so long on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(15);

/// `red` has a router that forwards nothing, and a neighbour who is not there.
const DRAWN: &str = "netns.add,red veth.add,host,v,red,eth0 link.set-up,host,v link.set-up,red,eth0 \
                     address.add,host,v,10.0.0.1/24 address.add,red,eth0,10.0.0.2/24 route.add,red,default,10.0.0.1";

kernel_test!(waiting_takes_no_time_and_moves_the_clock, |m| {
    let calls = "sys.elapsed sys.time sys.sleep,3600000 sys.time sys.elapsed sys.sleep,1 sys.elapsed";
    let start = Instant::now();
    let outcome = plan(m, &["--max-time", "2h"], calls).run();
    assert!(start.elapsed() < AT_ONCE);
    let said = "sys.elapsed: ok 0\n\
                sys.time: ok 946684800000\n\
                sys.sleep,3600000: ok\n\
                sys.time: ok 946688400000\n\
                sys.elapsed: ok 3600000\n\
                sys.sleep,1: ok\n\
                sys.elapsed: ok 3600001\n";
    assert_eq!(outcome.success().stderr(), said);
    // The user's own time is another, for `run`.
    let ran = m.play("t", &["--rm"], "sys.time").run();
    ran.success().stdout_lacks("sys.time: ok 9466").stdout_has("sys.time: ok 1");
});

#[test]
fn clock_stands_still_while_a_scenario_works() {
    on_machine(Kind::User, |m| {
        let calls = "sys.elapsed sys.eat,20000000 repeat,3000,netns.add,n{} lab.apply lab.wait,60000 probe.links,n7 \
                     sys.print,100000 lab.log,x sys.elapsed sys.time";
        let outcome = plan(m, &[], calls).run();
        outcome
            .success()
            .stderr_has("\nsys.elapsed: ok 0\nsys.time: ok 946684800000\n")
            .stderr_has("\nlab.wait,60000: ok\n");
    });
}

#[test]
fn many_short_waits_are_as_long_as_one() {
    on_machine(Kind::User, |m| {
        let outcome = plan(m, &[], "sys.elapsed repeat,2000,sys.sleep,1 sys.elapsed").run();
        outcome.success().stderr_has("\nsys.elapsed: ok 2000\n");
    });
}

#[test]
fn time_in_all_is_by_the_clock_of_the_plan() {
    on_machine(Kind::User, |m| {
        // As `run` would end it, but sooner; and however long it took to compile.
        plan(m, &[], "sys.sleep,600001").run().complains(1, "its limit of 10m in all; `--max-time` raises it\n");
        plan(m, &[], "sys.sleep,599999").run().success();
        plan(m, &["--max-time", "3s"], "sys.sleep,2999").run().success();
        let endless = plan(m, &["--max-time", "500000000000years"], "sys.sleep,18446744073709").deadline(AT_ONCE).run();
        assert!([0, 1].contains(&endless.code()), "{endless}");
    });
}

#[test]
fn pings_take_the_time_that_they_would_take() {
    on_machine(Kind::User, |m| {
        let calls = format!(
            "{DRAWN} sys.elapsed probe.ping-within,red,10.9.0.1,1,60000 sys.elapsed probe.ping-within,red,10.9.0.1,3,1000 \
             sys.elapsed probe.ping-all,30000,red=10.9.0.1,red=10.9.0.2,red=10.0.0.1 sys.elapsed"
        );
        let start = Instant::now();
        let outcome = plan(m, &[], &calls).run();
        assert!(start.elapsed() < AT_ONCE);
        let said = "sys.elapsed: ok 0\n\
                    probe.ping-within,red,10.9.0.1,1,60000: ok no-reply sent=1 received=0\n\
                    sys.elapsed: ok 60000\n\
                    probe.ping-within,red,10.9.0.1,3,1000: ok no-reply sent=3 received=0\n\
                    sys.elapsed: ok 61400\n\
                    probe.ping-all,30000,red=10.9.0.1,red=10.9.0.2,red=10.0.0.1: ok no-reply sent=1 received=0; \
                    no-reply sent=1 received=0; reply sent=1 received=1\n\
                    sys.elapsed: ok 91400\n";
        outcome.success().stderr_has(said);
    });
}

kernel_test!(plan_says_the_same_again, |m| {
    let calls =
        format!("{DRAWN} sys.random sys.random-seed sys.time sys.sleep,7 sys.time probe.ping,red,10.0.0.1 sys.random");
    let first = plan(m, &[], &calls).run();
    let again = plan(m, &[], &calls).run();
    assert_eq!((first.success().stdout(), first.stderr()), (again.success().stdout(), again.stderr()));
    // Random numbers are those of `run`.
    let numbers = "sys.random sys.random-seed";
    let ran = m.play("t", &["--rm"], numbers).run();
    assert_eq!(plan(m, &[], numbers).run().success().stderr(), ran.success().stdout());
});
