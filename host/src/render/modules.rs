//! Modules of registries: those in the store, and what is said of one that is not.

use std::fmt::Write as _;
use std::path::Path;

use bytesize::ByteSize;
use serde_json::{Value, json};

use super::table::table;
use crate::topology::harmless;

/// Characters of a digest that tell it from others.
const SHORT: usize = "sha256:".len() + 12;

/// A module in the store.
pub struct PulledModule {
    /// Its reference.
    pub name: String,
    /// The digest of its manifest.
    pub digest: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was pulled, as RFC 3339 has it.
    pub pulled: String,
}

/// What is said of a module in a registry by whoever has pushed it.
pub struct Published {
    /// Its reference.
    pub name: String,
    /// The digest of its manifest.
    pub digest: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it draws.
    pub description: Option<String>,
    /// Where its source is.
    pub source: Option<String>,
    /// Its licences.
    pub licenses: Option<String>,
    /// The version of our package that it was built against.
    pub wit: Option<String>,
    /// What it imports.
    pub imports: Option<Vec<String>>,
    /// It is in the store.
    pub is_here: bool,
}

/// Lays the modules of the store out.
pub fn modules_table(place: &Path, modules: &[PulledModule]) -> String {
    let count = match modules.len() {
        1 => "1 module".to_owned(),
        count => format!("{count} modules"),
    };
    let summary = format!("{count} in {}\n", place.display());
    if modules.is_empty() {
        return summary;
    }
    let row = |module: &PulledModule| {
        // One that is called by its digest has it in its name.
        let name = module.name.split('@').next().unwrap_or_default();
        let digest = module.digest.get(..SHORT).unwrap_or(&module.digest);
        let size = ByteSize(module.bytes).display().iec().to_string();
        [harmless(name), digest.to_owned(), size, module.pulled.clone()]
    };
    table("", ["MODULE", "DIGEST", "SIZE", "PULLED"], modules.iter().map(row)) + &summary
}

/// Returns the modules of the store as JSON.
pub fn modules_json(place: &Path, modules: &[PulledModule]) -> Value {
    let module = |module: &PulledModule| {
        let PulledModule { name, digest, bytes, pulled } = module;
        json!({ "module": name, "digest": digest, "bytes": bytes, "pulled": pulled })
    };
    json!({ "directory": place, "modules": modules.iter().map(module).collect::<Vec<_>>() })
}

/// Says what a registry says of a module.
pub fn published_text(module: &Published) -> String {
    let size = ByteSize(module.bytes).display().iec();
    let mut text = format!("{}: {size}, {}\n", module.name, module.digest);
    let said = [
        ("description", &module.description),
        ("source", &module.source),
        ("licences", &module.licenses),
        ("built against orchestrator:net", &module.wit),
    ];
    for (what, words) in said {
        if let Some(words) = words {
            let _ = writeln!(text, "{what}: {}", harmless(words));
        }
    }
    if module.is_here {
        return text;
    }
    if let Some(imports) = &module.imports {
        text.push_str("imports, as its publisher says:\n");
        for import in imports {
            let _ = writeln!(text, "  {}", harmless(import));
        }
    }
    text.push_str("\nIt is not in the store; `orchestrator pull` brings it, and tells what it imports and could do.\n");
    text
}

/// Returns it as an object.
pub fn published_json(module: &Published) -> Value {
    json!({
        "reference": module.name,
        "digest": module.digest,
        "bytes": module.bytes,
        "description": module.description.as_deref().map(harmless),
        "source": module.source.as_deref().map(harmless),
        "licenses": module.licenses.as_deref().map(harmless),
        "wit": module.wit.as_deref().map(harmless),
        "imports": module.imports.as_ref().map(|imports| imports.iter().map(|import| harmless(import)).collect::<Vec<_>>()),
        "pulled": module.is_here,
    })
}
