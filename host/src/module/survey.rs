//! What a module is and what it could ask for, told without running it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wasm_metadata::Producers;
use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType, ComponentItem};
use wasmparser::types::TypesRef;
use wasmparser::{BinaryReaderError, Parser, Payload, Validator, WasmFeatures};

use super::component::{ModuleError, Whole, whole};
use super::wit;

/// The custom section in which toolchains leave their names (tool-conventions, ProducersSection.md).
const PRODUCERS: &str = "producers";

/// Why nothing can be told of a module.
#[derive(Debug, Error)]
pub enum SurveyError {
    /// No component can be made of it.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// It can't be read to its end.
    #[error("it is no valid module: {0}")]
    Invalid(String),
}

/// What a module is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Survey {
    /// It is a core module, of which a component is made when it is run.
    pub is_core: bool,
    /// What it imports, in the order of the names.
    pub imports: Vec<Import>,
    /// What it exports, with the versions.
    pub exports: Vec<String>,
    /// The language that it says it was written in, or that its toolchain is for.
    pub language: Option<String>,
    /// The programs that it says it was made by, with their versions.
    pub made_by: Vec<String>,
}

/// An interface that a module imports, or whatever else it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its name without a version.
    pub interface: String,
    /// The version that is asked for, if it has one.
    pub version: Option<String>,
    /// The functions of it that are imported; what is no interface has none.
    pub functions: Option<Vec<String>>,
}

impl Import {
    /// Returns its name with the version that is asked for.
    pub fn in_full(&self) -> String {
        self.called(&self.interface)
    }

    /// Returns another name, of its package say, with the version that is asked for.
    pub fn called(&self, name: &str) -> String {
        let version = self.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
        format!("{name}{version}")
    }
}

impl Survey {
    /// Reads a module. `name` stands for the file in what is said of its text.
    pub fn of(name: &str, bytes: &[u8]) -> Result<Self, SurveyError> {
        let Whole { component, scenario, is_core } = whole(name, bytes)?;
        let made = made(&scenario)?;
        let declared = Declared::of(&component)?;
        Ok(Self {
            is_core,
            imports: declared.imports,
            exports: declared.exports,
            language: language(&made),
            made_by: made.made_by.into_iter().collect(),
        })
    }

    /// Tells whether it says what it is.
    pub fn is_described(&self) -> bool {
        self.exports.iter().any(|export| wit::is_describe(export))
    }

    /// Tells whether it exports what a command does.
    pub fn is_command(&self) -> bool {
        self.exports.iter().any(|export| export.starts_with("wasi:cli/run@0.2."))
    }
}

/// What a component imports and exports itself, and not what is in it.
pub(super) struct Declared {
    pub(super) imports: Vec<Import>,
    pub(super) exports: Vec<String>,
}

impl Declared {
    pub(super) fn of(component: &[u8]) -> Result<Self, SurveyError> {
        let invalid = |error: BinaryReaderError| SurveyError::Invalid(error.to_string());
        let types = Validator::new_with_features(WasmFeatures::all()).validate_all(component).map_err(invalid)?;
        let types = types.as_ref();
        let mut declared = Self { imports: Vec::new(), exports: Vec::new() };
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(component) {
            match payload.map_err(invalid)? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let name = import.map_err(invalid)?.name.name;
                        declared.imports.extend(import_of(name, types));
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        declared.exports.push(export.map_err(invalid)?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        declared.imports.sort_by(|one, other| one.interface.cmp(&other.interface));
        Ok(declared)
    }
}

/// Tells what an import is, unless it is of types alone: these are in the component itself, and nobody has to give them.
fn import_of(name: &str, types: TypesRef<'_>) -> Option<Import> {
    let (interface, version) = match name.split_once('@') {
        Some((interface, version)) => (interface.to_owned(), Some(version.to_owned())),
        None => (name.to_owned(), None),
    };
    let functions = match types.component_item_for_import(name).map(|item| item.ty) {
        Some(ComponentEntityType::Instance(id)) => {
            let exports = &types[id].exports;
            if exports.values().all(is_plain_type) {
                return None;
            }
            let functions = exports.iter().filter(|(_, item)| matches!(item.ty, ComponentEntityType::Func(_)));
            Some(functions.map(|(name, _)| name.clone()).collect())
        }
        Some(ComponentEntityType::Type { .. }) => return None,
        // A function or a module by itself: nothing here is imported so.
        _ => None,
    };
    Some(Import { interface, version, functions })
}

/// A resource is no plain type: somebody has to have made it.
fn is_plain_type(item: &ComponentItem) -> bool {
    match item.ty {
        ComponentEntityType::Type { created, .. } => !matches!(created, ComponentAnyTypeId::Resource(_)),
        _ => false,
    }
}

/// What the custom sections of a module and of those within it say.
#[derive(Default)]
struct Made {
    languages: BTreeSet<String>,
    made_by: BTreeSet<String>,
    interpreted: Option<&'static str>,
}

/// Reads them. What is damaged of them says nothing: they are for people.
fn made(bytes: &[u8]) -> Result<Made, SurveyError> {
    let mut made = Made::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| SurveyError::Invalid(error.to_string()))?;
        let section = match payload {
            Payload::CustomSection(section) if section.name() == PRODUCERS => section,
            Payload::ExportSection(exports) => {
                let names = exports.into_iter().filter_map(|export| Some(export.ok()?.name));
                made.interpreted = made.interpreted.or_else(|| names.into_iter().find_map(interpreted));
                continue;
            }
            _ => continue,
        };
        let Ok(producers) = Producers::from_bytes(section.data(), section.data_offset()) else { continue };
        for (field, values) in producers.iter() {
            for (name, version) in values.iter() {
                // Behind it some have a commit.
                let version = version.split(" (").next().unwrap_or_default();
                let text = if version.is_empty() { name.clone() } else { format!("{name} {version}") };
                if field == "language" {
                    made.languages.insert(text)
                } else {
                    made.made_by.insert(text)
                };
            }
        }
    }
    Ok(made)
}

/// Interpreters by what the linker called them: a module with one was written in another language than it tells.
const INTERPRETERS: [(&str, &str); 2] =
    [("componentize_py_runtime", "Python"), ("componentize_qjs_runtime", "JavaScript")];

fn interpreted(name: &str) -> Option<&'static str> {
    INTERPRETERS.iter().find(|(interpreter, _)| name.contains(interpreter)).map(|(_, language)| *language)
}

fn language(made: &Made) -> Option<String> {
    if let Some(language) = made.interpreted {
        return Some(language.to_owned());
    }
    // Nearly all have a C library with them.
    let is_c =
        |language: &str| language.strip_prefix('C').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let (c, others): (Vec<&str>, Vec<&str>) =
        made.languages.iter().map(String::as_str).partition(|language| is_c(language));
    let named = if others.is_empty() { c } else { others };
    (!named.is_empty()).then(|| named.join(", "))
}
