//! What commands print: tables for people, JSON for programs.

mod account;
mod cache;
mod described;
mod difference;
mod doctor;
mod dot;
mod drawing;
mod drift;
mod examples;
mod inspected;
mod list;
mod mermaid;
mod modules;
mod ping;
mod plan;
#[cfg(test)]
mod sample;
mod script;
mod show;
mod table;
mod warnings;

pub use account::{Account, Compiled, account};
pub use cache::{CachedModule, cache_json, cache_table};
pub use difference::{Counts, difference};
pub use doctor::{Finding, doctor_json, doctor_table};
pub use dot::dot;
pub use drift::{drift_json, drift_table};
pub use examples::{ExampleRow, example_json, example_text, examples_json, examples_table};
pub use inspected::{Inspected, inspected_json, inspected_text};
pub use list::{Row, Status, list_json, list_table};
pub use mermaid::mermaid;
pub use modules::{Published, PulledModule, modules_json, modules_table, published_json, published_text};
pub use ping::{Pinged, ping_json, ping_table};
pub use plan::{digest, plan_json, plan_table, topology_json};
pub use script::ip_script;
pub use show::{show_json, show_tables};
pub use warnings::warnings;

/// What fuzzers reach of this room, and nobody else.
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz {
    pub(crate) use super::drawing::link_local;
}
