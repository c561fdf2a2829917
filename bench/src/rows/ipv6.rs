//! What a second family adds to the build, and how soon it answers.

use anyhow::Result;

use super::Plan;
use crate::account::Account;
use crate::contenders::ours::{Lab, timed};
use crate::findings::Findings;
use crate::sample::{Series, Unit, milliseconds};

const MOST_LONGER: f64 = 1.3;
const MOST_FIRST_PING_MS: f64 = 50.0;

pub(super) fn measure(account: &Account, plan: &Plan, findings: &mut Findings) -> Result<()> {
    let n = plan.largest();
    // To c1. Within the scenario it has met the last container and nobody else.
    let ping = ["c2", "--", "ping", "-6", "-q", "-c", "1", "-w", "5", "fd00:a::2"];
    let [mut one, mut both, mut first] = [const { Vec::new() }; 3];
    for _ in 0..plan.runs {
        let lab = Lab::star(account, n, &[])?;
        one.push(milliseconds(lab.took));
        lab.down()?;
        let lab = Lab::star(account, n, &["--ipv6"])?;
        both.push(milliseconds(lab.took));
        first.push(milliseconds(timed(&mut lab.command("exec", &ping))?));
        lab.down()?;
    }
    let series = |of, samples| Series::new(of, Unit::Milliseconds, samples);
    let (both, one) = (series("orchestrator", both), series("without", one));
    findings.times(account, format!("run N={n} --ipv6"), &both, &one, Some(MOST_LONGER));
    let what = format!("exec ping -6 after run N={n}, to its end");
    findings.alone(account, what, &series("orchestrator", first), Some(MOST_FIRST_PING_MS));
    Ok(())
}
