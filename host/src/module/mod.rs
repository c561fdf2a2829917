//! Modules as files: what kind one is, what it imports, and how a core module becomes a component. Nothing here runs one.
//!
//! What comes in is a stranger's, so who calls this has given up what it had.

mod core;
mod debug;
mod digest;
mod go;
mod imports;
mod kind;
mod power;
mod survey;
pub mod wit;

pub use core::{CoreError, adapted, recipe};
pub use debug::without_debug_info;
pub use digest::{Digest, NoDigest, hex, parse_hex};
pub use kind::{Binary, KindError, binary};
pub use power::{Power, is_everything};
pub use survey::{Import, Survey, SurveyError};
