//! `fabric LEAVES SPINES HOSTS`: what one netns costs among thousands.

use std::fs;

use anyhow::{Context, Result};

use super::Plan;
use crate::account::Account;
use crate::contenders::ours::{Lab, has_example};
use crate::findings::Findings;
use crate::sample::{Series, Unit, milliseconds};

const EXAMPLE: &str = "fabric";
const SMALL: Fabric = Fabric { leaves: 8, spines: 4, hosts: 11 };
const LARGE: Fabric = Fabric { leaves: 100, spines: 8, hosts: 49 };
const MOST_GROWTH: f64 = 2.5;
/// The sizes that a run without large stars has: it is to be short.
const FEW: u32 = 1000;

#[derive(Clone, Copy)]
struct Fabric {
    leaves: u32,
    spines: u32,
    hosts: u32,
}

impl Fabric {
    fn netns(self) -> u32 {
        self.leaves + self.spines + self.leaves * self.hosts
    }

    /// Builds it, and returns the milliseconds and the KiB that it took.
    fn build(self, account: &Account) -> Result<(f64, f64)> {
        let arguments = [self.leaves, self.spines, self.hosts].map(|number| number.to_string());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let before = available_kib()?;
        let lab = Lab::run(account, EXAMPLE, &arguments, self.netns())?;
        let memory = before - available_kib()?;
        let took = milliseconds(lab.took);
        lab.down()?;
        Ok((took, memory))
    }
}

pub(super) fn measure(account: &Account, plan: &Plan, findings: &mut Findings) -> Result<()> {
    if !has_example(account, EXAMPLE)? {
        eprintln!("  skipped: this orchestrator has no example `{EXAMPLE}`");
        return Ok(());
    }
    SMALL.build(account)?;
    let [mut small, mut large, mut memory] = [const { Vec::new() }; 3];
    for _ in 0..plan.runs {
        small.push(SMALL.build(account)?.0);
        if plan.largest() >= FEW {
            let (took, kib) = LARGE.build(account)?;
            large.push(took);
            memory.push(kib);
        }
    }
    let series = |unit, samples, fabric: Fabric| Series::new("orchestrator", unit, samples).per(fabric.netns());
    let small = series(Unit::Milliseconds, small, SMALL);
    if large.is_empty() {
        findings.alone(account, format!("fabric, a netns of {}", SMALL.netns()), &small, None);
        return Ok(());
    }
    let large = series(Unit::Milliseconds, large, LARGE);
    let (many, few) = (LARGE.netns(), SMALL.netns());
    findings.times(
        account,
        format!("fabric, a netns of {many} against one of {few}"),
        &large,
        &small,
        Some(MOST_GROWTH),
    );
    let what = format!("fabric, memory for a netns of {many}");
    findings.alone(account, what, &series(Unit::Kibibytes, memory, LARGE), None);
    Ok(())
}

fn available_kib() -> Result<f64> {
    let memory = fs::read_to_string("/proc/meminfo")?;
    let line = memory.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    Ok(line.context("/proc/meminfo has no MemAvailable")?.trim().trim_end_matches(" kB").parse()?)
}
