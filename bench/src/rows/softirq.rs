//! What the kernel goes on doing after a build with IPv6: each router solicitation and multicast report is flooded to
//! all ports, so that it could be the square of their number.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Plan;
use crate::account::Account;
use crate::contenders::ours::Lab;
use crate::findings::Findings;
use crate::sample::{Series, Unit};

const AFTER: Duration = Duration::from_secs(5);
/// /proc counts in hundredths of a second (USER_HZ).
const TICK_MS: f64 = 10.0;
/// A container among many may take what one among few does.
const MOST_GROWTH: f64 = 1.0;

pub(super) fn measure(account: &Account, plan: &Plan, findings: &mut Findings) -> Result<()> {
    let mut measured = Vec::new();
    // The two largest sizes.
    for &n in plan.sizes.iter().rev().take(2).rev() {
        let mut samples = Vec::new();
        for _ in 0..plan.runs {
            // What the machine does anyhow is taken off.
            let idle = softirq_ms()?;
            let lab = Lab::star(account, n, &["--ipv6"])?;
            let after = softirq_ms()?;
            lab.down()?;
            // Less than a tick can't be told from none.
            samples.push((after - idle).max(TICK_MS));
        }
        let series = Series::new("orchestrator", Unit::Milliseconds, samples);
        findings.alone(account, format!("softirq in 5 s after run N={n} --ipv6"), &series, None);
        measured.push((n, series));
    }
    if let [(few, of_few), (many, of_many)] = &measured[..] {
        let (of_few, of_many) = (of_few.per(*few), of_many.per(*many));
        let what = format!("softirq, a container of {many} against one of {few}");
        findings.times(account, what, &of_many, &of_few, Some(MOST_GROWTH));
    }
    Ok(())
}

/// The time that all processors spend in soft interrupts from now on, in milliseconds.
fn softirq_ms() -> Result<f64> {
    let before = softirq_ticks()?;
    sleep(AFTER);
    Ok((softirq_ticks()? - before) * TICK_MS)
}

/// The seventh figure of the line `cpu` of proc_stat(5).
fn softirq_ticks() -> Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let field = stat.split_whitespace().nth(7).context("/proc/stat has no softirq")?;
    Ok(field.parse()?)
}
