//! `orchestrator run n-containers -- N`, `ip -batch` and the floor in turn; how that grows; and `down`.

use anyhow::Result;

use super::Plan;
use crate::account::Account;
use crate::contenders::ours::Lab;
use crate::contenders::{floor, ip_batch};
use crate::findings::{Curve, Findings};
use crate::sample::{Series, Unit, milliseconds};

/// Where the targets of growth are measured.
const GROWTH: (u32, u32) = (100, 1000);
const MOST_GROWTH: f64 = 1.5;
const MOST_OVER_FLOOR: f64 = 1.25;
const MOST_DOWN_MS: f64 = 100.0;

/// All that was measured at one size.
struct Size {
    containers: u32,
    ours: Series,
    ip_batch: Series,
    floor: Series,
    down: Series,
}

pub(super) fn measure(account: &Account, plan: &Plan, findings: &mut Findings) -> Result<()> {
    // The module has been seen, and the programs are in the page cache.
    Lab::star(account, 2, &[])?.down()?;
    let sizes: Vec<Size> =
        plan.sizes.iter().map(|&containers| in_turn(account, containers, plan.runs)).collect::<Result<_>>()?;

    for size in &sizes {
        let n = size.containers;
        findings.faster(account, format!("run N={n}, faster than ip -batch"), &size.ours, &size.ip_batch, at_least(n));
        let at_most = (n >= GROWTH.0).then_some(MOST_OVER_FLOOR);
        findings.times(account, format!("run N={n}, against the floor"), &size.ours, &size.floor, at_most);
    }
    let at = |containers| sizes.iter().find(|size| size.containers == containers);
    if let (Some(small), Some(large)) = (at(GROWTH.0), at(GROWTH.1)) {
        let [of_large, of_small] = [large, small].map(|size| size.ours.per(size.containers));
        let what = format!("run, a container of {} against one of {}", GROWTH.1, GROWTH.0);
        findings.times(account, what, &of_large, &of_small, Some(MOST_GROWTH));
    }
    if let Some(smallest) = sizes.first() {
        let what = format!("run N={}, more than the floor", smallest.containers);
        findings.alone(account, what, &smallest.ours.minus(&smallest.floor), None);
    }
    if let Some(largest) = sizes.last() {
        findings.alone(account, format!("down N={}", largest.containers), &largest.down, Some(MOST_DOWN_MS));
    }
    let curve = |of: fn(&Size) -> &Series| Curve {
        account: account.name,
        of: sizes.first().map_or("", |size| of(size).of),
        points: sizes.iter().map(|size| (size.containers, of(size).per(size.containers).median)).collect(),
    };
    findings.curves.extend([curve(|size| &size.ours), curve(|size| &size.ip_batch), curve(|size| &size.floor)]);
    Ok(())
}

/// One after the other, again and again, so that what else the machine does meets all of them.
fn in_turn(account: &Account, containers: u32, runs: u32) -> Result<Size> {
    let [mut ours, mut batch, mut least, mut down] = [const { Vec::new() }; 4];
    for run in 1..=runs {
        eprintln!("  N={containers}, {run} of {runs}");
        let lab = Lab::star(account, containers, &[])?;
        ours.push(milliseconds(lab.took));
        down.push(milliseconds(lab.down()?));
        batch.push(milliseconds(ip_batch::build(account, containers)?));
        least.push(milliseconds(floor::build(account, containers)?));
    }
    let series = |of, samples| Series::new(of, Unit::Milliseconds, samples);
    Ok(Size {
        containers,
        ours: series("orchestrator", ours),
        ip_batch: series("ip -batch", batch),
        floor: series("floor", least),
        down: series("orchestrator", down),
    })
}

/// How many times faster than `ip -batch` it should be.
fn at_least(containers: u32) -> Option<f64> {
    match containers {
        2 | 10 => Some(1.0),
        100 => Some(5.0),
        1000 => Some(12.0),
        _ => None,
    }
}
