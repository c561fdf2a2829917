//! Scenarios for `orchestrator` in Rust: the interfaces of `orchestrator:net` as modules, and a little comfort.
//!
//! A scenario is an ordinary program, built for `wasm32-wasip2`:
//!
//! ```no_run
//! use orchestrator_net::{address, expect_reply, netns, veth};
//!
//! fn main() -> orchestrator_net::Result {
//!     let host = netns::host();
//!     let container1 = netns::add("container1")?;
//!
//!     let (veth1, ceth1) = veth::add(&host, "veth1", &container1, "ceth1")?;
//!     veth1.set_up()?;
//!     ceth1.set_up()?;
//!     address::add(&veth1, "172.16.0.1/24")?;
//!     address::add(&ceth1, "172.16.0.2/24")?;
//!
//!     println!("host -> container1: {}", expect_reply(&host, "172.16.0.2")?);
//!     Ok(())
//! }
//! ```
//!
//! Each module is one interface, so its name is the noun of `ip`, and each function names the `ip` command that it is like.
//! A call that is refused returns [`errors::Error`]; `?` turns it into a [`Failure`], which ends the scenario with its
//! message as a readable line. The `expect_*` functions ask the kernel and fail where its answer is another one, so that
//! a scenario proves itself.

mod expect;
mod failure;

#[allow(missing_docs, reason = "WIT documents the items; what wit-bindgen adds of its own it does not")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "orchestrator:net/imports" });
}

pub use bindings::orchestrator::net::{address, bridge, errors, lab, link, netns, probe, route, veth};
pub use expect::{expect_address, expect_no_reply, expect_replies, expect_reply, expect_route, expect_unreachable};
pub use failure::{Failure, Result};
