//! Labs beside one another on the machine.

use crate::support::{EMPTY_WAT, GUEST_CALLS};
use crate::{LAB, LINKS, SMALL, by_hand, down, has_link, inhabited, links_of, play, stand};

/// Draws a lab of the given number on the host.
fn numbered(number: usize) -> String {
    format!(
        "netns.add,n{number} bridge.add,host,br{number} veth.add,host,v{number},n{number},eth0
        bridge.add-port,host,br{number},v{number} link.set-up,host,v{number} link.set-up,host,br{number}
        address.add,host,br{number},172.20.{number}.1/24 link.set-up,n{number},eth0
        address.add,n{number},eth0,172.20.{number}.2/24 veth.add,host,x{number},host,y{number} "
    )
}

#[test]
fn labs_with_other_names_and_networks_stand_beside_one_another() {
    inhabited(|m, _| {
        stand(m, "one", &numbered(1));
        stand(m, "two", &numbered(2));
        // A private one does not mind.
        m.play("three", &[], &numbered(1)).run().success();
        assert_eq!(links_of(m, "one"), ["br1", "v1", "x1", "y1"]);
        assert_eq!(links_of(m, "two"), ["br2", "v2", "x2", "y2"]);
        down(m, "one");
        assert_eq!(links_of(m, "two"), ["br2", "v2", "x2", "y2"]);
        m.root_command("ping").args(&["-c", "1", "-W", "5", "172.20.2.2"]).run().success();
        m.kill_agent("two");
        m.orchestrator(&["list"]).success();
        assert_eq!(links_of(m, "two"), Vec::<String>::new());
        m.lab_ip("three", "n1", &["link"]);
        m.orchestrator(&["down", "--all"]).success();
    });
}

#[test]
fn what_one_lab_has_the_next_can_not_have() {
    inhabited(|m, _| {
        stand(m, "one", &numbered(1));
        for (calls, ours) in [
            ("bridge.add,host,br1", "bridge `br1`"),
            ("netns.add,n1", "netns `n1`"),
            ("bridge.add,host,br2 link.set-up,host,br2 address.add,host,br2,172.20.1.77/24", "`172.20.1.77/24`"),
        ] {
            let refused = play(m, "two", &[], calls).run();
            refused.complains(2, ours).stderr_has("the machine has ");
            if !calls.contains("netns") {
                refused.stderr_has("of lab `one`");
            }
        }
        assert_eq!(links_of(m, "one"), ["br1", "v1", "x1", "y1"]);
        down(m, "one");
    });
}

#[test]
fn labs_that_are_built_at_the_same_time_do_not_meet() {
    inhabited(|m, _| {
        for _ in 0..5 {
            let runs: Vec<_> = (1..=4).map(|n| play(m, &format!("lab-{n}"), &[], &numbered(n)).spawn()).collect();
            for run in runs {
                run.wait().success();
            }
            for n in 1..=4 {
                let links = [format!("br{n}"), format!("v{n}"), format!("x{n}"), format!("y{n}")];
                assert_eq!(links_of(m, &format!("lab-{n}")), links);
            }
            m.orchestrator(&["down", "--all"]).success();
        }
    });
}

/// The index of a link is chosen before it is made, and its mark goes to whoever has it. So nobody else may come upon it.
#[test]
fn indexes_of_labs_are_far_from_one_another_and_from_those_that_the_kernel_gives() {
    inhabited(|m, _| {
        let mut indexes = Vec::new();
        for n in 1..=3 {
            stand(m, &format!("lab-{n}"), &numbered(n));
            indexes.push(m.ip(&["link", "show", "dev", &format!("br{n}")])[0]["ifindex"].as_u64().unwrap());
        }
        indexes.sort_unstable();
        assert!(indexes[0] > 1 << 20, "{indexes:?}");
        assert!(indexes.windows(2).all(|pair| pair[1] - pair[0] > 1000), "{indexes:?}");
        by_hand(m, "ip link add name theirs type bridge");
        let theirs = m.ip(&["link", "show", "dev", "theirs"])[0]["ifindex"].as_u64().unwrap();
        assert!(theirs < 1 << 20, "{theirs}");
        m.orchestrator(&["down", "--all"]).success();
        by_hand(m, "ip link del dev theirs");
    });
}

#[test]
fn name_that_somebody_takes_meanwhile_makes_nothing_of_his_the_labs() {
    inhabited(|m, before| {
        let mut run = play(m, LAB, &[], "bridge.add,host,br1 lab.apply sys.sleep,1500 bridge.add,host,br2").spawn();
        run.stdout_gets("lab.apply: ok");
        by_hand(m, "ip link add name br2 type bridge");
        run.wait().complains(2, "`br2`").stderr_has("the machine has a link `br2` (bridge)");
        assert!(has_link(m, "br2"));
        by_hand(m, "ip link del dev br2");
        before.assert_is_again(m);
    });
}

#[test]
fn labs_of_another_kind_do_not_notice() {
    inhabited(|m, before| {
        let module = m.write("empty.wat", EMPTY_WAT);
        m.orchestrator(&["run", &module, "--name", "empty", "--on-host"]).success();
        stand(m, LAB, SMALL);
        let run = ["run", GUEST_CALLS, "--name", "private", "--"];
        let calls: Vec<&str> = SMALL.split_whitespace().collect();
        m.orchestrator(&[&run[..], &calls].concat()).success();
        down(m, "private");
        assert_eq!(links_of(m, LAB), LINKS);
        m.orchestrator(&["down", "--all"]).success();
        before.assert_is_again(m);
    });
}
