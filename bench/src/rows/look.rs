//! `list` and `show` of a large lab.

use anyhow::Result;

use super::Plan;
use crate::account::Account;
use crate::contenders::ours::{Lab, timed};
use crate::findings::Findings;
use crate::sample::{Series, Unit, milliseconds};
use crate::stage;

const MOST_LIST_MS: f64 = 20.0;
const MOST_SHOW_MS: f64 = 300.0;

pub(super) fn measure(account: &Account, plan: &Plan, findings: &mut Findings) -> Result<()> {
    let n = plan.largest();
    let lab = Lab::star(account, n, &[])?;
    let [mut list, mut show] = [const { Vec::new() }; 2];
    for _ in 0..plan.runs {
        list.push(milliseconds(timed(account.command(stage::orchestrator()).arg("list"))?));
        show.push(milliseconds(timed(&mut lab.command("show", &[]))?));
    }
    lab.down()?;
    for (verb, samples, at_most) in [("list", list, MOST_LIST_MS), ("show", show, MOST_SHOW_MS)] {
        let series = Series::new("orchestrator", Unit::Milliseconds, samples);
        findings.alone(account, format!("{verb} N={n}"), &series, Some(at_most));
    }
    Ok(())
}
