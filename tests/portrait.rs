//! The portrait of a machine itself: that it stays the same by itself, and that no change goes unnoticed.

mod support;

use support::{Kind, Machine, Portrait, on_machine};

/// What could be done to a machine that has a network of its own, and how a line of the difference begins then. None of these
/// hides what another one does.
const SMALL: [(&str, &str); 28] = [
    ("ip link add name br0 type bridge", "added: link `br0`"),
    ("ip link set dev eth0 mtu 1400", "changed: link `eth0`: mtu: 1450 -> 1400"),
    ("ip link set dev eth0 alias other", "changed: link `eth0`: ifalias"),
    ("ip link set dev eth0 group 8", "changed: link `eth0`: group: 7 -> 8"),
    ("ip link set dev eth0 txqueuelen 100", "changed: link `eth0`: txqlen: 500 -> 100"),
    ("ip link set dev eth0 multicast off", "changed: link `eth0`: flags"),
    ("ip link set dev eth0 addrgenmode none", "changed: link `eth0`: inet6_addr_gen_mode"),
    (
        "ip link set dev docker0 type bridge stp_state 1",
        "changed: link `docker0`: linkinfo.info_data.stp_state: 0 -> 1",
    ),
    ("ip address add 10.2.0.1/24 dev docker0", "added: address 10.2.0.1/24 of link `docker0`"),
    ("ip address del 10.0.0.6/16 dev eth0", "gone: address 10.0.0.6/16 of link `eth0`"),
    ("ip address change fd10::5/64 dev eth0 preferred_lft 0", "changed: address fd10::5/64 of link `eth0`"),
    ("ip route add 10.3.0.0/24 via 10.0.0.9", "added: route dev=eth0 dst=10.3.0.0/24"),
    ("ip route del 192.168.50.0/24", "gone: route dev=eth0 dst=192.168.50.0/24"),
    ("ip -6 route del fd50::/48", "gone: route dev=eth0 dst=fd50::/48"),
    ("ip rule del pref 1000", "gone: rule"),
    ("ip -6 rule add pref 2000 lookup 200", "added: rule"),
    ("ip neighbour del 10.0.0.1 dev eth0", "gone: neighbour 10.0.0.1 on link `eth0`"),
    (
        "ip neighbour change 10.0.0.77 lladdr 02:00:00:00:00:78 dev eth0",
        "changed: neighbour 10.0.0.77 on link `eth0`: lladdr",
    ),
    ("ip neighbour del proxy 10.0.0.88 dev eth0", "gone: proxy neighbour"),
    ("sysctl -q net.ipv4.ip_forward=0", "changed: setting net.ipv4.ip_forward: value: 1 -> 0"),
    ("sysctl -q net.ipv4.conf.eth0.rp_filter=0", "changed: link `eth0`: net.ipv4.conf.eth0.rp_filter: 2 -> 0"),
    ("sysctl -q net.ipv6.conf.default.addr_gen_mode=1", "changed: setting net.ipv6.conf.default.addr_gen_mode"),
    ("sysctl -q net.ipv4.ping_group_range='0 0'", "changed: setting net.ipv4.ping_group_range"),
    ("ip netns add other", "added: netns name=other"),
    ("mount -t tmpfs none /mnt", "added: mount: / of tmpfs none"),
    ("echo other >/run/own", "gone: file: /run/own"),
    ("chmod 600 /tmp/own", "gone: file: /tmp/own"),
    ("sleep 1000 </dev/null >/dev/null 2>&1 &", "added: process"),
];

/// Likewise, each changing so much that it is done alone.
const LARGE: [(&str, &str); 9] = [
    ("ip link set dev eth0 down", "changed: link `eth0`: operstate"),
    ("ip link set dev eth0 address 02:00:00:00:00:06", "changed: link `eth0`: address"),
    ("ip link set dev eth0 master docker0", "changed: link `eth0`: master: nothing -> docker0"),
    ("ip link set dev vethapp nomaster", "changed: link `vethapp`: master: docker0 -> nothing"),
    ("ip link del dev docker0", "gone: link `docker0`"),
    ("ip link set dev eth0 name eth9", "gone: link `eth0`"),
    ("ip route del default table 100", "gone: route dev=eth0 dst=default flags=[] gateway=10.0.0.1"),
    ("ip neighbour flush dev docker0", "gone: neighbour 172.17.0.2 on link `docker0`"),
    ("ip netns del app", "gone: netns id=1 name=app"),
];

fn inhabited(test: impl FnOnce(&Machine, &Portrait)) {
    on_machine(Kind::Root, |m| {
        m.inhabit();
        let portrait = Portrait::of(m);
        test(m, &portrait);
    });
}

#[test]
fn machine_left_alone_has_the_same_portrait() {
    inhabited(|m, before| {
        // What neighbours learn of one another is the same too.
        m.root_command("ping").args(&["-c", "2", "-i", "0.2", "10.0.0.1"]).run().success();
        let later = Portrait::of(m);
        assert_eq!(before.differences(&later), Vec::<String>::new());
        m.vacate();
    });
}

#[test]
fn machine_that_is_vacated_is_as_it_was() {
    on_machine(Kind::Root, |m| {
        let before = Portrait::of(m);
        m.inhabit();
        m.vacate();
        before.assert_is_again(m);
    });
}

#[test]
fn small_changes_to_a_machine_show_in_its_portrait() {
    finds(&SMALL);
}

#[test]
fn large_changes_to_a_machine_show_in_its_portrait() {
    for change in LARGE {
        finds(&[change]);
    }
}

/// Makes the changes to one machine, which nobody tidies up.
#[track_caller]
fn finds(changes: &[(&str, &str)]) {
    let machine = Machine::new(Kind::Root);
    machine.inhabit();
    let before = Portrait::of(&machine);
    for (command, _) in changes {
        machine.root_command("sh").args(&["-euc", command]).run().success();
    }
    let differences = before.differences(&Portrait::of(&machine));
    for (command, beginning) in changes {
        assert!(differences.iter().any(|line| line.starts_with(beginning)), "`{command}`: {differences:#?}");
    }
}
