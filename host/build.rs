//! Builds the guests: the examples that the binary carries, and the scenario that the tests play.
//!
//! They are workspaces of their own for another target, so an inner cargo builds them, into a target folder under `OUT_DIR`:
//! in the outer cargo's it would wait for that one's lock for ever.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const TARGET: &str = "wasm32-wasip2";

/// Variables that begin so are for the outer build: its flags, its linter, its target folder.
const OUTER: &[&str] = &["CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS"];

/// What the inner cargo needs of them all the same: the way to packages, and its share of the jobs that may run at once.
const KEPT: &[&str] =
    &["CARGO_HOME", "CARGO_HTTP_", "CARGO_MAKEFLAGS", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_"];

fn main() -> ExitCode {
    match build_guests() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn build_guests() -> Result<(), String> {
    let host = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let root = host.parent().ok_or("the host's folder has no parent")?;
    let out_dir = PathBuf::from(variable("OUT_DIR"));
    let target_dir = out_dir.join("guests");
    let wasm = |package: &str| target_dir.join(TARGET).join("release").join(format!("{package}.wasm"));

    // A fuzzer runs no guest, and the nightly compiler that it takes need not be able to build one.
    if env::var_os("CARGO_CFG_FUZZING").is_some() {
        let none = "pub(crate) static EXAMPLES: &[Example] = &[];\npub(crate) static LIBRARIES: &[Example] = &[];\n";
        return write_table(&out_dir, none);
    }
    ensure_target()?;
    let examples = root.join("guest-examples");
    let tests = root.join("tests/guests");
    build(&examples, &target_dir)?;
    build(&tests, &target_dir)?;

    let (programs, libraries) = (table(&examples, Kind::Program, wasm)?, table(&examples, Kind::Library, wasm)?);
    write_table(&out_dir, &(programs + &libraries))?;
    println!("cargo::rustc-env=ORCHESTRATOR_TEST_GUEST_CALLS={}", wasm("calls").display());
    println!("cargo::rustc-env=ORCHESTRATOR_TEST_GUEST_TWO_LEAVES={}", wasm("two-leaves").display());

    rerun_if_changed(&root.join("wit"));
    watch(&examples)?;
    watch(&tests)
}

/// Makes sure that the compiler has a standard library for the guests.
fn ensure_target() -> Result<(), String> {
    let output = Command::new(variable("RUSTC"))
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| format!("could not ask rustc for its library of {TARGET}: {error}"))?;
    if Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir() {
        return Ok(());
    }

    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]);
    if let Some(toolchain) = env::var_os("RUSTUP_TOOLCHAIN") {
        rustup.arg("--toolchain").arg(toolchain);
    }
    match rustup.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`rustup target add {TARGET}` failed, {status}")),
        Err(error) => Err(format!(
            "Rust's standard library for {TARGET} is missing, and rustup cannot be run to add it ({error}): \
             install rustup and type `rustup target add {TARGET}`, \
             or install the package of your distribution that holds this library"
        )),
    }
}

/// Builds a workspace for the sandbox. What the inner cargo says is on stderr, which the outer one shows if this fails.
fn build(workspace: &Path, target_dir: &Path) -> Result<(), String> {
    let mut cargo = Command::new(variable("CARGO"));
    cargo.args(["build", "--release", "--locked", "--target", TARGET, "--target-dir"]).arg(target_dir);
    cargo.current_dir(workspace);
    for (name, _) in env::vars_os() {
        let begins_as = |prefix: &&str| name.as_encoded_bytes().starts_with(prefix.as_bytes());
        if OUTER.iter().any(begins_as) && !KEPT.iter().any(begins_as) {
            cargo.env_remove(&name);
        }
    }
    // The compiler that was found to have the library, not the first one in PATH.
    cargo.env("RUSTC", variable("RUSTC"));

    let status = cargo.status().map_err(|error| format!("could not start cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("could not build the guests in {}", workspace.display())) }
}

/// What a member of the examples' workspace is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A scenario.
    Program,
    /// A component that scenarios are composed with.
    Library,
}

impl Kind {
    /// Tells what a member is; what is linked into the others is neither.
    fn of(member: &Path, manifest: &str) -> Option<Self> {
        if member.join("src/main.rs").exists() {
            return Some(Self::Program);
        }
        manifest.contains("crate-type = [\"cdylib\"]").then_some(Self::Library)
    }
}

/// Writes the table that the host includes: each member of the workspace of a kind, in the order of the manifest.
fn table(workspace: &Path, kind: Kind, wasm: impl Fn(&str) -> PathBuf) -> Result<String, String> {
    let (table, artifact): (_, fn(&str) -> String) = match kind {
        Kind::Program => ("EXAMPLES", str::to_owned),
        Kind::Library => ("LIBRARIES", |name| name.replace('-', "_")),
    };
    let mut table = format!("pub(crate) static {table}: &[Example] = &[\n");
    for name in members(workspace)? {
        let member = workspace.join(&name);
        let manifest = read(&member.join("Cargo.toml"))?;
        if Kind::of(&member, &manifest) != Some(kind) {
            continue;
        }
        let field = |field: &str| {
            let value =
                manifest.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(" = \"")?.strip_suffix('"'));
            value.ok_or_else(|| format!("example {name} has no {field}"))
        };
        let (summary, arguments, typed, netns) =
            (field("description")?, field("arguments")?, field("typed")?, field("netns")?);
        let drawing =
            drawing(&read(&member.join("README.md"))?).ok_or_else(|| format!("example {name} has no drawing"))?;
        let (wasm, sources) = (wasm(&artifact(&name)), sources(&member)?);
        writeln!(
            table,
            "    Example {{ name: {name:?}, summary: {summary:?}, arguments: {arguments:?}, typed: {typed:?}, netns: {netns:?}, \
             drawing: {drawing:?}, sources: &[{sources}], wasm: include_bytes!({wasm:?}) }},"
        )
        .map_err(|error| error.to_string())?;
    }
    table.push_str("];\n");
    Ok(table)
}

/// Finds the first drawing of a document.
fn drawing(document: &str) -> Option<String> {
    let (_, rest) = document.split_once("```text\n")?;
    Some(rest.split_once("```")?.0.to_owned())
}

/// Writes the sources of an example as a table: in Rust those of `src`, and in each other language those of its folder.
fn sources(member: &Path) -> Result<String, String> {
    let mut table = String::new();
    for (language, folder, endings) in LANGUAGES {
        let folder = member.join(folder);
        if !folder.is_dir() {
            continue;
        }
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .map_err(|error| format!("could not list {}: {error}", folder.display()))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)))
            .collect();
        // What is run first is read first.
        files.sort_by_key(|path| (!path.ends_with("main.rs") && !path.ends_with("lib.rs"), path.clone()));
        let _ = write!(table, "({language:?}, &[");
        for path in files {
            let name = path.strip_prefix(member).unwrap_or(&path).display().to_string();
            let _ = write!(table, "({name:?}, include_str!({path:?})), ");
            rerun_if_changed(&path);
        }
        table.push_str("]), ");
    }
    Ok(table)
}

/// Each language that examples are written in: its name on a command line, its folder in an example, and the endings of its files.
const LANGUAGES: &[(&str, &str, &[&str])] = &[
    ("rust", "src", &["rs"]),
    ("python", "python", &["py"]),
    ("javascript", "javascript", &["js"]),
    ("c", "c", &["c"]),
    ("go", "go", &["go"]),
    ("zig", "zig", &["zig"]),
    ("wat", "wat", &["wat"]),
];

fn write_table(out_dir: &Path, table: &str) -> Result<(), String> {
    fs::write(out_dir.join("examples.rs"), table).map_err(|error| format!("could not write examples.rs: {error}"))
}

/// Tells cargo what the guests are made of. Of the whole folder it would see each README change, and the target folder.
fn watch(workspace: &Path) -> Result<(), String> {
    rerun_if_changed(&workspace.join("Cargo.toml"));
    rerun_if_changed(&workspace.join("Cargo.lock"));
    for member in members(workspace)? {
        let member = workspace.join(member);
        rerun_if_changed(&member.join("Cargo.toml"));
        rerun_if_changed(&member.join("src"));
        for part in ["README.md", "wit"].map(|part| member.join(part)) {
            if part.exists() {
                rerun_if_changed(&part);
            }
        }
    }
    Ok(())
}

/// For a file that is not there cargo would run this each time, and build all that comes of it.
fn rerun_if_changed(path: &Path) {
    assert!(path.exists(), "{} is not there", path.display());
    println!("cargo::rerun-if-changed={}", path.display());
}

/// Reads the members of a workspace, in order, from its manifest.
fn members(workspace: &Path) -> Result<Vec<String>, String> {
    let path = workspace.join("Cargo.toml");
    let manifest = read(&path)?;
    let (_, list) = manifest.split_once("members = [").ok_or_else(|| format!("{} lists no members", path.display()))?;
    let list = list.split(']').next().unwrap_or_default();
    Ok(list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("could not read {}: {error}", path.display()))
}

/// Reads a variable that cargo sets for every build script.
fn variable(name: &str) -> OsString {
    env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: cargo runs this, nothing else"))
}
