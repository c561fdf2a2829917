//! From the start of `orchestrator run` to the guest's first word.
//!
//! The guest is `n-containers` without its argument, which it misses at once, on stderr. In Rust it says what it takes, and `run` misses
//! the argument when it has heard that, and says so when the lab has ended again. Otherwise `run` writes nothing there before the guest has ended. Module and sandbox are
//! what they always are; nothing is built. In wasmtime a guest gets as far: what it would import of ours traps only when it is called.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Plan;
use crate::account::Account;
use crate::contenders::ours::Lab;
use crate::findings::Findings;
use crate::sample::{Series, Unit, milliseconds};
use crate::stage;

const MOST_MS: f64 = 10.0;
/// A file that has just been changed is read again the next time.
const SETTLED: Duration = Duration::from_secs(3);

pub(super) fn measure(account: &Account, plan: &Plan, findings: &mut Findings) -> Result<()> {
    // The module has been seen.
    Lab::star(account, 2, &[])?.down()?;
    let run = |module: &OsStr| {
        let mut command = account.command(stage::orchestrator());
        command.arg("run").arg(module);
        command
    };
    let samples = (0..plan.runs).map(|_| first_word(run("n-containers".as_ref()))).collect::<Result<_>>()?;
    let series = Series::new("orchestrator", Unit::Milliseconds, samples);
    findings.alone(account, "run, to the guest's first word".to_owned(), &series, Some(MOST_MS));

    if !plan.modules.is_empty() {
        sleep(SETTLED);
    }
    for module in &plan.modules {
        let language = module.file_stem().unwrap_or_default().to_string_lossy();
        let what = format!("run in {language}, to its first word");
        let ours = series_of("orchestrator", plan.runs, || run(module.as_os_str()))?;
        findings.alone(account, what.clone(), &ours, Some(MOST_MS));
        if let Some(wasmtime) = &plan.wasmtime {
            // It does not take every module by that option: where two interfaces use a resource, it gives each another one.
            match series_of("wasmtime", plan.runs, || in_wasmtime(account, wasmtime, module)) {
                Ok(theirs) => findings.faster(account, format!("{what}, faster than wasmtime"), &ours, &theirs, None),
                Err(error) => eprintln!("note: {what}: not in wasmtime: {error:#}"),
            }
        }
    }
    Ok(())
}

/// Measures a command that has run before, so that whatever it keeps is kept.
fn series_of(who: &'static str, runs: u32, command: impl Fn() -> Command) -> Result<Series> {
    first_word(command())?;
    first_word(command())?;
    Ok(Series::new(who, Unit::Milliseconds, (0..runs).map(|_| first_word(command())).collect::<Result<_>>()?))
}

fn in_wasmtime(account: &Account, wasmtime: &Path, module: &Path) -> Command {
    let mut command = account.command(wasmtime);
    command.args(["run", "-W", "unknown-imports-trap=y", "-C", "cache=y"]).arg(module);
    command
}

fn first_word(mut command: Command) -> Result<f64> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut process = command.spawn()?;
    let mut stderr = process.stderr.take().context("it has no standard error")?;
    let mut text = vec![0];
    stderr.read_exact(&mut text)?;
    let took = start.elapsed();
    stderr.read_to_end(&mut text)?;
    process.wait()?;
    let text = String::from_utf8_lossy(&text);
    let misses = ["usage: n-containers", "not provided: <CONTAINERS>"].iter().any(|words| text.contains(words));
    ensure!(misses, "the guest did not miss its argument:\n{text}");
    Ok(milliseconds(took))
}
