//! From the start of `orchestrator run` to the guest's first word.
//!
//! The guest is `n-containers` without its argument, which it misses at once, on stderr. `run` itself writes nothing there
//! before the guest has ended. Module and sandbox are what they always are; nothing is built.

use std::io::Read;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::Plan;
use crate::account::Account;
use crate::contenders::ours::Lab;
use crate::findings::Findings;
use crate::sample::{Series, Unit, milliseconds};
use crate::stage;

const MOST_MS: f64 = 10.0;

pub(super) fn measure(account: &Account, plan: &Plan, findings: &mut Findings) -> Result<()> {
    // The module has been seen.
    Lab::star(account, 2, &[])?.down()?;
    let samples = (0..plan.runs).map(|_| first_word(account)).collect::<Result<_>>()?;
    let series = Series::new("orchestrator", Unit::Milliseconds, samples);
    findings.alone(account, "run, to the guest's first word".to_owned(), &series, Some(MOST_MS));
    Ok(())
}

fn first_word(account: &Account) -> Result<f64> {
    let mut command = account.command(stage::orchestrator());
    command.args(["run", "n-containers"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut process = command.spawn()?;
    let mut stderr = process.stderr.take().context("`run` has no standard error")?;
    let mut text = vec![0];
    stderr.read_exact(&mut text)?;
    let took = start.elapsed();
    stderr.read_to_end(&mut text)?;
    process.wait()?;
    let text = String::from_utf8_lossy(&text);
    ensure!(text.contains("the number of containers is missing"), "the guest did not miss its argument:\n{text}");
    Ok(milliseconds(took))
}
