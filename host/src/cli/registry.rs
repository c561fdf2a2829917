//! REF: a module in a registry, and what is said of registries on the command line.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;

use super::{Exit, Failure};
use crate::registry::{Access, NoArtifact, NoReference, Reference, RemoteError, Store, StoreError, Stored};

/// What REF is.
const FORM: &str = "REF is REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST";

/// How a registry is reached
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Registry")]
pub(super) struct AccessFlags {
    /// Ask the registry in plain text; without this only one on this machine is, if it does not speak TLS
    #[arg(long)]
    plain_http: bool,
    /// Trust these certificates of an authority (PEM) beside the system's; SSL_CERT_FILE says whom in their place
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl AccessFlags {
    pub(super) fn read(&self) -> Result<Access, Failure> {
        let authority = match &self.ca {
            Some(path) => {
                let pem = std::fs::read(path).map_err(Failure::about("read", path))?;
                if !pem.windows(27).any(|some| some == b"-----BEGIN CERTIFICATE-----") {
                    let path = crate::topology::harmless(&path.to_string_lossy());
                    return Err(Failure::usage(format!("`{path}` holds no certificate")).hint("it is to be PEM"));
                }
                Some(pem)
            }
            None => None,
        };
        Ok(Access { plain_http: self.plain_http, authority })
    }
}

/// Reads REF.
pub(super) fn reference(text: &str) -> Result<Reference, Failure> {
    Ok(text.parse::<Reference>()?)
}

/// Reads MODULE if it is a REF: it is called like one, and there is no such file.
pub(super) fn reference_of(module: &str) -> Option<Result<Reference, Failure>> {
    let is_there = match Path::new(module).symlink_metadata() {
        Ok(_) => true,
        Err(error) => error.kind() != ErrorKind::NotFound && error.kind() != ErrorKind::NotADirectory,
    };
    let read = || reference(module).map_err(|failure| failure.hint(format!("{FORM}; a file is given with `./`")));
    (Reference::is_meant(module) && !is_there).then(read)
}

/// Finds a module in the store, which has it pulled if it is not there.
pub(super) fn stored(reference: &Reference, limit: u64) -> Result<(Stored, File), Failure> {
    let opened = || -> Result<Option<(Stored, File)>, Failure> {
        Ok(Store::find()?.map(|store| store.open_module(reference)).transpose()?.flatten())
    };
    if let Some(found) = opened()? {
        return Ok(found);
    }
    pull(reference, limit)?;
    opened()?.ok_or_else(|| Failure::usage(format!("`{reference}` was removed again")))
}

/// Finds a module in the store.
pub(super) fn kept(reference: &Reference) -> Result<Option<Stored>, Failure> {
    Ok(Store::find()?.map(|store| store.get(reference)).transpose()?.flatten())
}

/// Says what else may have been meant where a file could have been given as well.
pub(super) fn or_a_file(failure: Failure) -> Failure {
    match failure.error.downcast_ref() {
        Some(RemoteError::Unreachable { .. }) if failure.hint.is_none() => {
            failure.hint("if a file was meant: that is given with `./`")
        }
        _ => failure,
    }
}

/// Has a module pulled by a process of its own: this one is to run a guest, and must not have had the credentials of the user.
fn pull(reference: &Reference, limit: u64) -> Result<(), Failure> {
    let itself = Path::new("/proc/self/exe");
    let messages = std::io::stderr();
    let out = std::os::fd::AsFd::as_fd(&messages).try_clone_to_owned().map_err(Failure::about("use", itself))?;
    let status = Command::new(itself)
        .args(["pull", "--or-a-file", "--max-module", &limit.to_string(), "--", &reference.to_string()])
        .stdin(Stdio::null())
        .stdout(out)
        .status()
        .map_err(Failure::about("run", itself))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::said(Exit::Status(code.try_into().unwrap_or(Exit::Failed.status())))),
        None => {
            let why = format!("could not pull `{reference}`: the process that did was ended, {status}");
            Err(Failure { exit: Exit::Failed, ..Failure::usage(why) })
        }
    }
}

impl From<NoReference> for Failure {
    fn from(error: NoReference) -> Self {
        Self { exit: Exit::Usage, error: error.into(), hint: Some(FORM.into()) }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let (exit, hint) = match &error {
            StoreError::Unfit(_) => (Exit::Unable, None),
            StoreError::Io { .. } => (Exit::Failed, None),
            StoreError::Damaged { path, .. } if path.ends_with("index.json") => {
                (Exit::Failed, Some("remove it, and pull the modules again".into()))
            }
            StoreError::Damaged { .. } => (Exit::Failed, Some("`orchestrator pull REF` brings it again".into())),
        };
        Self { exit, error: error.into(), hint }
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        let (exit, hint) = match &error {
            RemoteError::Unreachable { why, .. } if why.contains("speak TLS") => (
                Exit::Failed,
                Some("`--plain-http` asks it in plain text, which everybody on the way can read and change".into()),
            ),
            RemoteError::Certificate { .. } => {
                (Exit::Usage, Some("`--ca FILE` trusts an authority of your own".into()))
            }
            RemoteError::NoTls(_) => (
                Exit::Unable,
                Some(
                    "install the system's certificates, package ca-certificates, or have SSL_CERT_FILE lead to some"
                        .into(),
                ),
            ),
            RemoteError::Anonymous(registry) => (
                Exit::Usage,
                Some(format!(
                    "`docker login {registry}` leaves them where they are looked for, in ~/.docker/config.json or $DOCKER_CONFIG"
                )),
            ),
            RemoteError::Refused { registry, .. } => (
                Exit::Usage,
                Some(format!("`docker login {registry}` renews them, in ~/.docker/config.json or $DOCKER_CONFIG")),
            ),
            RemoteError::Missing(_) | RemoteError::Denied { .. } | RemoteError::Credentials(_) => (Exit::Usage, None),
            RemoteError::NoArtifact(NoArtifact::Broken(_)) => (Exit::Failed, None),
            RemoteError::NoArtifact(_) => {
                (Exit::Usage, Some("`orchestrator push`, or `wkg oci push`, makes an artifact of a module".into()))
            }
            RemoteError::Unreachable { .. }
            | RemoteError::Realm { .. }
            | RemoteError::Broken { .. }
            | RemoteError::Digest { .. }
            | RemoteError::Longer { .. }
            | RemoteError::Answer { .. }
            | RemoteError::Write(_)
            | RemoteError::Begin(_) => (Exit::Failed, None),
        };
        Self { exit, error: error.into(), hint }
    }
}
