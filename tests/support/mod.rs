//! A machine of its own for every kernel test, and what a test says about it.
//!
//! A test binary is a file `tests/AREA.rs` with `mod support;` at its root. Most tests are written with
//! [`kernel_test`], which runs them twice, for a lab of root and for a lab of an ordinary user, and finds the machine
//! empty at the end:
//!
//! ```ignore
//! mod support;
//! use support::kernel_test;
//!
//! kernel_test!(run_with_rm_leaves_no_lab, |m| {
//!     m.orchestrator(&["run", "--rm", "two-containers"]).success();
//!     let labs = m.orchestrator(&["list", "--json"]).success().json();
//!     assert_eq!(labs, serde_json::json!([]));
//! });
//! ```
//!
//! A machine is a set of namespaces: its own network, mounts, processes, host name and IPC. What a test needs and
//! cannot have (user namespaces, `ip`) makes it fail with the reason; nothing passes because it was not tried.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "each test binary compiles this module and uses a part of it"
)]

mod cache;
mod command;
mod complaint;
mod confined;
mod deadline;
mod empty;
mod enter;
mod halts;
mod holder;
mod inhabit;
mod kind;
mod labs;
mod machine;
mod outcome;
mod output;
mod portrait;
mod process;
mod program;
mod pty;
mod running;
mod tester;
mod view;
mod witness;

pub(crate) use command::Command;
pub(crate) use confined::{confined, crowded, forbidden, mounted, with_files};
pub(crate) use deadline::poll_until;
pub(crate) use empty::Snapshot;
pub(crate) use halts::{Halt, Halts, Heard, kill_all};
pub(crate) use kind::Kind;
pub(crate) use labs::{EMPTY_WAT, EXAMPLES, slow_wat};
pub(crate) use machine::{GUEST_CALLS, Machine};
pub(crate) use outcome::Outcome;
pub(crate) use portrait::Portrait;
pub(crate) use pty::Terminal;
pub(crate) use running::Running;
pub(crate) use view::{LabView, link_local};

/// Runs `test` on a fresh machine whose labs belong to `kind`, and finds the machine empty afterwards.
#[track_caller]
pub(crate) fn on_machine(kind: Kind, test: impl FnOnce(&Machine)) {
    let machine = Machine::new(kind);
    test(&machine);
    machine.finish();
}

/// Runs `test` likewise on a machine whose `orchestrator` is the build with faults.
#[track_caller]
pub(crate) fn on_faulty_machine(kind: Kind, test: impl FnOnce(&Machine)) {
    let machine = Machine::faulty(kind);
    test(&machine);
    machine.finish();
}

/// Declares the tests `NAME::as_root` and `NAME::as_user`: one closure, two machines.
///
/// A test that makes sense for one of the two only is a plain `#[test]` that calls [`on_machine`].
macro_rules! kernel_test {
    ($(#[$attribute:meta])* $name:ident, $test:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "a short test may need nothing of its file")]
            use super::*;

            const TEST: fn(&$crate::support::Machine) = $test;

            $(#[$attribute])*
            #[test]
            fn as_root() {
                $crate::support::on_machine($crate::support::Kind::Root, TEST);
            }

            $(#[$attribute])*
            #[test]
            fn as_user() {
                $crate::support::on_machine($crate::support::Kind::User, TEST);
            }
        }
    };
}
pub(crate) use kernel_test;
