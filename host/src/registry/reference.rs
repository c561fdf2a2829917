//! REF: what a module in a registry is called.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use thiserror::Error;

use crate::module::{Digest, NoDigest};

/// The name of a module: registry, repository, and a tag or the digest of its manifest, as docker(1) and `wkg` write it
/// (distribution-spec, "Pulling manifests"). Without either the tag is `latest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    parsed: oci_client::Reference,
    digest: Option<Digest>,
}

/// A host has at most 253 bytes, a repository 255, a tag 128 (distribution-spec, "Pulling manifests"), and a digest 71.
const LONGEST: usize = 1024;

/// What was given names no module.
#[derive(Debug, Error)]
#[error("`{reference}` names no module in a registry: {why}")]
pub struct NoReference {
    /// What was given.
    reference: String,
    /// What is wrong with it.
    why: String,
}

impl Reference {
    /// Tells whether words are meant to name a module in a registry, and no file: their first component is a host's name.
    pub fn is_meant(words: &str) -> bool {
        let Some((host, _)) = words.split_once('/') else { return false };
        !host.starts_with('.') && (host.contains(['.', ':']) || host == "localhost")
    }

    /// Returns the registry, with its port if it was given.
    pub fn registry(&self) -> &str {
        self.parsed.resolve_registry()
    }

    /// Tells whether the registry is on this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.registry();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        host == "localhost" || host.parse().is_ok_and(|address: std::net::Ipv4Addr| address.is_loopback())
    }

    /// Returns the digest, if it is called by one.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Returns the same module, called by its digest alone.
    pub fn at(&self, digest: Digest) -> Self {
        Self { parsed: self.parsed.clone_with_digest(digest.to_string()), digest: Some(digest) }
    }

    /// Returns what it would be called as a file: the last component of its repository.
    pub fn file_name(&self) -> &Path {
        Path::new(self.parsed.repository().rsplit('/').next().unwrap_or_default())
    }

    /// Tells whether two are of one repository.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        let place = |one: &Self| (one.registry().to_owned(), one.parsed.repository().to_owned());
        place(self) == place(other)
    }

    pub(super) fn parsed(&self) -> &oci_client::Reference {
        &self.parsed
    }
}

impl FromStr for Reference {
    type Err = NoReference;

    fn from_str(text: &str) -> Result<Self, NoReference> {
        let wrong = |why: String| NoReference { reference: super::short(text), why };
        if text.len() > LONGEST {
            return Err(wrong(format!("it is longer than {LONGEST} bytes")));
        }
        if !Self::is_meant(text) {
            return Err(wrong(
                "it does not begin with the name of a registry, as in `registry.example.org/name:1`".into(),
            ));
        }
        let (host, rest) = text.split_once('/').unwrap_or_default();
        if host.starts_with('[') {
            return Err(wrong("an IPv6 address is not understood there; a name that leads to it is".into()));
        }
        if host.split_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_err()) {
            return Err(wrong("a port is a number up to 65535".into()));
        }
        let (path, behind) = rest.split_at(rest.find([':', '@']).unwrap_or(rest.len()));
        if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(wrong("repositories are written in lower case".into()));
        }
        if behind == ":" {
            return Err(wrong("there is no tag behind its `:`".into()));
        }
        if let Some((_, digest)) = behind.split_once('@') {
            digest.parse::<Digest>().map_err(|error| wrong(error.to_string()))?;
        }
        // The names of hosts are (RFC 4343), those of repositories are not.
        let text = format!("{}/{rest}", host.to_ascii_lowercase());
        let parsed: oci_client::Reference =
            text.parse().map_err(|error: oci_client::ParseError| wrong(error.to_string()))?;
        let digest = parsed.digest().map(str::parse).transpose();
        let digest: Option<Digest> = digest.map_err(|error: NoDigest| wrong(error.to_string()))?;
        // A digest says more than a tag beside it.
        let parsed = digest.map_or(parsed.clone(), |digest| parsed.clone_with_digest(digest.to_string()));
        Ok(Self { parsed, digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parsed.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn words_whose_first_component_is_a_host_are_meant_as_a_reference() {
        for words in ["registry.example.org/someone/leaf-spine:1", "localhost/x", "127.0.0.1:5000/x", "host:5000/a/b"] {
            assert!(Reference::is_meant(words), "{words}");
        }
        for words in ["two-containers", "x.wasm", "target/x.wasm", "./a.b/x.wasm", "../x", "/a.b/x", "", "a/b.c/d"] {
            assert!(!Reference::is_meant(words), "{words}");
        }
    }

    #[test]
    fn reference_is_written_in_full() {
        let parse = |text: &str| text.parse::<Reference>().map(|reference| reference.to_string()).ok();
        assert_eq!(parse("localhost:5000/a/b").as_deref(), Some("localhost:5000/a/b:latest"));
        assert_eq!(parse("r.example.org/a:1").as_deref(), Some("r.example.org/a:1"));
        let by_digest = format!("r.example.org/a@{DIGEST}");
        assert_eq!(parse(&format!("r.example.org/a:1@{DIGEST}")).as_ref(), Some(&by_digest));
        assert_eq!(parse(&by_digest), Some(by_digest));
        assert_eq!(parse("R.Example.org/a:B").as_deref(), Some("r.example.org/a:B"));
        for wrong in ["r.example.org/A", "r.example.org/", "r.example.org/a:", "r.example.org/a@sha256:1", "a/b"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        for (wrong, why) in [
            ("r.example.org/a/B:c", "repositories are written in lower case"),
            ("r.example.org/a:", "there is no tag behind its `:`"),
            ("r.example.org/a:1@sha256:12", "a digest is `sha256:` and 64 "),
            (&*format!("r.example.org/{}", "a".repeat(5000)), "it is longer than 1024 bytes"),
        ] {
            let error = wrong.parse::<Reference>().unwrap_err().to_string();
            assert!(error.contains(why) && error.len() < 600, "{error}");
        }
        assert_eq!(parse("host:99999/a"), None);
        assert_eq!(parse("[::1]:5000/a"), None);
        let long = format!("r.example.org/a@sha512:{}", "0".repeat(128));
        assert!(long.parse::<Reference>().unwrap_err().to_string().contains("a digest is `sha256:`"));
    }

    #[test]
    fn registries_of_this_machine_are_told() {
        let is_loopback = |text: &str| text.parse::<Reference>().unwrap().is_loopback();
        assert!(is_loopback("127.0.0.1:5000/a") && is_loopback("localhost/a") && is_loopback("127.9.9.9/a"));
        assert!(!is_loopback("10.0.0.1:5000/a") && !is_loopback("localhost.example.org/a"));
    }

    #[test]
    fn repositories_are_told_apart() {
        let parse = |text: &str| text.parse::<Reference>().unwrap();
        let one = parse("r.example.org/a/b:1");
        assert!(one.is_beside(&parse(&format!("R.example.org/a/b@{DIGEST}"))));
        assert!(!one.is_beside(&parse("r.example.org/a/c:1")) && !one.is_beside(&parse("r.example.org:5000/a/b:1")));
    }

    #[test]
    fn file_name_is_the_last_component() {
        let reference: Reference = "r.example.org/someone/leaf-spine:1".parse().unwrap();
        assert_eq!(reference.file_name(), Path::new("leaf-spine"));
    }
}
