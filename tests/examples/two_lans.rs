//! `two-lans`: two bridges, apart and then joined.

use crate::support::kernel_test;
use crate::{container, prints};

kernel_test!(two_lans_stand_joined_and_prove_themselves, |m| {
    let outcome = m.orchestrator(&["run", "two-lans"]);
    let beginnings = [
        "host1 -> host2: reply in ",
        "host3 -> host4: reply in ",
        "host4 -> host1: no reply within 200 ms",
        "host1 -> host4: reply in ",
        "host2 -> host3: reply in ",
    ];
    prints(&outcome, &beginnings);
    let lab = m.view("two-lans");
    assert_eq!(lab.netns("host"), ["lo down"]);
    for (switch, [bridge, port, next, uplink]) in
        [("switch1", ["lan1", "port1", "port2", "uplink1"]), ("switch2", ["lan2", "port3", "port4", "uplink2"])]
    {
        let wanted = [
            "lo down".to_owned(),
            format!("{bridge} up link-local"),
            format!("{port} up master {bridge}"),
            format!("{next} up master {bridge}"),
            format!("{uplink} up master {bridge}"),
        ];
        assert_eq!(lab.netns(switch), wanted);
    }
    for i in 1..=4 {
        let wanted = container("eth0", &format!("172.16.2.{i}/24"), "172.16.2.0/24");
        assert_eq!(lab.netns(&format!("host{i}")), wanted, "host{i}");
    }
    assert_eq!(lab.netns_count(), 7);
    lab.down();
});
