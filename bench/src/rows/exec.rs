//! `orchestrator exec LAB c1 -- true`, beside `ip netns exec`.

use anyhow::Result;

use super::Plan;
use crate::account::Account;
use crate::contenders::ours::{Lab, timed};
use crate::findings::Findings;
use crate::sample::{Series, Unit, milliseconds};

const MOST: f64 = 3.0;

pub(super) fn measure(account: &Account, plan: &Plan, findings: &mut Findings) -> Result<()> {
    let lab = Lab::star(account, 2, &[])?;
    let [mut ours, mut theirs] = [const { Vec::new() }; 2];
    for _ in 0..plan.runs {
        ours.push(milliseconds(timed(&mut lab.command("exec", &["c1", "--", "true"]))?));
        // Another user's namespaces have no names for iproute2.
        if account.is_root() {
            let name = lab.netns("c1");
            theirs.push(milliseconds(timed(account.command("ip").args(["netns", "exec", &name, "true"]))?));
        }
    }
    lab.down()?;
    let ours = Series::new("orchestrator", Unit::Milliseconds, ours);
    let what = "exec true".to_owned();
    if theirs.is_empty() {
        findings.alone(account, what, &ours, None);
    } else {
        let theirs = Series::new("ip netns exec", Unit::Milliseconds, theirs);
        findings.times(account, what, &ours, &theirs, Some(MOST));
    }
    Ok(())
}
