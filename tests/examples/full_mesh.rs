//! `full-mesh N`: a veth pair between each two.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{LabView, kernel_test};

/// Finds the cables of a mesh: exactly their addresses in all of the lab, and all that one container has.
#[track_caller]
fn full_mesh_stands(lab: &LabView<'_>, count: usize, looked_at: usize) {
    let mut addresses = BTreeSet::new();
    let (mut links, mut routes) = (Vec::new(), Vec::new());
    for i in 1..=count {
        for j in i + 1..=count {
            addresses.insert(format!("to-m{j} 10.{i}.{j}.0/31"));
            addresses.insert(format!("to-m{i} 10.{i}.{j}.1/31"));
            let (far, own) = match looked_at {
                at if at == i => (j, 0),
                at if at == j => (i, 1),
                _ => continue,
            };
            links.push(format!("to-m{far} up 10.{i}.{j}.{own}/31 link-local"));
            routes.push(format!("10.{i}.{j}.0/31 dev to-m{far} proto kernel scope link src 10.{i}.{j}.{own}"));
        }
    }
    links.sort();
    routes.sort();
    let wanted: Vec<String> = ["lo up 127.0.0.1/8 ::1/128".to_owned()].into_iter().chain(links).chain(routes).collect();
    assert_eq!(lab.netns(&format!("m{looked_at}")), wanted);
    assert_eq!(lab.global_addresses(), addresses);
    assert_eq!(lab.netns("host"), ["lo down"]);
    assert_eq!(lab.netns_count(), count + 1);
}

kernel_test!(full_mesh_has_four_containers_unless_told_otherwise, |m| {
    m.orchestrator(&["run", "full-mesh"])
        .success()
        .stdout_has("veth pairs for 4 containers: 4 * 3 / 2 = 6; with a bridge: 4\n")
        .stdout_has("12 pings, from each to each other; the slowest: reply in ");
    let lab = m.view("full-mesh");
    full_mesh_stands(&lab, 4, 2);
    lab.down();
});

kernel_test!(full_mesh_stands_at_its_smallest_and_its_largest, |m| {
    let sizes = [(2, "2 * 1 / 2 = 1; with a bridge: 2\n"), (64, "64 * 63 / 2 = 2016; with a bridge: 64\n")];
    for (count, pairs) in sizes {
        m.orchestrator(&["run", "full-mesh", "--", &count.to_string()]).success().stdout_has(pairs);
        let lab = m.view("full-mesh");
        full_mesh_stands(&lab, count, count);
        lab.down();
    }
});

kernel_test!(full_mesh_takes_no_other_number, |m| {
    for number in ["0", "1", "65", "x", "-2", ""] {
        let outcome = m.orchestrator(&["run", "full-mesh", "--", number]);
        outcome.complains(2, "' for '[CONTAINERS]'");
        assert_eq!(outcome.stdout(), "", "{outcome}");
    }
    m.orchestrator(&["run", "full-mesh", "--", "2", "3"]).complains(2, "unexpected argument '3' found");
    assert_eq!(m.orchestrator(&["list", "--json"]).success().json(), json!([]));
});
