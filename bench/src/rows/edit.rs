//! One more container in a large lab that stands, beside building all of it afresh.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;

use super::Plan;
use crate::account::Account;
use crate::contenders::ours::{Lab, timed};
use crate::findings::Findings;
use crate::sample::{Series, Unit, milliseconds};

const MOST_EDIT_MS: f64 = 30.0;
/// For seconds after the build links report the multicast groups that they listen to, which keeps a processor busy.
const QUIET: Duration = Duration::from_secs(10);

pub(super) fn measure(account: &Account, plan: &Plan, findings: &mut Findings) -> Result<()> {
    let n = plan.largest();
    let lab = Lab::star(account, n - 1, &[])?;
    sleep(QUIET);
    let [mut one, mut all] = [const { Vec::new() }; 2];
    for _ in 0..plan.runs {
        one.push(milliseconds(timed(&mut lab.again(n, &[]))?));
        timed(&mut lab.again(n - 1, &[]))?;
    }
    for _ in 0..plan.runs {
        all.push(milliseconds(timed(&mut lab.again(n, &["--replace"]))?));
    }
    lab.down()?;
    let one = Series::new("orchestrator", Unit::Milliseconds, one);
    let all = Series::new("--replace", Unit::Milliseconds, all);
    findings.alone(account, format!("run, one container more of N={n}"), &one, Some(MOST_EDIT_MS));
    findings.faster(account, format!("run, one container more of N={n}, faster than afresh"), &one, &all, None);
    Ok(())
}
