//! What stands on the machine, under the names that the scenario gave.

use crate::support::{Kind, Portrait, on_machine};
use crate::{LAB, LINKS, SMALL, added, down, has_link, inhabited, links_of, play, stand};

#[test]
fn article_stands_on_the_machine_as_its_commands_would_have_it() {
    inhabited(|m, _| {
        m.orchestrator(&["run", "two-containers", "--on-host"]).success();
        let links = m.ip(&["link", "show", "type", "bridge"]);
        let names: Vec<_> = links.as_array().unwrap().iter().map(|link| link["ifname"].as_str().unwrap()).collect();
        assert_eq!(names, ["docker0", "br0", "uplink0"]);
        for port in ["veth1", "veth2"] {
            assert_eq!(m.ip(&["link", "show", "dev", port])[0]["master"], "br0");
        }
        let address = &m.ip(&["-4", "address", "show", "dev", "br0"])[0]["addr_info"][0];
        assert_eq!((&address["local"], &address["prefixlen"]), (&"172.16.0.1".into(), &24.into()));
        let named = m.root_command("ip").args(&["netns", "list"]).run();
        let named: Vec<&str> = named.success().stdout().lines().map(|line| line.split(' ').next().unwrap()).collect();
        for name in ["container1", "container2", "app", "upstream"] {
            assert!(named.contains(&name), "{named:?}");
        }
        assert_eq!(named.len(), 4, "{named:?}");
        for (netns, target) in
            [("container1", "172.16.0.3"), ("container2", "172.16.0.1"), ("container1", "192.168.100.1")]
        {
            let ping = ["netns", "exec", netns, "ping", "-c", "1", "-W", "5", target];
            m.root_command("ip").args(&ping).run().success();
        }
        m.root_command("ping").args(&["-c", "1", "-W", "5", "172.16.0.2"]).run().success();
        down(m, "two-containers");
    });
}

#[test]
fn lab_adds_to_the_machine_and_changes_nothing_there() {
    inhabited(|m, before| {
        stand(m, LAB, &format!("{SMALL} probe.ping-within,host,172.16.0.2,1,5000 probe.ping-within,c1,fd16::1,1,5000"));
        let ours = |line: &String| {
            LINKS.iter().any(|link| line.contains(&format!("`{link}`")) || line.contains(&format!("dev={link} ")))
                || line.starts_with("added: process ") && line.contains("orchestrator agent ")
                || line.starts_with("added: file: /run/orchestrator/labs/lab")
                || line.starts_with("added: file: /run/netns/c1 (symlink ")
                || line.starts_with("added: netns ")
                || line.starts_with("added: setting net.")
                    && LINKS.iter().any(|link| line.contains(&format!(".{link}.")))
        };
        let others: Vec<String> = added(m, before).into_iter().filter(|line| !ours(line)).collect();
        assert_eq!(others, Vec::<String>::new());
        down(m, LAB);
    });
}

#[test]
fn links_have_the_mark_of_their_lab_and_routes_a_protocol_of_its_own() {
    inhabited(|m, _| {
        stand(m, LAB, SMALL);
        assert_eq!(links_of(m, LAB), LINKS);
        for family in ["-4", "-6"] {
            let routes = m.ip(&["-N", family, "route", "show", "proto", "157"]);
            assert_eq!(routes.as_array().unwrap().len(), 1, "{routes}");
            assert_eq!(routes[0]["dev"], "br0");
        }
        // Of the machine's own none has it.
        let others = m.root_command("sh").args(&["-c", "ip -N route show table all proto 157 | grep -v br0"]).run();
        assert_eq!(others.stdout(), "");
        down(m, LAB);
    });
}

#[test]
fn link_that_comes_to_the_host_has_the_mark_and_one_that_leaves_is_of_its_netns() {
    inhabited(|m, _| {
        let calls = "netns.add,c1 veth.add,c1,a0,c1,a1 veth.add,host,b0,host,b1 lab.apply
            link.set-netns,c1,a0,host link.set-netns,host,b0,c1 link.set-name,host,b1,b9 lab.apply";
        stand(m, LAB, calls);
        assert_eq!(links_of(m, LAB), ["a0", "b9"]);
        assert!(!has_link(m, "b0") && !has_link(m, "b1"));
        down(m, LAB);
    });
}

/// A MAC address follows from a link's place, so what the lab knows of its neighbours is forgotten when one changes.
#[test]
fn neighbours_of_the_machine_are_not_forgotten_with_those_of_the_lab() {
    inhabited(|m, before| {
        let renamed = "lab.apply probe.ping-within,host,172.16.0.2,1,5000 link.set-name,c1,eth0,eth9
            link.set-name,host,pair0,pair9 lab.apply probe.ping-within,host,172.16.0.2,1,5000";
        let outcome = play(m, LAB, &[], &format!("{SMALL} {renamed}")).run();
        outcome.success();
        assert_eq!(outcome.stdout().matches(": ok reply").count(), 2, "{outcome}");
        added(m, before);
        down(m, LAB);
    });
}

#[test]
fn rm_removes_the_lab_from_the_machine() {
    inhabited(|m, before| {
        play(m, LAB, &["--rm"], SMALL).run().success();
        before.assert_is_again(m);
    });
}

#[test]
fn scenario_that_fails_after_it_has_built_is_undone_on_the_machine() {
    inhabited(|m, before| {
        let failed = play(m, LAB, &[], &format!("{SMALL} lab.apply sys.fail,late")).run();
        failed.fails_with(1).stderr_has("what had been built was undone");
        before.assert_is_again(m);
        play(m, LAB, &["--keep"], &format!("{SMALL} lab.apply sys.fail,late")).run().fails_with(1);
        assert_eq!(links_of(m, LAB), LINKS);
        down(m, LAB);
    });
}

#[test]
fn lab_is_replaced_by_one_with_the_same_names_on_the_machine() {
    inhabited(|m, _| {
        stand(m, LAB, SMALL);
        let old = m.agent_pid(LAB);
        play(m, LAB, &[], SMALL).run().success().stderr_has("no change");
        play(m, LAB, &["--replace"], SMALL).run().success();
        m.ends(old);
        assert_eq!(links_of(m, LAB), LINKS);
        m.root_command("ping").args(&["-c", "1", "-W", "5", "172.16.0.2"]).run().success();
        // One that fails before it has built leaves it alone.
        play(m, LAB, &["--replace"], "bridge.add,host,eth0").run().fails_with(2);
        assert_eq!(links_of(m, LAB), LINKS);
        down(m, LAB);
    });
}

#[test]
fn machine_without_names_for_namespaces_has_none_afterwards() {
    on_machine(Kind::Root, |m| {
        let before = Portrait::of(m);
        stand(m, LAB, SMALL);
        assert_eq!(m.entries("/run/netns"), ["c1"]);
        down(m, LAB);
        before.assert_is_again(m);
    });
}

#[test]
fn user_is_told_what_it_takes() {
    on_machine(Kind::User, |m| {
        let refused = play(m, LAB, &[], SMALL).run();
        refused.complains(3, "--on-host").stderr_has("CAP_SYS_ADMIN").stderr_has("CAP_NET_ADMIN");
        assert_eq!(refused.stdout(), "", "the scenario was not run");
        assert!(m.labs().is_empty());
    });
}

#[test]
fn root_without_a_capability_is_told_which() {
    inhabited(|m, before| {
        let calls: Vec<&str> = SMALL.split_whitespace().collect();
        for (missing, named) in [("net_admin", "CAP_NET_ADMIN"), ("sys_admin", "CAP_SYS_ADMIN")] {
            let without = format!("-{missing}");
            let options = ["--bounding-set", &without, "--inh-caps", &without, "orchestrator"];
            let run = ["run", crate::support::GUEST_CALLS, "--name", LAB, "--on-host", "--"];
            let refused = m.root_command("setpriv").args(&options).args(&run).args(&calls).run();
            refused.complains(3, "--on-host").stderr_has(named);
            before.assert_is_again(m);
        }
    });
}
