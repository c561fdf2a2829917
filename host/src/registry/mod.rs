//! Modules as OCI artifacts: what one is called, what its manifest says, the registries that have it, and this user's own store.
//!
//! A process that has talked to a registry runs no guest: it has had the user's credentials in its memory, and a stranger's answers.

mod access;
mod artifact;
mod bound;
mod credentials;
mod error;
mod guard;
mod reference;
mod remote;
mod store;

pub use access::Access;
pub use artifact::{Artifact, Label, NoArtifact, Package};
pub use credentials::NoCredentials;
pub use error::RemoteError;
pub use reference::{NoReference, Reference};
pub use remote::Remote;
pub use store::{Draft, Lost, Store, StoreError, Stored, place};

/// Characters of what a registry says in its own words.
const LONGEST: usize = 200;

/// Returns no more of a stranger's words than fit into a message.
fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
