//! What the documents say is so: their commands are run, their links followed, their tables compared.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use orchestrator::cli::Exit;
use support::{Kind, on_machine};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// Every document of the project.
fn documents() -> Vec<PathBuf> {
    let mut waiting = vec![root()];
    let mut found = Vec::new();
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                waiting.push(path);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found
}

/// The blocks of a document in one language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match &mut block {
            None if line == format!("```{language}") => block = Some(String::new()),
            None => {}
            Some(_) if line == "```" => found.extend(block.take()),
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    found
}

/// Makes two outputs comparable: times differ, and so may the width of columns.
fn comparable(output: &str) -> Vec<String> {
    let line = |line: &str| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        for at in 1..words.len() {
            // Also ping's `min/avg/max/mdev`.
            let is_number = |word: &str| word.split('/').all(|part| part.parse::<f64>().is_ok());
            if words[at].trim_end_matches(',') == "ms" && is_number(words[at - 1]) {
                words[at - 1] = "N";
            }
        }
        words.join(" ")
    };
    output.lines().map(line).filter(|line| !line.is_empty()).collect()
}

#[test]
fn console_blocks_of_the_readme_print_what_they_say() {
    let blocks = blocks(&read("README.md"), "console");
    assert!(!blocks.is_empty());
    on_machine(Kind::User, |machine| {
        // A newcomer's: the first run compiles.
        let cache = format!("{}/cache", Kind::User.home());
        for session in blocks.iter().flat_map(|block| block.split("$ ").skip(1)) {
            let (command, expected) = session.split_once('\n').unwrap();
            let command = command.replace("cargo run --release --", "orchestrator");
            let command = machine.command("sh").env("XDG_CACHE_HOME", &cache).args(&["-c", &format!("{command} 2>&1")]);
            let outcome = command.run();
            assert_eq!(comparable(outcome.success().stdout()), comparable(expected), "$ {session}");
        }
    });
}

#[test]
fn relative_links_lead_somewhere() {
    let mut dead = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap();
            let is_relative = !path.is_empty() && !path.contains("://") && !path.starts_with("mailto:");
            if is_relative && !document.parent().unwrap().join(path).exists() {
                dead.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn table_of_exit_statuses_is_that_of_the_program() {
    let readme = read("README.md");
    let rows: BTreeSet<u8> =
        readme.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()?.parse().ok()).collect();
    let exits = [Exit::Done, Exit::No, Exit::Usage, Exit::Unable, Exit::Failed, Exit::Left];
    assert_eq!(rows, exits.into_iter().map(Exit::status).collect());
    assert!(readme.contains("| 128+n | ended by signal n |"));
}

#[test]
fn scenario_of_the_readme_is_the_example() {
    let shown = blocks(&read("README.md"), "rust").remove(0);
    let source = read("guest-examples/single-container/src/main.rs");
    let code = source.split_once("\n\n").unwrap().1;
    assert_eq!(shown, code);
    assert!(shown.lines().count() < 40);
}

#[test]
fn first_example_reads_at_a_glance() {
    let source = read("guest-examples/two-containers/src/main.rs");
    assert!(source.lines().count() < 60, "{} lines", source.lines().count());
}

#[test]
fn every_example_has_its_readme_and_drawing() {
    let out = String::from_utf8(
        std::process::Command::new(env!("CARGO_BIN_EXE_orchestrator"))
            .args(["examples", "--json"])
            .output()
            .unwrap()
            .stdout,
    )
    .unwrap();
    let examples: serde_json::Value = serde_json::from_str(&out).unwrap();
    let readme = read("README.md");
    for example in examples.as_array().unwrap() {
        let name = example["name"].as_str().unwrap();
        let text = read(format!("guest-examples/{name}/README.md"));
        assert!(!blocks(&text, "text").is_empty(), "{name} has no drawing");
        assert!(readme.contains(&format!("guest-examples/{name}/README.md")), "{name} is not in the README");
    }
}
