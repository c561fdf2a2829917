//! A registry, asked for one module: OCI's distribution-spec, as `oci-client` speaks it.

use std::future::Future;
use std::io::Write;
use std::time::Duration;

use futures_util::StreamExt;
use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, RegistryOperation};
use tokio::runtime::{Builder, Runtime};

use super::artifact::{Package, imports};
use super::bound::Bound;
use super::credentials::credentials;
use super::error::is_about_trust;
use super::{Access, Artifact, Reference, RemoteError};
use crate::module::Digest;

/// The largest config that is read.
const CONFIG_LIMIT: u64 = 1 << 20;
/// How often it is shown that something goes on.
const TICK: Duration = Duration::from_millis(100);
/// What is asked for: indexes too, so as to say that they are none.
const MANIFESTS: [&str; 4] = [
    OCI_IMAGE_MEDIA_TYPE,
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// A registry and the module that it is asked for.
pub struct Remote {
    client: Client,
    runtime: Runtime,
    reference: Reference,
    auth: RegistryAuth,
    _bound: Bound,
}

impl Remote {
    /// Prepares to pull a module.
    pub fn to_pull(reference: &Reference, access: &Access) -> Result<Self, RemoteError> {
        Self::open(reference, access, RegistryOperation::Pull)
    }

    /// Prepares to push a module.
    pub fn to_push(reference: &Reference, access: &Access) -> Result<Self, RemoteError> {
        Self::open(reference, access, RegistryOperation::Push)
    }

    /// Finds out how the registry speaks, and says who asks.
    fn open(reference: &Reference, access: &Access, operation: RegistryOperation) -> Result<Self, RemoteError> {
        let auth = credentials(reference.registry())?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(RemoteError::Begin)?;
        let client = access.client(access.plain_http);
        let mut remote = Self { client, runtime, reference: reference.clone(), auth, _bound: Bound::set() };
        let greeted = remote.greet(operation);
        let greeted = match greeted {
            // On this machine nobody listens in. What does not speak TLS says so in many ways.
            Err(told) if reference.is_loopback() && !is_about_trust(&told) => {
                remote.client = access.client(true);
                remote.greet(operation)
            }
            greeted => greeted,
        };
        greeted.map_err(|told| remote.error(told))?;
        Ok(remote)
    }

    fn greet(&self, operation: RegistryOperation) -> oci_client::errors::Result<()> {
        let asked = self.client.auth(self.reference.parsed(), &self.auth, operation);
        self.runtime.block_on(asked).map(drop)
    }

    /// Returns the manifest and its digest.
    pub fn manifest(&self) -> Result<(Vec<u8>, Digest), RemoteError> {
        let (bytes, _) = self.ask(self.client.pull_manifest_raw(self.reference.parsed(), &self.auth, &MANIFESTS))?;
        let digest = Digest::of(&bytes);
        if self.reference.digest().is_some_and(|asked| asked != digest) {
            let registry = self.reference.registry().to_owned();
            return Err(RemoteError::Digest { registry, expected: self.reference.to_string() });
        }
        Ok((bytes.to_vec(), digest))
    }

    /// Returns the config, and what it says that the module imports.
    pub fn config(&self, artifact: &Artifact) -> Result<(Vec<u8>, Option<Vec<String>>), RemoteError> {
        let mut config = Vec::new();
        self.blob(artifact.config, artifact.config_bytes.min(CONFIG_LIMIT), &mut config, |_| ())?;
        let imports = imports(&config);
        Ok((config, imports))
    }

    /// Receives a part of the module and checks that it is the one. `progress` is told how many bytes have come.
    pub fn blob(
        &self,
        digest: Digest,
        bytes: u64,
        into: &mut impl Write,
        mut progress: impl FnMut(u64),
    ) -> Result<(), RemoteError> {
        let registry = || self.reference.registry().to_owned();
        let descriptor = OciDescriptor { digest: digest.to_string(), ..OciDescriptor::default() };
        let mut stream = self.ask(self.client.pull_blob_stream(self.reference.parsed(), &descriptor))?.stream;
        let mut received = 0;
        while let Some(some) = self.runtime.block_on(stream.next()) {
            let some = some.map_err(|error| self.error(error.into()))?;
            received += some.len() as u64;
            if received > bytes {
                return Err(RemoteError::Longer { registry: registry(), digest, bytes });
            }
            into.write_all(&some).map_err(RemoteError::Write)?;
            progress(received);
        }
        if received < bytes {
            return Err(RemoteError::Broken {
                registry: registry(),
                why: format!("after {received} of {bytes} bytes"),
            });
        }
        Ok(())
    }

    /// Sends a module, and gives it the name. `tick` is called while it takes.
    pub fn push(&self, package: &Package, mut tick: impl FnMut()) -> Result<(), RemoteError> {
        let reference = self.reference.parsed();
        for blob in [&package.layer, &package.config] {
            let digest = Digest::of(blob).to_string();
            if self.ask(self.client.blob_exists(reference, &digest)).unwrap_or(false) {
                continue;
            }
            let mut sent = Box::pin(self.client.push_blob(reference, blob.clone(), &digest));
            let done = self.runtime.block_on(async {
                loop {
                    tokio::select! {
                        done = &mut sent => return done,
                        () = tokio::time::sleep(TICK) => tick(),
                    }
                }
            });
            done.map_err(|told| self.error(told))?;
        }
        let kind = OCI_IMAGE_MEDIA_TYPE.parse().expect("it is a legal value of a header");
        self.ask(self.client.push_manifest_raw(reference, package.manifest.clone(), kind)).map(drop)
    }

    fn ask<T>(&self, asked: impl Future<Output = oci_client::errors::Result<T>>) -> Result<T, RemoteError> {
        self.runtime.block_on(asked).map_err(|told| self.error(told))
    }

    fn error(&self, told: oci_client::errors::OciDistributionError) -> RemoteError {
        let user = match &self.auth {
            RegistryAuth::Basic(name, _) => Some(name.as_str()),
            RegistryAuth::Anonymous | RegistryAuth::Bearer(_) => None,
        };
        RemoteError::of(told, &self.reference, user)
    }
}
