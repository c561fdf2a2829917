//! Parses the command line, does what it asks for, and returns its exit status.

use std::process::ExitCode;

use clap::Parser;
use orchestrator::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().execute() {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.report();
            failure.exit.into()
        }
    }
}
