//! `orchestrator` with faults, for the tests alone: the host's own modules but for one, `fault`, which lets a test halt the program
//! at each point that it passes.
//!
//! It is an example of the host's package, since `cargo test` builds those. A feature would be in the program itself whenever
//! cargo builds that for a test, and a test that called cargo could not be run by another user.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_imports,
    reason = "the modules are a library's, of which this uses a part"
)]

#[macro_use]
#[path = "../../host/src/stderr.rs"]
mod stderr;

#[path = "../../host/src/agent/mod.rs"]
mod agent;
#[path = "../../host/src/cache/mod.rs"]
mod cache;
#[path = "../../host/src/cli/mod.rs"]
mod cli;
#[path = "../../host/src/doctor/mod.rs"]
mod doctor;
mod fault;
#[path = "../../host/src/kernel/mod.rs"]
mod kernel;
#[path = "../../host/src/lab/mod.rs"]
mod lab;
#[path = "../../host/src/module/mod.rs"]
mod module;
#[path = "../../host/src/own/mod.rs"]
mod own;
#[path = "../../host/src/plan/mod.rs"]
mod plan;
#[path = "../../host/src/project/mod.rs"]
mod project;
#[path = "../../host/src/protocol/mod.rs"]
mod protocol;
#[path = "../../host/src/registry/mod.rs"]
mod registry;
#[path = "../../host/src/render/mod.rs"]
mod render;
#[path = "../../host/src/sandbox/mod.rs"]
mod sandbox;
#[path = "../../host/src/script/mod.rs"]
mod script;
#[path = "../../host/src/topology/mod.rs"]
mod topology;
mod tries;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
