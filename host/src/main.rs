//! Parses the command line, does what it asks for, and returns its exit status.

use std::process::ExitCode;

use orchestrator::cli;

fn main() -> ExitCode {
    cli::main()
}
