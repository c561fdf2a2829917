//! How a registry is reached: by TLS, whose certificates somebody vouches for, or in plain text; and what it says to who knocks.

use std::env;
use std::time::Duration;

use http_auth::ChallengeParser;
use oci_client::Client;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use reqwest::header::WWW_AUTHENTICATE;

use super::Reference;

/// A registry that does not take a connection for so long is not there.
const CONNECT: Duration = Duration::from_secs(10);
/// One that says nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(30);
const USER_AGENT: &str = concat!("orchestrator/", env!("CARGO_PKG_VERSION"));
/// Takes the place of the environment's proxies: nobody is there, and nobody of this machine is asked by it.
const NO_PROXY: (&str, &str) = ("http://127.0.0.1:9", "localhost,127.0.0.0/8");

/// What the user says of a registry.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// It is to be asked in plain text.
    pub plain_http: bool,
    /// Who vouches for it beside those whom the system trusts: certificates, as PEM.
    pub authority: Option<Vec<u8>>,
}

impl Access {
    /// Asks what every registry answers (distribution-spec, "Determining Support"), and nothing of the user's. Returns where it sends
    /// those whom it wants to know, if that is to be asked in plain text.
    pub(super) async fn knock(&self, reference: &Reference, plain: bool) -> reqwest::Result<Option<String>> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .user_agent(USER_AGENT);
        if reference.is_loopback() {
            builder = builder.no_proxy();
        }
        if let Some(pem) = &self.authority {
            builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(pem)?);
        }
        let scheme = if plain { "http" } else { "https" };
        let answer = builder.build()?.get(format!("{scheme}://{}/v2/", reference.registry())).send().await?;
        let challenges = answer.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let realms = challenges.flat_map(|text| ChallengeParser::new(text).flatten()).filter_map(|challenge| {
            let realm = challenge.params.iter().find(|(name, _)| name.eq_ignore_ascii_case("realm"));
            let realm = realm.map(|(_, realm)| realm.to_unescaped());
            realm.filter(|_| challenge.scheme.eq_ignore_ascii_case("bearer"))
        });
        Ok(realms.into_iter().find(|realm| !realm.to_ascii_lowercase().starts_with("https://")))
    }

    /// Makes a client that speaks TLS or not.
    pub(super) fn client(&self, reference: &Reference, plain: bool) -> Result<Client, OciDistributionError> {
        let authority = |pem: &Vec<u8>| Certificate { encoding: CertificateEncoding::Pem, data: pem.clone() };
        let variable = |name: &str| {
            let value = env::var(name).or_else(|_| env::var(name.to_lowercase())).ok();
            value.filter(|value| !value.is_empty())
        };
        let is_here = reference.is_loopback();
        let (proxy, no_proxy) = (|| NO_PROXY.0.to_owned(), || NO_PROXY.1.to_owned());
        Client::try_from(ClientConfig {
            protocol: if plain { ClientProtocol::Http } else { ClientProtocol::Https },
            extra_root_certificates: self.authority.iter().map(authority).collect(),
            // A module is for every platform.
            platform_resolver: None,
            connect_timeout: Some(CONNECT),
            read_timeout: Some(SILENCE),
            user_agent: USER_AGENT,
            https_proxy: if is_here { Some(proxy()) } else { variable("HTTPS_PROXY") },
            http_proxy: if is_here { Some(proxy()) } else { variable("HTTP_PROXY") },
            no_proxy: if is_here { Some(no_proxy()) } else { variable("NO_PROXY") },
            ..ClientConfig::default()
        })
    }
}
