//! Parses the command line, does what it asks for, and returns its exit status.

use std::process::ExitCode;

use nix::sys::signal::{SigHandler, Signal, signal};
use orchestrator::cli;

fn main() -> ExitCode {
    // Whoever started this program may have had the signal ignored, and of a child that has ended one would then learn nothing.
    // SAFETY: no handler is set.
    let children = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
    children.expect("there is such a signal");
    cli::main()
}
