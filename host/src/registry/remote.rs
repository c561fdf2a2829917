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
use super::error::may_be_plain;
use super::guard::guarded;
use super::{Access, Artifact, Reference, RemoteError, short};
use crate::module::Digest;

/// The largest manifest, or config, that is taken.
const TEXT_LIMIT: u64 = 1 << 20;
/// How long a registry may take to answer what is short.
const PATIENCE: Duration = Duration::from_secs(120);
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
    operation: RegistryOperation,
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
        let bound = Bound::set();
        // Whoever was first has installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let registry = || reference.registry().to_owned();
        let runtime = Builder::new_current_thread().enable_all().build().map_err(RemoteError::Begin)?;
        let knock = |plain| guarded(|| runtime.block_on(access.knock(reference, plain))).map_err(RemoteError::NoTls);
        let (plain, realm) = match knock(access.plain_http)? {
            // On this machine nobody listens in.
            Err(error) if reference.is_loopback() && may_be_plain(&error) => (true, knock(true)?),
            answer => (access.plain_http, answer),
        };
        let realm = realm.map_err(|error| RemoteError::of(error.into(), reference, operation, None))?;
        if let Some(realm) = realm.filter(|_| !plain) {
            return Err(RemoteError::Realm { registry: registry(), realm: short(&realm) });
        }
        let auth = credentials(reference.registry())?;
        let client = guarded(|| access.client(reference, plain)).map_err(RemoteError::NoTls)?;
        let client = client.map_err(|told| RemoteError::of(told, reference, operation, None))?;
        let remote = Self { client, runtime, reference: reference.clone(), auth, operation, _bound: bound };
        remote.ask(remote.client.auth(reference.parsed(), &remote.auth, operation))?;
        Ok(remote)
    }

    /// Returns the manifest, its digest, and what it says.
    pub fn manifest(&self) -> Result<(Vec<u8>, Digest, Artifact), RemoteError> {
        let (bytes, _) = self.ask(self.client.pull_manifest_raw(self.reference.parsed(), &self.auth, &MANIFESTS))?;
        let registry = || self.reference.registry().to_owned();
        if bytes.len() as u64 > TEXT_LIMIT {
            return Err(RemoteError::Answer { registry: registry(), why: "its manifest is larger than 1 MiB".into() });
        }
        let digest = Digest::of(&bytes);
        if self.reference.digest().is_some_and(|asked| asked != digest) {
            return Err(RemoteError::Digest { registry: registry(), expected: self.reference.to_string() });
        }
        let artifact = Artifact::read(&bytes)?;
        Ok((bytes.to_vec(), digest, artifact))
    }

    /// Returns the config, and what it says that the module imports.
    pub fn config(&self, artifact: &Artifact) -> Result<(Vec<u8>, Option<Vec<String>>), RemoteError> {
        if artifact.config_bytes > TEXT_LIMIT {
            let registry = self.reference.registry().to_owned();
            return Err(RemoteError::Answer { registry, why: "the module's config is larger than 1 MiB".into() });
        }
        let mut config = Vec::new();
        self.blob(artifact.config, artifact.config_bytes, &mut config, |_| ())?;
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
            let pushing = async {
                loop {
                    tokio::select! {
                        done = &mut sent => return done,
                        () = tokio::time::sleep(TICK) => tick(),
                    }
                }
            };
            let done = guarded(|| self.runtime.block_on(pushing)).map_err(|why| self.panicked(&why))?;
            done.map_err(|told| self.error(told))?;
        }
        let kind = OCI_IMAGE_MEDIA_TYPE.parse().expect("it is a legal value of a header");
        self.ask(self.client.push_manifest_raw(reference, package.manifest.clone(), kind)).map(drop)
    }

    fn ask<T>(&self, asked: impl Future<Output = oci_client::errors::Result<T>>) -> Result<T, RemoteError> {
        let answer = guarded(|| self.runtime.block_on(async { tokio::time::timeout(PATIENCE, asked).await }));
        let answer = answer.map_err(|why| self.panicked(&why))?;
        let registry = || self.reference.registry().to_owned();
        let in_time = answer.map_err(|_| RemoteError::Broken {
            registry: registry(),
            why: "it takes too long for a short answer".into(),
        })?;
        in_time.map_err(|told| self.error(told))
    }

    fn panicked(&self, why: &str) -> RemoteError {
        RemoteError::Answer { registry: self.reference.registry().to_owned(), why: short(why) }
    }

    fn error(&self, told: oci_client::errors::OciDistributionError) -> RemoteError {
        let user = match &self.auth {
            RegistryAuth::Basic(name, _) => Some(name.as_str()),
            RegistryAuth::Anonymous | RegistryAuth::Bearer(_) => None,
        };
        RemoteError::of(told, &self.reference, self.operation, user)
    }
}
