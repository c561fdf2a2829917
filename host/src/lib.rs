//! Builds Linux networks that sandboxed WebAssembly scenarios draw.
//!
//! A scenario goes this way through the modules: `cli` takes the command, `script` runs the module and checks each call
//! against the `topology`, `plan` turns the difference to what stands into steps, `lab` sends them by `protocol` to the
//! `agent`, which does them with `kernel`. ARCHITECTURE.md says more.

#[macro_use]
mod stderr;

pub mod agent;
pub mod cache;
pub mod cli;
pub mod doctor;
mod fault;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod kernel;
pub mod lab;
pub mod module;
pub mod own;
pub mod plan;
pub mod project;
pub mod protocol;
pub mod registry;
pub mod render;
pub mod sandbox;
pub mod script;
pub mod topology;
