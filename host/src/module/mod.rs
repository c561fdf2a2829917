//! Modules as files: what kind one is, what it imports, and how a core module, or a scenario with its libraries, becomes a component.
//! Nothing here runs one.
//!
//! What comes in is a stranger's, so who calls this has given up what it had.

mod bundle;
mod component;
mod compose;
mod core;
mod debug;
mod description;
mod digest;
mod go;
mod imports;
mod interfaces;
mod kind;
mod power;
mod stamp;
mod survey;
pub mod wit;

pub use bundle::{Part, bundle, is_bundle};
pub use component::{ModuleError, component};
pub use compose::ComposeError;
pub use core::{CoreError, recipe};
pub use debug::without_debug_info;
pub use description::{Argument, Description, DescriptionError, Position, Presence, ValueType};
pub use digest::{Digest, NoDigest, hex, parse_hex};
pub use interfaces::{InterfacesError, interfaces};
pub use kind::{Binary, KindError, binary};
pub use power::{Power, is_everything};
pub use stamp::{is_stamped, stamped};
pub use survey::{Import, Survey, SurveyError};
