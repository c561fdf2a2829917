//! What a guest must not touch: a lab that stands, the machine's processes, and what a lab would leave.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Machine, poll_until};

/// How long what has ended may take to be gone.
const SOON: Duration = Duration::from_secs(10);

/// A lab of one netns, and all around it.
const LAB: &str = "bystander";
const DRAWING: &str = "netns.add,red veth.add,host,v,red,eth0 link.set-up,host,v link.set-up,red,eth0 \
                       address.add,host,v,192.0.2.1/24 address.add,red,eth0,192.0.2.2/24 route.add,red,default,192.0.2.1 lab.wait,5000";

pub(crate) struct Surroundings<'m> {
    machine: &'m Machine,
    /// The paths of the lab's namespaces.
    netns: [String; 2],
    at_first: Value,
}

impl<'m> Surroundings<'m> {
    /// Lets the lab stand.
    #[track_caller]
    pub(crate) fn make(machine: &'m Machine) -> Self {
        machine.stand(LAB, DRAWING);
        let netns = ["host", "red"].map(|netns| machine.lab_netns(LAB, netns));
        let mut surroundings = Self { machine, netns, at_first: Value::Null };
        surroundings.at_first = surroundings.look();
        surroundings
    }

    /// Finds all as it was, perhaps after a moment, as processes end in their own time.
    #[track_caller]
    pub(crate) fn are_as_before(&self, after: &str) {
        let mut found = Value::Null;
        let as_before = poll_until(Instant::now() + SOON, || {
            found = self.look();
            (found == self.at_first).then_some(())
        });
        assert!(as_before.is_some(), "after {after} there is\n{found:#}\nand there was\n{:#}", self.at_first);
    }

    /// Takes the lab down.
    #[track_caller]
    pub(crate) fn end(self) {
        self.machine.orchestrator(&["down", LAB]).success();
    }

    #[track_caller]
    fn look(&self) -> Value {
        let m = self.machine;
        let netns = self.netns.each_ref().map(|path| {
            let see = |what: &[&str]| m.ip_at(path, what);
            [see(&["-d", "address"]), see(&["-4", "route"]), see(&["-6", "route"])]
        });
        let processes: Vec<String> =
            m.processes().into_iter().map(|(pid, command)| format!("{pid} {command}")).collect();
        json!({
            "lab": netns,
            "machine": m.ip(&["-d", "address"]),
            "labs": m.entries(&m.labs_directory()),
            "names": m.entries("/run/netns"),
            "processes": processes,
        })
    }
}
