//! Measures what needs a kernel: orchestrator beside `ip -batch`, and beside the least that the kernel takes.
//!
//! ```text
//! cargo build --release --workspace && sudo target/release/bench --user 1000
//! ```
//!
//! docs/PERFORMANCE.md says what is measured and has the last table.

mod account;
mod arguments;
mod contenders;
mod findings;
mod floor;
mod machine;
mod output;
mod rows;
mod sample;
mod stage;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use arguments::{Action, Arguments};
use findings::Findings;
use machine::Machine;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(Action::Floor { containers }) = arguments.action {
        floor::build(containers)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(status) = stage::enter()? {
        return Ok(status);
    }
    let accounts = arguments.accounts()?;
    let plan = arguments.plan()?;
    let mut findings = Findings::new(Machine::look()?, arguments.runs);
    let mut status = ExitCode::SUCCESS;
    for account in &accounts {
        for group in arguments.groups() {
            // What failed has no rows; the others may be worth an hour's measuring.
            if let Err(error) = group.measure(account, &plan, &mut findings) {
                eprintln!("error: {error:#}");
                status = ExitCode::FAILURE;
            }
        }
    }
    print!("{}", output::table(&findings));
    if let Some(file) = &arguments.json {
        output::write_json(file, &findings)?;
    }
    if let Some(file) = &arguments.report {
        output::write_report(file, &findings)?;
    }
    if let Some(file) = &arguments.plot {
        output::write_plot(file, &findings)?;
    }
    Ok(status)
}
