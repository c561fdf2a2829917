//! `direct-pair`: two containers and no bridge.

use crate::container;
use crate::support::kernel_test;

kernel_test!(direct_pair_stands_and_proves_itself, |m| {
    let outcome = m.orchestrator(&["run", "direct-pair"]);
    outcome.success().stdout_has("left -> right: reply in ").stdout_has("right -> left: reply in ");
    let lab = m.view("direct-pair");
    assert_eq!(lab.netns("host"), ["lo down"]);
    assert_eq!(lab.netns("left"), container("eth0", "172.16.1.1/24", "172.16.1.0/24"));
    assert_eq!(lab.netns("right"), container("eth0", "172.16.1.2/24", "172.16.1.0/24"));
    assert_eq!(lab.netns_count(), 3);
    lab.down();
});
