//! What a core module declares: what it takes from outside, and what it gives.

use wasmparser::{BinaryReaderError, Parser, Payload};

/// Custom sections that begin so hold the WIT of what a module declares.
const COMPONENT_TYPE: &str = "component-type";

/// The declarations of a core module.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    /// The functions and whatever else it imports, by module and name.
    pub(super) imports: Vec<(String, String)>,
    /// The names of what it exports.
    pub(super) exports: Vec<String>,
    /// It says by WIT what they mean.
    pub(super) has_wit: bool,
}

impl Declarations {
    pub(super) fn of(module: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut declarations = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        declarations.imports.push((import.module.to_owned(), import.name.to_owned()));
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        declarations.exports.push(export?.name.to_owned());
                    }
                }
                Payload::CustomSection(section) => {
                    declarations.has_wit |= section.name().starts_with(COMPONENT_TYPE);
                }
                _ => {}
            }
        }
        Ok(declarations)
    }
}
