//! What a module is, before anybody runs it.

use std::fmt::Write as _;

use bytesize::ByteSize;
use serde_json::{Value, json};

use super::table::table;
use crate::module::{Import, Survey, is_everything, wit};
use crate::topology::harmless;

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
}

impl Inspected {
    fn kind(&self) -> &'static str {
        if self.survey.is_core { "core module" } else { "component" }
    }

    /// The version of our package that it was built against.
    fn version(&self) -> Option<&str> {
        let ours = self.survey.imports.iter().find(|import| import.interface.starts_with(wit::PACKAGE));
        ours.and_then(|import| import.version.as_deref())
    }

    fn is_runnable(&self) -> bool {
        self.survey.is_command && self.survey.imports.iter().all(|import| import.power().is_some())
    }
}

/// Says it in words, with a table of what it imports.
pub fn inspected_text(module: &Inspected) -> String {
    let Inspected { name, bytes, digest, survey } = module;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}: a {}, {}, sha256:{digest}",
        harmless(name),
        module.kind(),
        ByteSize(*bytes).display().iec()
    );
    let language = survey.language.as_deref().map_or_else(|| "it does not say".into(), harmless);
    let _ = writeln!(text, "language: {language}");
    if !survey.made_by.is_empty() {
        let made_by: Vec<String> = survey.made_by.iter().map(|tool| harmless(tool)).collect();
        let _ = writeln!(text, "made by: {}", made_by.join(", "));
    }
    if let Some(version) = module.version() {
        let (package, here) = (wit::PACKAGE.trim_end_matches('/'), wit::VERSION);
        let _ = writeln!(text, "built against: {package}@{} (here is {here})", harmless(version));
    }
    if survey.imports.is_empty() {
        text.push_str("\nIt imports nothing, so all it can do is compute.\n");
    } else {
        text.push_str("\nThe most that it could do, all of it inside its lab:\n");
        text += &table("  ", ["IMPORTS", "COULD", "NEEDS"], rows(&survey.imports));
    }
    if is_everything(&survey.imports) {
        text.push_str("\nIt imports all there is, as some toolchains do for every module; it need not use it.\n");
    }
    let unknown: Vec<String> = survey.imports.iter().filter(|import| import.power().is_none()).map(full_name).collect();
    if !unknown.is_empty() {
        let _ = writeln!(text, "\nIt can't be run here, where there is no {}.", unknown.join(", "));
    } else if !survey.is_command {
        text.push_str("\nIt can't be run: it exports no `wasi:cli/run`, so it is no scenario.\n");
    }
    text
}

/// An interface of ours is a row, and of others all of one package are: what they give goes together. Types alone give nothing.
fn rows(imports: &[Import]) -> Vec<[String; 3]> {
    let mut rows: Vec<[String; 3]> = Vec::new();
    for import in imports.iter().filter(|import| !import.functions.is_empty()) {
        let power = import.power();
        let most = power.map_or("not here", |power| power.most);
        let name = if wit::is_ours(&import.interface) || power.is_none() {
            full_name(import)
        } else {
            let package = import.interface.split('/').next().unwrap_or_default().to_owned();
            full_name(&Import { interface: package, ..import.clone() })
        };
        let row = [name, most.into(), power.and_then(|power| power.grant).unwrap_or_default().into()];
        if rows.last() != Some(&row) {
            rows.push(row);
        }
    }
    rows
}

fn full_name(import: &Import) -> String {
    let version = import.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
    harmless(&format!("{}{version}", import.interface))
}

/// Returns it as an object.
pub fn inspected_json(module: &Inspected) -> Value {
    let Inspected { name, bytes, digest, survey } = module;
    let import = |import: &Import| {
        let power = import.power();
        json!({
            "interface": import.interface,
            "version": import.version,
            "functions": import.functions,
            "could": power.map(|power| power.most),
            "grant": power.and_then(|power| power.grant),
        })
    };
    json!({
        "module": name,
        "kind": module.kind(),
        "bytes": bytes,
        "digest": format!("sha256:{digest}"),
        "language": survey.language,
        "made_by": survey.made_by,
        "wit": module.version(),
        "imports": survey.imports.iter().map(import).collect::<Vec<_>>(),
        "imports_everything": is_everything(&survey.imports),
        "runnable": module.is_runnable(),
    })
}
