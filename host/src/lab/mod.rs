//! Labs as commands see them: where they are, how they begin, what can be asked of them, how they end.

mod client;
mod dropping;
mod end;
mod error;
mod exec;
mod hold;
mod ids;
mod inside;
mod interrupt;
mod name;
mod processes;
mod roots;
mod spawn;
mod start;
mod sweep;
mod unable;

pub use client::{Client, connect};
pub use end::end;
pub use error::{Error, is_short_of_files};
pub use exec::{Ended, exec};
pub use hold::Hold;
pub use ids::{Lack, SubordinateIds};
pub use interrupt::{ending_signals, signals_are_waited_for, signals_end_this_again};
pub use name::LabName;
pub use processes::Namespaces;
pub use roots::{Lab, find, find_own, list, list_own, place};
pub use start::{Order, Started, start};
pub use sweep::sweep;
pub use unable::hint;

use self::roots::Root;
use caps::{CapSet, Capability, has_cap};

/// Tells whether this process can make namespaces without a user namespace of its own. What counts is not uid 0.
pub fn is_privileged() -> bool {
    missing_privileges().is_empty()
}

/// Lists the capabilities that it lacks for that.
fn missing_privileges() -> Vec<Capability> {
    let needed = [Capability::CAP_SYS_ADMIN, Capability::CAP_NET_ADMIN];
    needed.into_iter().filter(|needed| !has_cap(None, CapSet::Effective, *needed).unwrap_or(false)).collect()
}

/// What fuzzers reach of this room, and nobody else.
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz {
    pub(crate) use super::ids::extents_of as extents;
}
