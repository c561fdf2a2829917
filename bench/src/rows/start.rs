//! From the start of `orchestrator run` to the guest's first word.
//!
//! The built-in guest is `full-mesh` with two containers: it is asked what it takes, its argument is checked, it draws, and has a word
//! before the first ping, and so before anything is built. In other languages it is `n-containers` without its argument, which it misses at
//! once, on stderr, where `run` writes nothing before the guest has ended. In wasmtime a guest gets as far: what it would import of ours
//! traps only when it is called.

use std::ffi::OsStr;
use std::io::{Read, pipe};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::Plan;
use crate::account::Account;
use crate::findings::Findings;
use crate::sample::{Series, Unit, milliseconds};
use crate::stage;

const MOST_MS: f64 = 10.0;
/// A file that has just been changed is read again the next time.
const SETTLED: Duration = Duration::from_secs(3);

pub(super) fn measure(account: &Account, plan: &Plan, findings: &mut Findings) -> Result<()> {
    let run = |arguments: &[&OsStr]| {
        let mut command = account.command(stage::orchestrator());
        command.arg("run").args(arguments);
        command
    };
    let full_mesh = ["--rm", "full-mesh", "--", "2"].map(OsStr::new);
    let series = series_of("orchestrator", plan.runs, || run(&full_mesh), Word::OfSuccess)?;
    findings.alone(account, "run, to the guest's first word".to_owned(), &series, Some(MOST_MS));

    if !plan.modules.is_empty() {
        sleep(SETTLED);
    }
    for module in &plan.modules {
        let language = module.file_stem().unwrap_or_default().to_string_lossy();
        let what = format!("run in {language}, to its first word");
        let ours = series_of("orchestrator", plan.runs, || run(&[module.as_os_str()]), Word::OfMiss)?;
        findings.alone(account, what.clone(), &ours, Some(MOST_MS));
        if let Some(wasmtime) = &plan.wasmtime {
            // It does not take every module by that option: where two interfaces use a resource, it gives each another one.
            match series_of("wasmtime", plan.runs, || in_wasmtime(account, wasmtime, module), Word::OfMiss) {
                Ok(theirs) => findings.faster(account, format!("{what}, faster than wasmtime"), &ours, &theirs, None),
                Err(error) => eprintln!("note: {what}: not in wasmtime: {error:#}"),
            }
        }
    }
    Ok(())
}

/// Where a guest's first word is, and what becomes of the guest.
#[derive(Clone, Copy)]
enum Word {
    /// On stdout, and the guest succeeds.
    OfSuccess,
    /// On stderr: its usage, as it misses its argument.
    OfMiss,
}

/// Measures a command that has run before, so that whatever it keeps is kept.
fn series_of(who: &'static str, runs: u32, command: impl Fn() -> Command, word: Word) -> Result<Series> {
    first_word(command(), word)?;
    first_word(command(), word)?;
    Ok(Series::new(who, Unit::Milliseconds, (0..runs).map(|_| first_word(command(), word)).collect::<Result<_>>()?))
}

fn in_wasmtime(account: &Account, wasmtime: &Path, module: &Path) -> Command {
    let mut command = account.command(wasmtime);
    command.args(["run", "-W", "unknown-imports-trap=y", "-C", "cache=y"]).arg(module);
    command
}

fn first_word(mut command: Command, word: Word) -> Result<f64> {
    let (mut words, writer) = pipe()?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match word {
        Word::OfSuccess => command.stdout(writer),
        Word::OfMiss => command.stderr(writer),
    };
    let start = Instant::now();
    let mut process = command.spawn()?;
    // It holds an end of the pipe too.
    drop(command);
    let mut text = vec![0];
    words.read_exact(&mut text)?;
    let took = start.elapsed();
    words.read_to_end(&mut text)?;
    let status = process.wait()?;
    let text = String::from_utf8_lossy(&text);
    match word {
        Word::OfSuccess => ensure!(status.success(), "the guest did not succeed, {status}:\n{text}"),
        Word::OfMiss => ensure!(text.contains("usage: n-containers"), "the guest did not miss its argument:\n{text}"),
    }
    Ok(milliseconds(took))
}
