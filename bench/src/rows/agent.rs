//! What the agent of a large lab takes: memory, descriptors, and time while nothing happens.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Plan;
use crate::account::Account;
use crate::contenders::ours::Lab;
use crate::findings::Findings;
use crate::sample::{Series, Unit};

const MOST_MEMORY_MIB: f64 = 20.0;
/// Beside one for each netns.
const MOST_DESCRIPTORS: u32 = 64;
const IDLE: Duration = Duration::from_secs(3);

pub(super) fn measure(account: &Account, plan: &Plan, findings: &mut Findings) -> Result<()> {
    let n = plan.largest();
    let lab = Lab::star(account, n, &[])?;
    let process = lab.process();
    let memory = resident_mib(&process)?;
    let descriptors = fs::read_dir(format!("{process}/fd"))?.count();
    let before = ticks(&process)?;
    sleep(IDLE);
    let idle = ticks(&process)? - before;
    lab.down()?;

    let mut add = |what: &str, unit, sample, at_most| {
        let series = Series::new("orchestrator", unit, vec![sample]);
        findings.alone(account, format!("agent N={n}, {what}"), &series, Some(at_most));
    };
    add("VmRSS", Unit::Mebibytes, memory, MOST_MEMORY_MIB);
    add("open", Unit::Descriptors, descriptors as f64, f64::from(n + MOST_DESCRIPTORS));
    add("CPU in 3 idle seconds", Unit::Ticks, idle, 0.0);
    Ok(())
}

fn resident_mib(process: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the agent has no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

/// Its time in user and in kernel mode: the fields 14 and 15 of proc_pid_stat(5).
fn ticks(process: &str) -> Result<f64> {
    let stat = fs::read_to_string(format!("{process}/stat"))?;
    // The second field, the name, may have blanks; what follows its bracket is the third.
    let (_, fields) = stat.rsplit_once(") ").context("the agent's stat has no name")?;
    let times = fields.split(' ').skip(11).take(2).map(str::parse::<f64>);
    Ok(times.sum::<Result<f64, _>>()?)
}
