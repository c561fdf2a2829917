//! `down` removes what is the lab's, and nothing that only looks like it.

use crate::support::{Kind, Portrait, on_machine};
use crate::{LAB, SMALL, by_hand, down, has_link, inhabited, links_of, stand};

#[test]
fn down_says_nothing_when_all_is_well() {
    inhabited(|m, before| {
        stand(m, LAB, SMALL);
        let ended = m.orchestrator(&["down", LAB]);
        assert_eq!((ended.success().stdout(), ended.stderr()), ("", ""));
        assert_eq!(links_of(m, LAB), Vec::<String>::new());
        before.assert_is_again(m);
    });
}

#[test]
fn what_others_have_hung_on_the_lab_stays_as_far_as_it_can() {
    inhabited(|m, _| {
        by_hand(m, "ip link add name mine0 type veth peer name mine1");
        let before = Portrait::of(m);
        stand(m, LAB, SMALL);
        by_hand(
            m,
            "ip link set dev mine0 master br0
            ip address add 172.16.0.77/24 dev br0
            ip route add 203.0.113.0/24 dev br0
            ip neighbour add 172.16.0.88 lladdr 02:00:00:00:00:88 dev br0 nud permanent",
        );
        down(m, LAB);
        before.assert_is_again(m);
        by_hand(m, "ip link del dev mine0");
    });
}

#[test]
fn links_that_were_renamed_by_hand_are_removed_too() {
    inhabited(|m, before| {
        stand(m, LAB, SMALL);
        by_hand(
            m,
            "ip link set dev br0 down && ip link set dev br0 name other0
            ip link set dev pair0 down && ip link set dev pair0 name other1",
        );
        assert_eq!(links_of(m, LAB), ["other0", "other1", "pair1", "veth1"]);
        down(m, LAB);
        before.assert_is_again(m);
    });
}

#[test]
fn link_that_took_the_name_of_one_that_was_deleted_by_hand_stays() {
    inhabited(|m, _| {
        stand(m, LAB, SMALL);
        by_hand(m, "ip link del dev br0 && ip link add name br0 type bridge && ip address add 172.28.0.1/24 dev br0");
        let ended = m.orchestrator(&["down", LAB]);
        ended.success().stderr_has("`br0`").stderr_has("left alone");
        assert!(has_link(m, "br0"));
        assert_eq!(m.ip(&["address", "show", "dev", "br0"])[0]["addr_info"][0]["local"], "172.28.0.1");
        for gone in ["veth1", "pair0", "pair1"] {
            assert!(!has_link(m, gone), "{gone}");
        }
        by_hand(m, "ip link del dev br0");
    });
}

#[test]
fn objects_that_were_deleted_by_hand_are_not_missed() {
    inhabited(|m, before| {
        stand(m, LAB, SMALL);
        by_hand(m, "ip link del dev br0 && ip link del dev veth1 && ip link del dev pair0 && rm /run/netns/c1");
        down(m, LAB);
        before.assert_is_again(m);
    });
}

#[test]
fn link_without_its_mark_is_somebody_elses_and_is_told_of() {
    inhabited(|m, before| {
        stand(m, LAB, SMALL);
        by_hand(m, "ip link set dev br0 alias '' && ip link set dev pair0 alias 'mine now'");
        let ended = m.orchestrator(&["down", LAB]);
        ended.success().stderr_has("`br0`").stderr_has("left alone");
        assert!(has_link(m, "br0"));
        // Its peer was the lab's still, and takes it along.
        assert!(!has_link(m, "pair0") && !has_link(m, "pair1"));
        by_hand(m, "ip link del dev br0");
        before.assert_is_again(m);
    });
}

#[test]
fn mark_of_another_lab_is_not_mistaken_for_that_of_this_one() {
    inhabited(|m, before| {
        stand(m, LAB, SMALL);
        // A name that begins alike, a lab of that name that was here before, and an alias that says more.
        by_hand(
            m,
            "ip link add name fake0 type bridge && ip link set dev fake0 alias 'orchestrator lab lab-2 1-1'
            ip link add name fake1 type bridge && ip link set dev fake1 alias 'orchestrator lab la 1-1'
            ip link add name fake2 type bridge && ip link set dev fake2 alias 'orchestrator'",
        );
        down(m, LAB);
        for stays in ["fake0", "fake1", "fake2"] {
            assert!(has_link(m, stays), "{stays}");
            by_hand(m, &format!("ip link del dev {stays}"));
        }
        before.assert_is_again(m);
    });
}

#[test]
fn name_in_run_netns_that_somebody_has_put_there_stays() {
    inhabited(|m, _| {
        stand(m, LAB, SMALL);
        by_hand(m, "rm /run/netns/c1 && ip netns add c1");
        down(m, LAB);
        let named = m.root_command("ip").args(&["netns", "list"]).run();
        named.success().stdout_has("c1");
        by_hand(m, "ip netns del c1");
    });
}

#[test]
fn end_of_a_pair_that_was_moved_away_by_hand_goes_with_the_other() {
    inhabited(|m, before| {
        stand(m, LAB, SMALL);
        by_hand(m, "ip link set dev pair0 netns app");
        down(m, LAB);
        let links = m.ip(&["-n", "app", "link"]);
        assert_eq!(links.as_array().unwrap().len(), 2, "{links}");
        before.assert_is_again(m);
    });
}

#[test]
fn directory_of_names_goes_with_a_lab_that_had_none_to_put_there() {
    on_machine(Kind::Root, |m| {
        stand(m, LAB, "bridge.add,host,br0");
        down(m, LAB);
        assert!(!m.outside("/run/netns").exists());
    });
}
