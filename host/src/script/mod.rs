//! The script: a scenario's module, run in a sandbox, and the interfaces that it draws with.
//!
//! One file per WIT interface holds its functions. They check each call against the topology at once and apply nothing, but
//! for `lab.apply` and the looks of `probe`. What is applied, and who answers the looks, is behind [`Backend`].

mod address;
mod backend;
mod bindings;
mod bridge;
mod clock;
mod compile;
mod describe;
mod drawing;
mod drive;
mod engine;
mod errors;
mod files;
mod grants;
mod lab;
mod limits;
mod link;
mod load;
mod look;
mod netns;
mod output;
mod parse;
mod probe;
mod rehearsal;
mod route;
mod run;
mod veth;

pub use backend::Backend;
pub use compile::{CompileError, CoreKind, compile, engine_digest, interfaces, survey};
pub use describe::{DescribeError, describe};
pub use engine::engine;
pub use grants::{GrantError, Granted, Grants};
pub use limits::{LimitReached, RunLimits};
pub use load::{Identity, LoadError, Module, Native, Prepared};
pub use look::{Look, Seen};
pub use rehearsal::Rehearsal;
pub use run::{End, Order, Report, Stage, run};
pub use wasmtime::Engine;

/// What fuzzers reach of this room, and nobody else.
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz {
    pub(crate) use super::parse::{address, cidr, destination, link_name, netns_name, quote};
}
