//! What can go wrong with a lab.

use std::io;
use std::path::PathBuf;

use thiserror::Error as ThisError;

use super::unable;

use crate::plan::{Conflict, Shortage, StepFailure};
use crate::protocol::{ChannelError, HelloError, Occupant};
use crate::topology::{Errno, harmless};

/// What can go wrong with a lab.
#[derive(Debug, ThisError)]
pub enum Error {
    /// There is no lab of this name.
    #[error("there is no lab `{0}`")]
    NoSuchLab(String),
    /// A lab of this name stands.
    #[error("a lab `{name}` stands already")]
    Stands {
        /// Its name.
        name: String,
        /// Its host is the machine itself.
        on_host: bool,
    },
    /// A lab of this name is being built or is ending.
    #[error("lab `{0}` is busy: it is being built or edited, or is ending")]
    Busy(String),
    /// It comes from another module.
    #[error("lab `{lab}` stands already, and comes from another module, `{module}`")]
    OtherModule {
        /// The lab.
        lab: String,
        /// That module, as it was given.
        module: String,
    },
    /// Namespaces that are to go have processes in them.
    #[error("namespaces that the edit of lab `{lab}` removes are in use: {}", in_words(occupants))]
    Occupied {
        /// The lab.
        lab: String,
        /// The processes.
        occupants: Vec<Occupant>,
    },
    /// This machine or this user can't have labs.
    #[error("could not {act}: {errno}")]
    Unable {
        /// What was tried.
        act: String,
        /// What the kernel said.
        errno: Errno,
        /// What is missing and how to get it.
        hint: Option<String>,
    },
    /// A directory that labs live in can't be made.
    #[error("could not make `{path}`")]
    NoDirectory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A directory that labs live in is not what it has to be.
    #[error("`{path}` can't hold labs: {why}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The agent is of another version.
    #[error("the agent of lab `{lab}` can't be talked to: {source}")]
    Hello {
        /// The lab.
        lab: String,
        /// Why.
        source: HelloError,
    },
    /// A file or process could not be handled.
    #[error("could not {act}")]
    Io {
        /// What was tried.
        act: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The agent was there, and has gone.
    #[error("lab `{0}` has ended: its agent has gone")]
    Gone(String),
    /// What the agent says can't be read.
    #[error("the lab's agent can't be talked to")]
    Channel(#[source] ChannelError),
    /// The agent says nothing: it is stopped, or stuck.
    #[error("the agent of lab `{0}` does not answer")]
    Silent(String),
    /// The agent has not ended, so what it made may be left.
    #[error(
        "the agent of `{directory}` has not ended; left are that directory, its processes, and names in `/run/netns`"
    )]
    Left {
        /// The lab's directory.
        directory: PathBuf,
    },
    /// The lab has ended, but something of it is left in the machine's network.
    #[error("lab `{lab}` has ended, but not all of it: {}", left.join("; "))]
    Remains {
        /// The lab.
        lab: String,
        /// What is left, and why.
        left: Vec<String>,
    },
    /// Something could not be removed from the machine's network.
    #[error("lab `{0}` could not be taken out of the machine's network")]
    NotOut(String),
    /// A step would meet something of the machine's.
    #[error("could not {}: {}", .0.step.act(), .0.with)]
    Conflict(Box<Conflict>),
    /// A limit of the machine is too low for the steps.
    #[error(transparent)]
    Short(Box<Shortage>),
    /// A step was refused by the kernel.
    #[error(transparent)]
    Step(#[from] Box<StepFailure>),
    /// The agent could not do what it was asked.
    #[error("{message}")]
    Agent {
        /// What the kernel said, if it was the kernel.
        errno: Option<Errno>,
        /// What could not be done.
        message: String,
    },
}

fn in_words(occupants: &[Occupant]) -> String {
    let words = |Occupant { netns, pid, command }: &Occupant| {
        format!("`{}` (PID {pid} of the lab) in `{netns}`", harmless(command))
    };
    occupants.iter().map(words).collect::<Vec<_>>().join(", ")
}

/// Tells whether this process, or the machine, can open no more files.
pub fn is_short_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error().map(nix::Error::from_raw), Some(nix::Error::EMFILE | nix::Error::ENFILE))
}

impl Error {
    /// Says whose channel it was that failed.
    pub(super) fn channel(lab: &str) -> impl FnOnce(ChannelError) -> Self {
        let lab = lab.to_owned();
        move |error| match error {
            ChannelError::TimedOut => Self::Silent(lab),
            ChannelError::Closed => Self::Gone(lab),
            error => Self::Channel(error),
        }
    }

    pub(super) fn io(act: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let act = act.into();
        move |source| match source.raw_os_error().map(nix::Error::from_raw) {
            Some(number @ (nix::Error::EMFILE | nix::Error::ENFILE)) => {
                let errno = Errno::named(format!("{number:?}"));
                Self::Unable { act, hint: unable::hint(&errno, false), errno }
            }
            _ => Self::Io { act, source },
        }
    }
}
