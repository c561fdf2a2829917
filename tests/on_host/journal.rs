//! A journal that can't be relied on: damaged, cut off, gone, or of another time.

use std::fs;

use crate::support::{Machine, Portrait};
use crate::{LAB, SMALL, by_hand, has_link, inhabited, links_of, stand};

/// Lets a lab stand, kills its agent, and puts what `change` makes of its journal in the place of that.
#[track_caller]
fn killed_with_journal(m: &Machine, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    stand(m, LAB, SMALL);
    m.kill_agent(LAB);
    let journal = m.outside(&format!("{}/{LAB}/journal", m.labs_directory()));
    let bytes = fs::read(&journal).expect("a lab that stood has its journal");
    assert!(!bytes.is_empty());
    fs::write(&journal, change(bytes)).expect("could not write the journal");
}

#[test]
fn journal_that_is_damaged_is_told_of_and_the_lab_found_by_its_mark() {
    inhabited(|m, before| {
        let damages: [fn(Vec<u8>) -> Vec<u8>; 4] = [
            |_| b"no journal at all\n".to_vec(),
            |mut bytes| {
                bytes[0] = 0xff;
                bytes
            },
            |bytes| [b"\0\0\0\0\n", &bytes[..]].concat(),
            |bytes| [&bytes[..], b"{\"link\":7}\n"].concat(),
        ];
        for damage in damages {
            killed_with_journal(m, damage);
            let swept = m.orchestrator(&["list"]);
            swept.success().stderr_has("warning: ").stderr_has("journal is damaged");
            assert_eq!(links_of(m, LAB), Vec::<String>::new());
            m.has_no_trace_of_labs_but(&["app", "upstream"]);
        }
        before.assert_is_again(m);
    });
}

#[test]
fn journal_that_is_empty_or_gone_does_not_keep_the_lab_on_the_machine() {
    inhabited(|m, before| {
        killed_with_journal(m, |_| Vec::new());
        m.orchestrator(&["list"]).success();
        assert_eq!(links_of(m, LAB), Vec::<String>::new(), "with an empty journal");

        killed_with_journal(m, |bytes| bytes);
        by_hand(m, "rm /run/orchestrator/labs/lab/journal");
        m.orchestrator(&["list"]).success();
        assert_eq!(links_of(m, LAB), Vec::<String>::new(), "without a journal");
        before.assert_is_again(m);
    });
}

#[test]
fn journal_that_was_cut_off_is_read_as_far_as_it_goes() {
    inhabited(|m, before| {
        for part in 1..8 {
            killed_with_journal(m, |bytes| bytes[..bytes.len() * part / 8].to_vec());
            m.orchestrator(&["down", LAB]).fails_with(2);
            assert_eq!(links_of(m, LAB), Vec::<String>::new(), "{part}/8 of it");
            m.has_no_trace_of_labs_but(&["app", "upstream"]);
        }
        before.assert_is_again(m);
    });
}

#[test]
fn journal_that_is_damaged_while_the_lab_stands_does_not_keep_it_from_ending() {
    inhabited(|m, before| {
        for damage in ["echo damaged >", "echo damaged >>", "rm ", ": >"] {
            stand(m, LAB, SMALL);
            by_hand(m, &format!("{damage}/run/orchestrator/labs/lab/journal"));
            m.orchestrator(&["down", LAB]).success();
            assert_eq!(links_of(m, LAB), Vec::<String>::new(), "{damage}");
            assert!(m.labs().is_empty());
        }
        before.assert_is_again(m);
    });
}

#[test]
fn journal_of_another_boot_touches_nothing_of_this_one() {
    inhabited(|m, before| {
        let mut ours = String::new();
        killed_with_journal(m, |bytes| {
            ours = m.read("/proc/sys/kernel/random/boot_id").trim().to_owned();
            let text = String::from_utf8(bytes).expect("a journal is text");
            assert!(text.contains(&ours), "{text}");
            text.replace(&ours, "00000000-0000-4000-8000-000000000000").into_bytes()
        });
        // After a boot nothing is there, and what has its name is somebody else's.
        by_hand(m, "ip link del dev br0; ip link del dev pair0; ip link del dev veth1 2>/dev/null || :");
        by_hand(m, "ip link add name br0 type bridge; ip netns add c2; rm -f /run/netns/c1; ip netns add c1");
        m.orchestrator(&["list"]).success();
        assert!(has_link(m, "br0"));
        m.root_command("ip").args(&["-n", "c1", "link"]).run().success();
        assert!(m.entries(&m.labs_directory()).iter().all(|name| name == ".lock"));
        by_hand(m, "ip link del dev br0; ip netns del c1; ip netns del c2");
        before.assert_is_again(m);
    });
}

#[test]
fn journal_that_names_what_is_not_the_labs_removes_nothing_of_it() {
    inhabited(|m, before| {
        killed_with_journal(m, |bytes| {
            let forged = [
                "{\"link\":\"eth0\"}",
                "{\"link\":\"docker0\"}",
                "{\"netns\":\"app\"}",
                "{\"netns\":\"../../etc/passwd\"}",
            ];
            [bytes, (forged.join("\n") + "\n").into_bytes()].concat()
        });
        m.orchestrator(&["list"]).success();
        before.assert_is_again(m);
    });
}

#[test]
fn lab_that_was_built_in_another_namespace_is_not_looked_for_in_this_one() {
    inhabited(|m, before| {
        // As root in a container with the network of its own would build it, and its directory is the machine's.
        let calls: Vec<&str> = SMALL.split_whitespace().collect();
        let run =
            ["netns", "exec", "app", "orchestrator", "run", crate::support::GUEST_CALLS, "--on-host", "--name", LAB];
        m.root_command("ip").args(&run).arg("--").args(&calls).run().success();
        assert_eq!(links_of(m, LAB), Vec::<String>::new());
        m.kill_agent(LAB);
        let swept = m.orchestrator(&["list"]);
        swept.success().stderr_has("another network namespace");
        let elsewhere = m.root_command("ip").args(&["netns", "exec", "app", "orchestrator", "list"]).run();
        elsewhere.success();
        assert_eq!(m.ip(&["-n", "app", "link"]).as_array().unwrap().len(), 2);
        before.assert_is_again(m);
    });
}

/// As other programs put them there, some of which have died since.
#[test]
fn names_of_others_stay_whatever_the_journal_says() {
    inhabited(|m, _| {
        by_hand(
            m,
            "ln -s /proc/999999/ns/net /run/netns/dead-container
            ln -s /proc/1/ns/net /run/netns/container
            ln -s /run/nowhere /run/netns/nowhere
            ln -s /proc/999999/fd /run/netns/odd",
        );
        let before = Portrait::of(m);
        for damage in [|_| b"damaged\n".to_vec(), |bytes: Vec<u8>| bytes] {
            killed_with_journal(m, damage);
            m.orchestrator(&["list"]).success();
            before.assert_is_again(m);
        }
        by_hand(m, "cd /run/netns && rm dead-container container nowhere odd");
    });
}
