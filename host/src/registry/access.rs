//! How a registry is reached: by TLS, whose certificates somebody vouches for, or in plain text.

use std::env;
use std::time::Duration;

use oci_client::Client;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};

/// A registry that does not take a connection for so long is not there.
const CONNECT: Duration = Duration::from_secs(10);
/// One that says nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(30);

/// What the user says of a registry.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// It is to be asked in plain text.
    pub plain_http: bool,
    /// Who vouches for it beside those whom the system trusts: certificates, as PEM.
    pub authority: Option<Vec<u8>>,
}

impl Access {
    /// Makes a client that speaks TLS or not.
    pub(super) fn client(&self, plain: bool) -> Client {
        // Whoever was first has installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authority = |pem: &Vec<u8>| Certificate { encoding: CertificateEncoding::Pem, data: pem.clone() };
        let variable = |name: &str| env::var(name).or_else(|_| env::var(name.to_lowercase())).ok();
        Client::new(ClientConfig {
            protocol: if plain { ClientProtocol::Http } else { ClientProtocol::Https },
            extra_root_certificates: self.authority.iter().map(authority).collect(),
            // A module is for every platform.
            platform_resolver: None,
            connect_timeout: Some(CONNECT),
            read_timeout: Some(SILENCE),
            user_agent: concat!("orchestrator/", env!("CARGO_PKG_VERSION")),
            https_proxy: variable("HTTPS_PROXY"),
            no_proxy: variable("NO_PROXY"),
            ..ClientConfig::default()
        })
    }
}
