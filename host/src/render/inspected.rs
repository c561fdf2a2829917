//! What a module is, before anybody runs it.

use std::fmt::Write as _;

use bytesize::ByteSize;
use serde_json::{Value, json};

use super::described::{described_json, described_text};
use super::table::table;
use crate::module::{Description, Import, Survey, hex, is_everything, wit};
use crate::topology::harmless;

/// Characters of what a module says of itself.
const LONGEST: usize = 60;
/// Programs that it was made by, and imports that are missing.
const MOST: usize = 12;

/// A module that was looked at.
pub struct Inspected {
    /// What it is called.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub digest: String,
    /// What it says of itself, which is a stranger's.
    pub survey: Survey,
    /// What it says that it draws and takes.
    pub description: Option<Description>,
    /// Why what it says can't be used.
    pub undescribed: Option<String>,
}

impl Inspected {
    /// Puts together what is known of a module. Its digest is a SHA-256.
    pub fn of(name: &str, bytes: u64, digest: [u8; 32], survey: Survey) -> Self {
        Self { name: name.into(), bytes, digest: hex(&digest), survey, description: None, undescribed: None }
    }

    /// Tells whether it is a scenario that has here all that it imports.
    pub fn can_be_run(&self) -> bool {
        self.survey.is_command() && self.missing().is_empty()
    }

    fn kind(&self) -> &'static str {
        if self.survey.is_core { "core module" } else { "component" }
    }

    /// The version of our package that it was built against.
    fn version(&self) -> Option<&str> {
        let ours = self.survey.imports.iter().find(|import| import.interface.starts_with(wit::PACKAGE));
        ours.and_then(|import| import.version.as_deref())
    }

    /// What nobody gives it here.
    fn missing(&self) -> Vec<String> {
        let missing = self.survey.imports.iter().filter(|import| import.power().is_none());
        missing.map(|import| with_version(&import.interface, import)).collect()
    }
}

/// Says it in words, with a table of what it imports.
pub fn inspected_text(module: &Inspected) -> String {
    let Inspected { name, bytes, digest, survey, description, undescribed } = module;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}: a {}, {}, sha256:{digest}",
        harmless(name),
        module.kind(),
        ByteSize(*bytes).display().iec()
    );
    let language = survey.language.as_deref().map_or_else(|| "it does not say".into(), short);
    let _ = writeln!(text, "language: {language}");
    if !survey.made_by.is_empty() {
        let _ = writeln!(text, "made by: {}", some(&survey.made_by));
    }
    if let Some(version) = module.version() {
        let (package, here) = (wit::PACKAGE.trim_end_matches('/'), wit::VERSION);
        let _ = writeln!(text, "built against: {package}@{} (here is {here})", harmless(version));
    }
    let rows = rows(&survey.imports);
    text += &description.as_ref().map(described_text).unwrap_or_default();
    if let Some(why) = undescribed {
        let _ = writeln!(text, "it says nothing that can be used: {}", harmless(why));
    }
    if survey.imports.is_empty() {
        text.push_str("\nIt imports nothing, so all it can do is compute.\n");
    } else if !rows.is_empty() {
        text.push_str("\nThe most that it could do in its lab, and with `--on-host` in the machine's network:\n");
        text += &table("  ", ["IMPORTS", "COULD", "NEEDS"], rows);
    }
    if is_everything(&survey.imports) {
        text.push_str("\nIt imports all there is, as some toolchains do for every module; it need not use it.\n");
    }
    let missing = module.missing();
    if !missing.is_empty() {
        let _ = writeln!(text, "\nIt can't be run here, where there is no {}.", some(&missing));
    } else if !survey.is_command() {
        text.push_str("\nIt can't be run: it exports no `wasi:cli/run`, so it is no scenario.\n");
        if !survey.exports.is_empty() {
            let exports = some(&survey.exports);
            let _ = writeln!(text, "As a library, with `--with`, it gives scenarios {exports}.");
        }
    }
    text
}

/// An interface of ours is a row, and of others all of one package are: what they give goes together.
fn rows(imports: &[Import]) -> Vec<[String; 3]> {
    let mut rows: Vec<[String; 3]> = Vec::new();
    for import in imports {
        // What is not here is named below.
        let Some(power) = import.power() else { continue };
        let package = || import.interface.split('/').next().unwrap_or_default();
        let name = if wit::is_ours(&import.interface) { &import.interface } else { package() };
        let row = [with_version(name, import), power.most.into(), power.grant.unwrap_or_default().into()];
        if rows.last() != Some(&row) {
            rows.push(row);
        }
    }
    rows
}

/// Returns a name with the version that an import asks for.
fn with_version(name: &str, import: &Import) -> String {
    short(&import.called(name))
}

/// Returns a stranger's words, no more than fit into a line.
fn short(words: &str) -> String {
    let cut = words.char_indices().nth(LONGEST).map_or(words.len(), |(end, _)| end);
    let rest = if cut < words.len() { " ..." } else { "" };
    format!("{}{rest}", harmless(&words[..cut]))
}

/// Names no more of them than can be read.
fn some(words: &[String]) -> String {
    let mut some: Vec<String> = words.iter().take(MOST).map(|words| short(words)).collect();
    if words.len() > MOST {
        some.push(format!("{} more", words.len() - MOST));
    }
    some.join(", ")
}

/// Returns it as an object.
pub fn inspected_json(module: &Inspected) -> Value {
    let Inspected { name, bytes, digest, survey, description, undescribed } = module;
    // Those that are here have names that we know.
    let import = |import: &Import| {
        let power = import.power()?;
        Some(json!({
            "interface": import.interface,
            "version": import.version,
            "functions": import.functions,
            "could": power.most,
            "grant": power.grant,
        }))
    };
    json!({
        "module": name,
        "kind": module.kind(),
        "bytes": bytes,
        "digest": format!("sha256:{digest}"),
        "language": survey.language.as_deref().map(short),
        "made_by": survey.made_by.iter().take(MOST).map(|tool| short(tool)).collect::<Vec<_>>(),
        "wit": module.version().map(short),
        "imports": survey.imports.iter().filter_map(import).collect::<Vec<_>>(),
        "imports_everything": is_everything(&survey.imports),
        "missing": module.missing().into_iter().take(MOST).collect::<Vec<_>>(),
        "is_command": survey.is_command(),
        "exports": survey.exports.iter().take(MOST).map(|export| short(export)).collect::<Vec<_>>(),
        "description": description.as_ref().map(described_json),
        "undescribed": undescribed.as_deref().map(harmless),
    })
}
