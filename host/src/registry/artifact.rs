//! A module as an artifact: the CNCF's "Wasm OCI Artifact layout", which has one layer, the module, and a config that says what it
//! imports and exports. `wkg` reads and writes the same.

use std::collections::BTreeMap;

use oci_client::manifest::{OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::short;
use crate::module::{Digest, Survey};

/// The media type of the config.
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// The media type of the layer.
const LAYER: &str = "application/wasm";
/// What Docker calls an index.
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

const DESCRIPTION: &str = "org.opencontainers.image.description";
const SOURCE: &str = "org.opencontainers.image.source";
const LICENSES: &str = "org.opencontainers.image.licenses";
/// Ours: the version of the package `orchestrator:net` that the module was built against.
const WIT: &str = "orchestrator.net.version";

/// What people want to know of a module before they have it. It is what whoever has pushed it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// What it draws.
    pub description: Option<String>,
    /// Where its source is: a URL.
    pub source: Option<String>,
    /// Its licences: an SPDX expression.
    pub licenses: Option<String>,
    /// The version of our package that it was built against.
    pub wit: Option<String>,
}

/// What a manifest says of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The SHA-256 of the module.
    pub layer: Digest,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of the config.
    pub config: Digest,
    /// The size of the config in bytes.
    pub config_bytes: u64,
    /// What it is said to be.
    pub label: Label,
}

/// Why a manifest is not one of a module.
#[derive(Debug, Error)]
pub enum NoArtifact {
    /// It is no JSON, or lacks what a manifest has.
    #[error("its manifest can't be read")]
    Broken(#[source] serde_json::Error),
    /// It leads to several.
    #[error("it is an index of {0} manifests, as images for several platforms are; a module is one for all")]
    Index(usize),
    /// It is an image, say.
    #[error("it is no WebAssembly module: its config is of the type `{0}`")]
    Other(String),
    /// It has more than the module, or nothing.
    #[error("it has {0} layers, and a module is one")]
    Layers(usize),
    /// Its layer is something else.
    #[error("its layer is of the type `{0}`, and that of a module is `{LAYER}`")]
    Layer(String),
    /// Its parts are named by another kind of digest, or have no size.
    #[error("its manifest names `{0}`, which is no part of a module")]
    Part(String),
}

impl Artifact {
    /// Reads a manifest.
    pub fn read(manifest: &[u8]) -> Result<Self, NoArtifact> {
        let value: Value = serde_json::from_slice(manifest).map_err(NoArtifact::Broken)?;
        let kind = value["mediaType"].as_str().unwrap_or_default();
        if let Some(manifests) = value["manifests"].as_array()
            && (value["layers"].is_null() || [OCI_IMAGE_INDEX_MEDIA_TYPE, DOCKER_INDEX].contains(&kind))
        {
            return Err(NoArtifact::Index(manifests.len()));
        }
        let OciImageManifest { config, layers, annotations, .. } =
            serde_json::from_value(value).map_err(NoArtifact::Broken)?;
        if config.media_type != CONFIG {
            return Err(NoArtifact::Other(short(&config.media_type)));
        }
        let [layer] = &layers[..] else { return Err(NoArtifact::Layers(layers.len())) };
        if layer.media_type != LAYER {
            return Err(NoArtifact::Layer(short(&layer.media_type)));
        }
        let ((layer, bytes), (config, config_bytes)) = (part(layer)?, part(&config)?);
        let mut annotations = annotations.unwrap_or_default();
        let label = Label {
            description: annotations.remove(DESCRIPTION),
            source: annotations.remove(SOURCE),
            licenses: annotations.remove(LICENSES),
            wit: annotations.remove(WIT),
        };
        Ok(Self { layer, bytes, config, config_bytes, label })
    }
}

fn part(descriptor: &OciDescriptor) -> Result<(Digest, u64), NoArtifact> {
    let digest = descriptor.digest.parse().ok();
    digest.zip(u64::try_from(descriptor.size).ok()).ok_or_else(|| NoArtifact::Part(short(&descriptor.digest)))
}

/// The config, as far as it is read: what the module imports, as its publisher says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    created: String,
    architecture: String,
    os: String,
    layer_digests: Vec<String>,
    component: Option<Component>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Component {
    exports: Vec<String>,
    imports: Vec<String>,
}

/// Reads from a config what the module imports. A core module says nothing of it.
pub(super) fn imports(config: &[u8]) -> Option<Vec<String>> {
    serde_json::from_slice::<Config>(config).ok()?.component.map(|component| component.imports)
}

/// All that is pushed.
#[derive(Debug)]
pub struct Package {
    /// The module.
    pub(super) layer: Vec<u8>,
    pub(super) config: Vec<u8>,
    pub(super) manifest: Vec<u8>,
}

impl Package {
    /// Makes an artifact of a module. `created` is a time as RFC 3339 has it.
    pub fn of(module: Vec<u8>, survey: &Survey, label: Label, created: String) -> serde_json::Result<Self> {
        let layer = descriptor(LAYER, &module);
        let component = Component {
            exports: survey.exports.clone(),
            imports: survey.imports.iter().map(crate::module::Import::in_full).collect(),
        };
        let config = serde_json::to_vec(&Config {
            created,
            architecture: "wasm".into(),
            // A core module is what GOOS calls that.
            os: if survey.is_core { "wasip1" } else { "wasip2" }.into(),
            layer_digests: vec![layer.digest.clone()],
            component: (!survey.is_core).then_some(component),
        })?;
        let Label { description, source, licenses, wit } = label;
        let annotations = [(DESCRIPTION, description), (SOURCE, source), (LICENSES, licenses), (WIT, wit)];
        let annotations: BTreeMap<String, String> =
            annotations.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        let manifest = serde_json::to_vec(&OciImageManifest {
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.into()),
            config: descriptor(CONFIG, &config),
            layers: vec![layer],
            annotations: (!annotations.is_empty()).then_some(annotations),
            ..OciImageManifest::default()
        })?;
        Ok(Self { layer: module, config, manifest })
    }

    /// Returns the digest by which the module can be pulled.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.manifest)
    }
}

fn descriptor(media_type: &str, bytes: &[u8]) -> OciDescriptor {
    OciDescriptor {
        media_type: media_type.into(),
        digest: Digest::of(bytes).to_string(),
        size: bytes.len().try_into().unwrap_or(i64::MAX),
        ..OciDescriptor::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn survey() -> Survey {
        Survey {
            is_core: false,
            imports: Vec::new(),
            exports: vec!["wasi:cli/run@0.2.0".into()],
            language: None,
            made_by: Vec::new(),
        }
    }

    fn package() -> Package {
        let label = Label { description: Some("draws".into()), wit: Some("0.1.0".into()), ..Label::default() };
        Package::of(b"module".to_vec(), &survey(), label, "2026-11-28T00:00:00Z".into()).unwrap()
    }

    fn changed(change: impl FnOnce(&mut Value)) -> Result<Artifact, NoArtifact> {
        let mut manifest: Value = serde_json::from_slice(&package().manifest).unwrap();
        change(&mut manifest);
        Artifact::read(manifest.to_string().as_bytes())
    }

    #[test]
    fn what_is_packed_is_read_back() {
        let package = package();
        let artifact = Artifact::read(&package.manifest).unwrap();
        assert_eq!((artifact.layer, artifact.bytes), (Digest::of(b"module"), 6));
        assert_eq!(
            (artifact.config, artifact.config_bytes),
            (Digest::of(&package.config), package.config.len() as u64)
        );
        assert_eq!(artifact.label.description.as_deref(), Some("draws"));
        assert_eq!((artifact.label.wit.as_deref(), artifact.label.source), (Some("0.1.0"), None));
        assert_eq!(imports(&package.config), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_module_is_said() {
        let said = |change: fn(&mut Value)| changed(change).unwrap_err().to_string();
        let image =
            said(|manifest| manifest["config"]["mediaType"] = "application/vnd.oci.image.config.v1+json".into());
        assert!(image.contains("it is no WebAssembly module: its config is of the type `application/vnd.oci.image"));
        let two = said(|manifest| {
            let layer = manifest["layers"][0].clone();
            manifest["layers"].as_array_mut().unwrap().push(layer);
        });
        assert_eq!(two, "it has 2 layers, and a module is one");
        assert_eq!(said(|manifest| manifest["layers"] = json!([])), "it has 0 layers, and a module is one");
        assert!(said(|manifest| manifest["layers"][0]["mediaType"] = "text/plain".into()).contains("`text/plain`"));
        assert!(said(|manifest| manifest["layers"][0]["digest"] = "sha256:../../x".into()).contains("no part"));
        assert!(said(|manifest| manifest["layers"][0]["size"] = (-1).into()).contains("no part"));
        assert!(said(|manifest| *manifest = json!({"manifests": [{}, {}]})).contains("an index of 2 manifests"));
        assert!(matches!(Artifact::read(b"{"), Err(NoArtifact::Broken(_))));
        assert!(matches!(Artifact::read(b"{}"), Err(NoArtifact::Broken(_))));
    }
}
