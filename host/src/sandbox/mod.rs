//! What the process that runs a guest gives up, before it has read a byte of the module.
//!
//! All of it is per thread, so it comes before the first thread. Order: capabilities that could come back, identity,
//! capabilities, then the right to gain any, files, and system calls, which the others take.

mod capabilities;
mod compiler;
mod descriptors;
mod identity;
mod landlock;
mod seccomp;

use std::fs::File;

pub use compiler::{CompilerLimits, give_up_for_compiling};
pub use descriptors::{close_inherited, silence};
pub use identity::{NoOther, other_identity};
use nix::sys::prctl::{set_dumpable, set_no_new_privs};
pub use seccomp::find_seccomp;
use thiserror::Error;

use self::seccomp::Process;
use crate::fault;

/// Something that could not be given up; nothing of the guest must be run then.
#[derive(Debug, Error)]
#[error("could not {act} before running the scenario")]
pub struct GiveUpError {
    act: &'static str,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

fn failed<E: std::error::Error + Send + Sync + 'static>(act: &'static str) -> impl FnOnce(E) -> GiveUpError {
    move |source| GiveUpError { act, source: Box::new(source) }
}

/// Gives up identity, capabilities, the right to gain any, files but those below some directories, and what system calls could do
/// beyond computing and talking over what is open.
pub fn give_up(but: Vec<File>) -> Result<(), GiveUpError> {
    give_up_as(Process::Guest { reads_files: !but.is_empty() }, &but)
}

fn give_up_as(process: Process, but: &[File]) -> Result<(), GiveUpError> {
    fault::point("about to give up");
    has_one_thread()?;
    capabilities::drop_those_that_could_return()?;
    identity::become_nobody()?;
    capabilities::drop_all()?;
    set_no_new_privs().map_err(failed("give up the right to gain privileges"))?;
    // No other process of the same user may look into this one, and it leaves no core.
    set_dumpable(false).map_err(failed("shut others out"))?;
    landlock::take_files(but)?;
    fault::point("files given up");
    seccomp::take_calls(process)?;
    fault::given_up();
    Ok(())
}

/// Finds that there is no other thread, which would keep all.
fn has_one_thread() -> Result<(), GiveUpError> {
    let act = "find that it has one thread";
    match std::fs::read_dir("/proc/self/task").map_err(failed(act))?.count() {
        1 => Ok(()),
        count => Err(failed(act)(std::io::Error::other(format!("it has {count}")))),
    }
}

/// What fuzzers reach of this room, and nobody else.
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz {
    pub(crate) use super::identity::covers;
}
