//! Parses the command line, does what it asks for, and returns its exit status.

use std::process::ExitCode;

use orchestrator::cli;

fn main() -> ExitCode {
    match cli::execute() {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.report();
            failure.exit.into()
        }
    }
}
