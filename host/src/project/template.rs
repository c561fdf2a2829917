//! The files of a new project.

use super::toolchain::Toolchain;
use super::{Kind, Language};
use crate::module::wit;

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $path))
    };
}

/// A library of ours, of which each project in its language has a copy.
macro_rules! library {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../guest-examples/", $path))
    };
}

type File = (&'static str, &'static str);

const RUST: &[File] = &[
    ("Cargo.toml", template!("rust/Cargo.toml")),
    ("src/main.rs", template!("rust/src/main.rs")),
    ("orchestrator-describe/Cargo.toml", template!("rust/orchestrator-describe/Cargo.toml")),
    ("orchestrator-describe/src/lib.rs", library!("orchestrator-describe/src/lib.rs")),
];
const RUST_LIBRARY: &[File] =
    &[("Cargo.toml", template!("rust-lib/Cargo.toml")), ("src/lib.rs", template!("rust-lib/src/lib.rs"))];
/// What both have.
const ORCHESTRATOR_NET: &[File] = &[
    ("orchestrator-net/Cargo.toml", template!("rust/orchestrator-net/Cargo.toml")),
    ("orchestrator-net/src/lib.rs", library!("orchestrator-net/src/lib.rs")),
    ("orchestrator-net/src/expect.rs", library!("orchestrator-net/src/expect.rs")),
    ("orchestrator-net/src/failure.rs", library!("orchestrator-net/src/failure.rs")),
];
const PYTHON: &[File] = &[("scenario.py", template!("python/scenario.py"))];
const JAVASCRIPT: &[File] =
    &[("scenario.js", template!("javascript/scenario.js")), ("package.json", template!("javascript/package.json"))];
const C: &[File] =
    &[("scenario.c", template!("c/scenario.c")), ("orchestrator.h", library!("orchestrator-c/orchestrator.h"))];
const GO: &[File] = &[
    ("go.mod", template!("go/go.mod")),
    ("main.go", template!("go/main.go")),
    ("orchestrator/abi.go", library!("orchestrator-go/abi.go")),
    ("orchestrator/orchestrator.go", library!("orchestrator-go/orchestrator.go")),
];
const ZIG: &[File] = &[
    ("scenario.zig", template!("zig/scenario.zig")),
    ("orchestrator.zig", library!("orchestrator-zig/orchestrator.zig")),
];

/// Returns the paths and texts of a new project.
pub(super) fn files(language: Language, kind: Kind, name: &str) -> Vec<(String, String)> {
    let (own, ignored, library) = match language {
        Language::Rust if kind == Kind::Library => (RUST_LIBRARY, "/target", "`orchestrator-net` makes Rust of it."),
        Language::Rust => (RUST, "/target", "`orchestrator-net` makes Rust of it."),
        Language::Python => {
            (PYTHON, "/.venv\n__pycache__", "The modules of `wit_world.imports` are called after them.")
        }
        Language::JavaScript => (JAVASCRIPT, "/node_modules", "What JavaScript imports is called after them."),
        Language::C => (C, "/.venv", "The functions of `orchestrator.h` are called after them."),
        Language::Go => (GO, "/.venv", "The functions of the package `orchestrator` are called after them."),
        Language::Zig => (ZIG, "/.venv", "What is in `orchestrator.zig` is called after them."),
    };
    let module = format!("{name}.wasm");
    let fill = |text: &str| {
        text.replace("{{name}}", name)
            .replace("{{crate}}", &name.replace('-', "_"))
            .replace("{{version}}", wit::VERSION)
            .replace("{{lab}}", name)
            .replace("{{module}}", &module)
            .replace("{{language}}", language.title())
            .replace("{{source}}", language.source())
            .replace("{{install}}", Toolchain::of(language).install)
            .replace("{{ignored}}", ignored)
            .replace("{{library}}", &format!(" {library}"))
            // The examples' library is two folders below its WIT, a project's is one.
            .replace("path: \"../../wit\"", "path: \"../wit\"")
    };
    let (readme, world) = match kind {
        Kind::Scenario => (template!("README.md.in"), template!("wit/scenario.wit")),
        Kind::Library => (template!("README-lib.md.in"), template!("wit/library.wit")),
    };
    let common = [("README.md", readme), (".gitignore", template!("gitignore.in")), ("wit/world.wit", world)];
    let shared = if language == Language::Rust { ORCHESTRATOR_NET } else { &[] };
    let all = own.iter().chain(shared).chain(&common);
    let mut files: Vec<_> = all.map(|(path, text)| ((*path).to_owned(), fill(text))).collect();
    files.extend(
        wit::FILES.iter().map(|file| (format!("wit/deps/orchestrator-net/{}", file.path), file.text.to_owned())),
    );
    files.extend(wit::WASI.iter().map(|file| (format!("wit/{}", file.path), file.text.to_owned())));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_template_is_left_open() {
        let library = (Language::Rust, Kind::Library);
        for (language, kind) in Language::ALL.map(|language| (language, Kind::Scenario)).into_iter().chain([library]) {
            let files = files(language, kind, "lab1");
            for (path, text) in &files {
                assert!(!text.contains("{{") || path.ends_with(".zig") || path.ends_with(".rs"), "{path}: {text}");
                assert!(!text.contains("{{name}}") && !text.contains("../../wit"), "{path}: {text}");
            }
            let source = if kind == Kind::Library { "src/lib.rs" } else { language.source() };
            for path in [language.main_file(), source, "README.md", ".gitignore", "wit/world.wit"] {
                assert_eq!(files.iter().filter(|(own, _)| own == path).count(), 1, "{path} in {language:?}");
            }
        }
    }
}
