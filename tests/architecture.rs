//! Who may import whom: the arrows of ARCHITECTURE.md, checked on every path in the host's sources, not only on `use` lines.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A room and the rooms that it may import.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "cache", "registry", "own", "script", "module", "project", "lab", "render", "doctor", "agent", "sandbox",
            "protocol", "plan", "topology",
        ],
    ),
    ("cache", &["own", "module"]),
    ("registry", &["own", "module"]),
    ("own", &[]),
    ("project", &["module"]),
    ("doctor", &["agent", "lab", "sandbox", "topology"]),
    ("script", &["module", "plan", "topology"]),
    ("module", &[]),
    ("lab", &["protocol", "plan", "topology"]),
    ("agent", &["protocol", "kernel", "plan", "topology"]),
    ("protocol", &["plan", "topology"]),
    ("kernel", &["plan", "topology"]),
    ("render", &["module", "plan", "topology"]),
    ("plan", &["topology"]),
    ("sandbox", &[]),
    ("topology", &[]),
    ("fault", &[]),
    (
        "fuzz",
        &[
            "cli", "cache", "doctor", "script", "module", "lab", "agent", "protocol", "kernel", "render", "plan",
            "sandbox", "topology",
        ],
    ),
];

/// The room that all others may import: places for the tests, which are nothing in the program.
const EVERYWHERE: &str = "fault";

/// The room that is in no program, only in the library as tests and fuzzers have it.
const OF_TESTS: &str = "fuzz";

/// The files beside the rooms: the two roots, and macros.
const NO_ROOMS: [&str; 3] = ["lib", "main", "stderr"];

/// A crate and the only rooms that may name it.
const CRATES: &[(&str, &[&str])] = &[
    ("wasmtime", &["script"]),
    ("wasmtime_wasi", &["script"]),
    ("wasm_metadata", &["module"]),
    ("wasm_encoder", &["module"]),
    ("wasmparser", &["module"]),
    ("wit_component", &["module"]),
    ("wit_parser", &["module"]),
    ("wac_graph", &["module"]),
    ("tokio", &["script", "registry"]),
    ("oci_client", &["registry"]),
    ("docker_credential", &["registry"]),
    ("rustls", &["registry"]),
    ("reqwest", &["registry"]),
    ("http_auth", &["registry"]),
    ("rtnetlink", &["kernel"]),
    ("nix", &["cache", "own", "registry", "kernel", "agent", "lab", "sandbox", "protocol", "doctor", "project"]),
    ("libc", &["kernel", "agent", "lab", "sandbox", "protocol", "doctor"]),
    ("caps", &["lab", "sandbox", "doctor"]),
    ("landlock", &["sandbox"]),
    ("seccompiler", &["sandbox"]),
    ("notify", &["project"]),
    ("memmap2", &["cache"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    // The encoder of components has no errors of its own.
    ("anyhow", &["cli", "module"]),
    ("comfy_table", &["render"]),
    ("indicatif", &["cli"]),
];

/// The one place of the agent, and of the commands, that enters namespaces.
const SETNS: &[&str] = &["agent/netns.rs", "lab/exec.rs", "lab/inside.rs"];

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file of a room, which is a directory or one file.
fn files_of(room: &str) -> Vec<PathBuf> {
    let file = sources().join(room).with_extension("rs");
    if file.is_file() { vec![file] } else { files(&sources().join(room)) }
}

/// Every source file in a directory, with the modules that lead to it.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

fn tokens(path: &Path) -> Vec<TokenTree> {
    let text = fs::read_to_string(path).unwrap();
    text.parse::<TokenStream>().unwrap_or_else(|error| panic!("{}: {error}", path.display())).into_iter().collect()
}

/// Collects the paths in a file: every run of words joined by `::`, with the braces of `use` taken apart.
fn paths(tokens: &[TokenTree], prefix: &[String], found: &mut Vec<Vec<String>>) {
    let is_colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(word) => {
                let mut path = prefix.to_vec();
                path.push(word.to_string());
                at += 1;
                while is_colon(at) && is_colon(at + 1) {
                    at += 2;
                    match tokens.get(at) {
                        Some(TokenTree::Ident(word)) => path.push(word.to_string()),
                        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                            paths(&group.stream().into_iter().collect::<Vec<_>>(), &path, found);
                        }
                        _ => break,
                    }
                    at += 1;
                }
                found.push(path);
            }
            TokenTree::Group(group) => {
                paths(&group.stream().into_iter().collect::<Vec<_>>(), prefix, found);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Returns the room that a path of a file leads to, if it is one of ours.
fn room_of(path: &[String], file: &Path) -> Option<String> {
    // The modules from the crate down to the file: `a/b.rs` is `a::b`, `a/mod.rs` is `a`.
    let relative = file.strip_prefix(sources()).unwrap().with_extension("");
    let mut here: Vec<String> =
        relative.iter().map(|part| part.to_string_lossy().into_owned()).filter(|part| part != "mod").collect();
    match path.first().map(String::as_str) {
        Some("crate") => path.get(1).cloned(),
        Some("super") => {
            let ups = path.iter().take_while(|word| *word == "super").count();
            // A module within the file may say `super` once more.
            here.truncate(here.len().saturating_sub(ups));
            here.first().cloned().or_else(|| path.get(ups).cloned())
        }
        _ => None,
    }
}

#[test]
fn rooms_import_only_what_their_arrows_allow() {
    let mut wrong = Vec::new();
    for (room, allowed) in ARROWS {
        for file in files_of(room) {
            let mut found = Vec::new();
            paths(&tokens(&file), &[], &mut found);
            for path in found {
                let Some(target) = room_of(&path, &file) else { continue };
                let is_room = ARROWS.iter().any(|(name, _)| *name == target);
                let may = target == *room || target == EVERYWHERE || allowed.contains(&target.as_str());
                if is_room && !may {
                    wrong.push(format!("{}: `{}` leads from {room} to {target}", file.display(), path.join("::")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn crates_are_named_only_in_their_rooms() {
    let mut wrong = Vec::new();
    for (room, _) in ARROWS {
        for file in files_of(room) {
            let mut found = Vec::new();
            paths(&tokens(&file), &[], &mut found);
            for path in found.iter().filter(|path| path.len() > 1) {
                let forbidden = CRATES.iter().any(|(name, rooms)| path[0] == *name && !rooms.contains(room));
                if forbidden {
                    wrong.push(format!("{}: `{}`", file.display(), path.join("::")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_room_has_its_arrows_and_every_arrow_its_room() {
    let mut rooms: Vec<String> = fs::read_dir(sources())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| !NO_ROOMS.contains(&name.as_str()))
        .collect();
    rooms.sort();
    let mut named: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    named.sort_unstable();
    assert_eq!(rooms, named);
}

#[test]
fn namespaces_are_entered_by_the_agent_and_by_exec_alone() {
    for file in files(&sources()) {
        let mut found = Vec::new();
        paths(&tokens(&file), &[], &mut found);
        let enters = found.iter().any(|path| path.last().is_some_and(|word| word == "setns"));
        let relative = file.strip_prefix(sources()).unwrap().to_string_lossy().into_owned();
        assert!(!enters || SETNS.contains(&relative.as_str()), "{relative} calls setns");
    }
}

#[test]
fn path_tokens_are_found_wherever_they_stand() {
    let code = "use crate::{a, b::{c, d}}; fn f() { x!(crate::kernel::g()); let _ = super::h::<nix::Y>; }";
    let tokens: Vec<TokenTree> = code.parse::<TokenStream>().unwrap().into_iter().collect();
    let mut found = Vec::new();
    paths(&tokens, &[], &mut found);
    let found: Vec<String> = found.iter().map(|path| path.join("::")).collect();
    for path in ["crate::a", "crate::b::c", "crate::b::d", "crate::kernel::g", "super::h", "nix::Y"] {
        assert!(found.iter().any(|other| other == path), "{path} is not in {found:?}");
    }
    let file = sources().join("agent/look.rs");
    let words = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(room_of(&words("crate::kernel::g"), &file).as_deref(), Some("kernel"));
    assert_eq!(room_of(&words("super::h"), &file).as_deref(), Some("agent"));
    assert_eq!(room_of(&words("super::super::lab::x"), &file).as_deref(), Some("lab"));
}

#[test]
fn build_with_faults_has_every_room_but_one_of_its_own() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/faulty/main.rs")).unwrap();
    for (room, _) in ARROWS.iter().filter(|(room, _)| ![EVERYWHERE, OF_TESTS].contains(room)) {
        assert!(text.contains(&format!("#[path = \"../../host/src/{room}/mod.rs\"]\nmod {room};")), "{room}");
    }
    assert!(text.contains("\nmod fault;"));
}
