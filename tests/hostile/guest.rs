//! A guest and its outcome, as files, and a play of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::Machine;
use crate::transcript;

/// What comes before each command. `$CALLS` is the guest that plays its arguments, and `with NAME COMMAND...` is the command with
/// the arguments behind it that NAME.calls lists, where `\n` and the like may stand.
const PRELUDE: &str = r#"CALLS=/run/machine/guests/calls.wasm
with() {
    calls=$1.calls; shift
    while IFS= read -r call; do
        case $call in '#'*) ;; *) set -- "$@" "$(printf %b "$call")" ;; esac
    done <"$calls"
    "$@"
}
"#;

/// What a guest may take if its outcome does not say: MiB of memory in any one process, and seconds for each command.
const USUAL: (u64, u64) = (160, 30);

/// One guest, and what its outcome says.
pub(crate) struct Guest {
    /// The name of its outcome, without the ending.
    pub(crate) name: String,
    path: PathBuf,
    outcome: String,
    /// The most memory in bytes that any one of its processes may have.
    peak: u64,
    /// How long each of its commands may take.
    time: Duration,
}

/// What came of a guest.
pub(crate) struct Found {
    pub(crate) transcript: String,
    /// What it took more of than it may.
    pub(crate) excesses: Vec<String>,
}

impl Guest {
    /// Reads all of them, by name.
    pub(crate) fn all() -> Vec<Self> {
        let outcomes = files().into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "outcome"));
        let guests: Vec<Self> = outcomes.map(|path| Self::read(&path)).collect();
        // A file that no outcome speaks of would be forgotten.
        for path in files() {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            let is_played =
                |guest: &Self| guest.outcome.split(|c: char| c.is_whitespace() || c == '.').any(|word| word == name);
            assert!(
                guests.iter().any(|guest| guest.name == name || is_played(guest)),
                "nothing plays {}",
                path.display()
            );
        }
        guests
    }

    /// Puts the files of all guests into a directory of the machine, and the binary form of `command.wat` beside them.
    #[track_caller]
    pub(crate) fn furnish(m: &Machine) {
        m.command("mkdir").arg("guests").run().success();
        for path in files() {
            let name = path.file_name().expect("a file has a name").to_string_lossy();
            m.write(&format!("guests/{name}"), fs::read(&path).expect("a guest can be read"));
        }
        let command = wat::parse_file(directory().join("command.wat")).expect("it is WebAssembly");
        m.write("guests/command.wasm", command);
    }

    /// Runs its commands, one after the other.
    #[track_caller]
    pub(crate) fn play(&self, m: &Machine) -> Found {
        let mut transcript = head(&self.outcome).to_owned();
        let mut excesses = Vec::new();
        for command in self.outcome.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let script = format!("{PRELUDE}{command}");
            let home = format!("{}/guests", m.kind().home());
            let outcome = m.command("sh").args(&["-c", &script]).cwd(&home).deadline(self.time).run();
            transcript.push_str(&transcript::record(command, &outcome));
            if outcome.peak() > self.peak {
                excesses.push(format!("{} MiB of memory in `{command}`", outcome.peak() >> 20));
            }
        }
        Found { transcript, excesses }
    }

    /// Returns what its outcome is to be.
    pub(crate) fn expected(&self) -> &str {
        &self.outcome
    }

    /// Writes what its outcome has been.
    #[track_caller]
    pub(crate) fn write(&self, transcript: &str) {
        fs::write(&self.path, transcript).unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
    }

    #[track_caller]
    fn read(path: &Path) -> Self {
        let outcome = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let (mut peak, mut time) = USUAL;
        for line in head(&outcome).lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let bound: Vec<&str> = line.split(' ').collect();
            match bound[..] {
                ["memory", number, "MiB"] => peak = number.parse().expect("a number of MiB"),
                ["time", number, "s"] => time = number.parse().expect("a number of seconds"),
                _ => panic!("{}: {line:?} is neither `memory N MiB` nor `time N s`", path.display()),
            }
        }
        Self { name, path: path.to_owned(), outcome, peak: peak << 20, time: Duration::from_secs(time) }
    }
}

/// Returns what stands in an outcome before its first command.
fn head(outcome: &str) -> &str {
    let end = if outcome.starts_with("$ ") { 0 } else { outcome.find("\n$ ").expect("a command") + 1 };
    &outcome[..end]
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/hostile/guests")
}

/// Lists the files of all guests by name.
fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(directory()).expect("the guests can be listed");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}
