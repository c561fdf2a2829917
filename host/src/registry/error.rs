//! What a registry can answer, and what becomes of that.

use std::error::Error as _;
use std::io;

use oci_client::RegistryOperation;
use oci_client::errors::{DigestError, OciDistributionError as Told, OciErrorCode};
use thiserror::Error;

use super::{NoArtifact, NoCredentials, Reference, short};
use crate::module::Digest;

/// Why a registry did not do what it was asked.
#[derive(Debug, Error)]
pub enum RemoteError {
    /// Nothing answers there.
    #[error("the registry `{registry}` can't be reached: {why}")]
    Unreachable {
        /// The registry.
        registry: String,
        /// What the kernel or the resolver said.
        why: String,
    },
    /// It can't prove who it is.
    #[error("the registry `{registry}` shows a certificate that nobody vouches for: {why}")]
    Certificate {
        /// The registry.
        registry: String,
        /// What is wrong with it.
        why: String,
    },
    /// It has answered, and no more.
    #[error("the registry `{registry}` broke off: {why}")]
    Broken {
        /// The registry.
        registry: String,
        /// What happened.
        why: String,
    },
    /// There is no such tag, digest or repository.
    #[error("there is no `{0}` in the registry")]
    Missing(String),
    /// It serves nobody whom it does not know.
    #[error("the registry `{0}` wants to know who asks, and there are no credentials for it")]
    Anonymous(String),
    /// The credentials are wrong, or have expired.
    #[error(
        "the registry `{registry}` does not accept the credentials of `{name}`; they are wrong, have expired, or are not for this"
    )]
    Refused {
        /// The registry.
        registry: String,
        /// Whose they are.
        name: String,
    },
    /// It knows who asks.
    #[error("the registry `{registry}` does not allow that: {why}")]
    Denied {
        /// The registry.
        registry: String,
        /// What it says.
        why: String,
    },
    /// It has sent something else.
    #[error("the registry `{registry}` has sent other bytes than those of `{expected}`")]
    Digest {
        /// The registry.
        registry: String,
        /// What was asked for.
        expected: String,
    },
    /// It sends more than it has said.
    #[error("the registry `{registry}` sends more than the {bytes} bytes that the manifest says `{digest}` has")]
    Longer {
        /// The registry.
        registry: String,
        /// What was asked for.
        digest: Digest,
        /// Its size.
        bytes: u64,
    },
    /// It answers, and not as a registry.
    #[error("`{registry}` does not answer as a registry does: {why}")]
    Answer {
        /// The registry.
        registry: String,
        /// What it said.
        why: String,
    },
    /// It sends those with credentials to where everybody could read them.
    #[error("the registry `{registry}` wants credentials in plain text, at `{realm}`")]
    Realm {
        /// The registry.
        registry: String,
        /// Where.
        realm: String,
    },
    /// There are no certificates to trust in, say.
    #[error("TLS can't be set up here: {0}")]
    NoTls(String),
    /// What was received could not be kept.
    #[error("could not write what was received")]
    Write(#[source] io::Error),
    /// There is no way to ask.
    #[error("could not begin to ask a registry")]
    Begin(#[source] io::Error),
    /// Credentials that are there can't be used.
    #[error(transparent)]
    Credentials(#[from] NoCredentials),
    /// What is there is no module.
    #[error(transparent)]
    NoArtifact(#[from] NoArtifact),
}

impl RemoteError {
    /// Puts into our words what the client has said. `user` is whose credentials were shown.
    pub(super) fn of(told: Told, reference: &Reference, operation: RegistryOperation, user: Option<&str>) -> Self {
        let registry = reference.registry().to_owned();
        match told {
            Told::RequestError(error) => Self::of_request(&error, registry),
            // What comes of a stream.
            Told::IoError(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<DigestError>()) {
                Some(_) => Self::Digest { registry, expected: reference.to_string() },
                None => Self::Broken { registry, why: innermost(&error) },
            },
            Told::UnauthorizedError { .. } | Told::AuthenticationFailure(_) | Told::ServerError { code: 401, .. } => {
                Self::unknown(registry, user)
            }
            Told::RegistryError { envelope, .. } => {
                let Some(first) = envelope.errors.into_iter().next() else {
                    return Self::Answer { registry, why: "an error without a word".into() };
                };
                let said = || short(&format!("{:?}: {}", first.code, first.message));
                match first.code {
                    OciErrorCode::Toomanyrequests | OciErrorCode::BlobUnknown | OciErrorCode::ManifestBlobUnknown => {
                        Self::Answer { registry, why: said() }
                    }
                    OciErrorCode::ManifestUnknown | OciErrorCode::NameUnknown | OciErrorCode::NotFound => {
                        Self::Missing(reference.to_string())
                    }
                    OciErrorCode::Unauthorized => Self::unknown(registry, user),
                    _ => Self::Denied { registry, why: said() },
                }
            }
            Told::ServerError { code: code @ (403 | 404), message, .. }
                if operation == RegistryOperation::Push || code == 403 =>
            {
                Self::Denied { registry, why: short(&format!("HTTP status {code}: {message}")) }
            }
            Told::ServerError { code: 404, .. } | Told::ImageManifestNotFoundError(_) => {
                Self::Missing(reference.to_string())
            }
            Told::ServerError { code, message, .. } => {
                let message = message.lines().next().unwrap_or_default();
                Self::Answer { registry, why: short(&format!("HTTP status {code}: {message}")) }
            }
            Told::DigestError(_) => Self::Digest { registry, expected: reference.to_string() },
            other => Self::Answer { registry, why: short(&other.to_string()) },
        }
    }

    fn unknown(registry: String, user: Option<&str>) -> Self {
        match user {
            Some(name) => Self::Refused { registry, name: name.to_owned() },
            None => Self::Anonymous(registry),
        }
    }

    fn of_request(error: &reqwest::Error, registry: String) -> Self {
        match tls_error(error) {
            Some(rustls::Error::InvalidCertificate(_)) => {
                return Self::Certificate { registry, why: innermost(error) };
            }
            Some(rustls::Error::InvalidMessage(_)) => {
                return Self::Unreachable { registry, why: "it does not speak TLS".into() };
            }
            _ => {}
        }
        if error.is_connect() {
            return Self::Unreachable { registry, why: innermost(error) };
        }
        let why = if error.is_timeout() { "it has said nothing for too long".into() } else { innermost(error) };
        Self::Broken { registry, why }
    }
}

/// Tells whether the other side may not have understood TLS: it has answered in another way, or hung up, or said nothing at all.
pub(super) fn may_be_plain(error: &reqwest::Error) -> bool {
    match tls_error(error) {
        Some(tls) => matches!(tls, rustls::Error::InvalidMessage(_)),
        None => error.is_connect() || error.is_timeout(),
    }
}

/// Finds what TLS has said among the causes.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // What is in an error of the system's is not its cause.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = inner.map(|inner| inner as &(dyn std::error::Error + 'static)).or_else(|| error.source());
    }
    None
}

/// Returns the last cause, which says most.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    let text = last.to_string();
    let text = text.split(" (os error ").next().unwrap_or_default();
    let mut letters = text.chars();
    short(&letters.next().map_or_else(String::new, |first| first.to_lowercase().to_string() + letters.as_str()))
}
