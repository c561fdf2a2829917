//! The user's credentials for a registry: what `docker login` has left, in Docker's file or with a credential helper.

use std::env;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use docker_credential::{CredentialRetrievalError as Trouble, DockerCredential, get_credential_from_reader};
use oci_client::secrets::RegistryAuth;
use thiserror::Error;

/// Why credentials that may be there can't be used.
#[derive(Debug, Error)]
pub enum NoCredentials {
    /// The file can't be opened.
    #[error("could not open `{}`, where credentials are", .path.display())]
    Closed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file, or what a helper has said, is broken.
    #[error("the credentials for `{registry}` in `{}` can't be used: {why}", .path.display())]
    Broken {
        /// The registry.
        registry: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        why: String,
    },
}

/// Finds the credentials for a registry; without any it is asked as nobody.
pub(super) fn credentials(registry: &str) -> Result<RegistryAuth, NoCredentials> {
    let Some(path) = file() else { return Ok(RegistryAuth::Anonymous) };
    let file = match File::open(&path) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(RegistryAuth::Anonymous),
        Err(source) => return Err(NoCredentials::Closed { path, source }),
    };
    let broken = |why: String| Err(NoCredentials::Broken { registry: registry.into(), path: path.clone(), why });
    // Docker's own registry has its credentials under the name that it had first.
    let server = if registry == "index.docker.io" { "https://index.docker.io/v1/" } else { registry };
    match get_credential_from_reader(file, server) {
        Ok(DockerCredential::UsernamePassword(name, password)) => Ok(RegistryAuth::Basic(name, password)),
        Ok(DockerCredential::IdentityToken(_)) => {
            broken("they are an identity token, and only a name and a password are understood".into())
        }
        Err(Trouble::NoCredentialConfigured) => Ok(RegistryAuth::Anonymous),
        // What helpers say that have none for this registry (docker-credential-helpers, `errCredentialsNotFoundMessage`).
        Err(Trouble::HelperFailure { stdout, .. }) if stdout.contains("credentials not found") => {
            Ok(RegistryAuth::Anonymous)
        }
        Err(Trouble::HelperFailure { helper, stdout, stderr }) => {
            let said = [stdout, stderr].concat().split_whitespace().collect::<Vec<_>>().join(" ");
            broken(format!("`{helper}` failed: {said}"))
        }
        Err(Trouble::HelperCommunicationError) => broken("the credential helper that it names can't be run".into()),
        Err(Trouble::MalformedHelperResponse) => {
            broken("the credential helper that it names says what is no answer".into())
        }
        Err(Trouble::ConfigReadError) => broken("it is not JSON as Docker writes it".into()),
        Err(Trouble::CredentialDecodingError) => {
            broken("`auth` is not the base64 of a name, a colon and a password".into())
        }
        Err(Trouble::CredentialMismatchError) => broken("`auth` says another name or password than beside it".into()),
        Err(other @ Trouble::ConfigNotFound) => broken(other.to_string()),
    }
}

/// Returns where Docker's file is (docker(1), "Configuration files").
fn file() -> Option<PathBuf> {
    let directory = env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let directory = directory.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".docker")));
    directory.map(|directory| directory.join("config.json"))
}
