//! `orchestrator run --watch`: at every save another `run`, in a process of its own, as each gives up what it may do.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use super::libraries::LibraryFlags;
use super::project::{find, is_folder};
use super::source::is_file;
use super::{Exit, Failure};
use crate::project::Watch;
use crate::topology::harmless;

const FLAG: &str = "--watch";
const ITSELF: &str = "/proc/self/exe";

/// Runs a project or a file, and again whenever it, or one of its libraries, has changed. It ends by a signal.
pub(super) fn watch(module: &str, libraries: &LibraryFlags) -> Result<Exit, Failure> {
    let path = Path::new(module);
    if is_folder(module) {
        find(path)?;
    } else if !is_file(module) || !path.is_file() {
        return Err(Failure::usage(format!("`{}` is nothing that could be watched", harmless(module)))
            .hint("`--watch` takes a project, or a file that is there"));
    }
    let libraries = libraries.places();
    let places: Vec<&Path> = [path].into_iter().chain(libraries).collect();
    let mut watch = Watch::begin(&places).map_err(Failure::about("watch", path))?;
    let mut first = true;
    loop {
        let ended = Command::new(ITSELF).args(arguments()).status();
        let ended = ended.map_err(Failure::about("run", Path::new(ITSELF)))?;
        // What is missing from the beginning no save can mend.
        if first && ended.code() == Some(Exit::Unable.status().into()) {
            return Ok(Exit::Unable);
        }
        first = false;
        eprintln!("\nwatching `{}`; Ctrl-C ends that, and the lab stays", harmless(module));
        let changed = watch.change().map_err(Failure::about("watch", path))?;
        let changed: Vec<String> =
            changed.iter().map(|path| format!("`{}`", harmless(&path.to_string_lossy()))).collect();
        eprintln!("changed: {}", changed.join(", "));
    }
}

/// Returns the arguments of this process without the flag, which may not be taken from those of the scenario.
fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let own = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let mut at = 0;
    arguments.retain(|argument| {
        at += 1;
        at > own || argument != FLAG
    });
    arguments
}
