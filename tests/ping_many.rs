//! `orchestrator ping` where there are many pairs.
//!
//! The kernel has room for 1,024 neighbours (net.ipv4.neigh.default.gc_thresh3), counted over all namespaces of the real
//! machine. Two of these tests at once, or beside others that ping, could take it from one another, so this is one test in a
//! file of its own.

mod support;

use support::{Kind, on_machine};

#[test]
fn ping_of_all_pairs_knows_no_limit_of_neighbours() {
    on_machine(Kind::User, |m| {
        m.orchestrator(&["run", "n-containers", "--", "40"]).success();
        let pinged = m.orchestrator(&["ping", "n-containers", "--json"]);
        let json = pinged.json();
        let answers = json.as_array().expect("an array");
        assert_eq!(answers.len(), 41 * 40);
        let failed = answers.iter().find(|answer| answer["outcome"] != "reply");
        assert!(failed.is_none(), "one of those without a reply: {failed:?}");
        assert_eq!(pinged.code(), 0);
        m.orchestrator(&["down", "n-containers"]).success();
    });
}
