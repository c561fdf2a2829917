//! The program under test, and the build of it that has faults.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Returns the program itself.
pub(super) fn real() -> PathBuf {
    env!("CARGO_BIN_EXE_orchestrator").into()
}

/// Returns the build with faults, which tests/faulty/main.rs describes. Cargo tells a test where the program is and nothing of examples,
/// and does not build these for one test: so this fails where it is missing, or older than what it was made from.
pub(super) fn faulty() -> PathBuf {
    let test = env::current_exe().expect("a process has its program");
    // `release/deps/TEST` and `release/examples/faulty`
    let release = test.parent().and_then(Path::parent).expect("cargo puts tests two folders deep");
    let program = release.join("examples/faulty");
    let made = modified(&program).unwrap_or_else(|| panic!("{} is missing; {BUILD}", program.display()));
    let sources = fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let newer = sources.split_whitespace().skip(1).find(|source| modified(Path::new(source)) > Some(made));
    assert!(newer.is_none(), "{} is older than {}; {BUILD}", program.display(), newer.unwrap_or_default());
    program
}

const BUILD: &str = "`cargo build --release --example faulty` builds it";

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|found| found.modified()).ok()
}
