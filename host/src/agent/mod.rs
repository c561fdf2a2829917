//! The lab's own process: it holds the namespaces and does the steps.
//!
//! The namespaces are only its open descriptors, so whatever ends the agent removes the lab. Its threads: the *server* (main)
//! waits for signals and connections, the *session* serves `run`, the *maker* makes namespaces ahead of the *builder*, which
//! does all else; each connection has a thread. What a thread does to the machine outside of the lab is done under one mutex,
//! [`outside::Outside`], which the end of the agent takes and never gives back.

mod boot;
mod builder;
mod capacity;
mod edit;
mod features;
mod files;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod held;
mod icmp;
mod icmp_socket;
mod log;
mod look;
mod machine;
mod memory;
mod netns;
mod occupants;
mod outside;
mod peers;
mod requests;
mod rest;
mod restore;
mod server;
mod session;
mod settle;
mod standing;
mod translate;
mod workshop;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::protocol::Origin;
use crate::topology::Limits;

pub use features::{Answers, Feature, Lack, features};
pub use machine::{read_machine, undo};

/// What an agent is started with.
#[derive(Debug)]
pub struct Config {
    /// The directory that it serves from; it is there, empty but for the lock.
    pub directory: PathBuf,
    /// The directory that it moves to with its first act, ending the lab that is there.
    pub replaces: Option<PathBuf>,
    /// The lab's name.
    pub name: String,
    /// The scenario that it comes from.
    pub origin: Origin,
    /// How large the lab may become.
    pub limits: Limits,
    /// It is in a user namespace of its own.
    pub rootless: bool,
    /// `user.max_net_namespaces` of the user namespace around that one, where the lab's namespaces count too.
    pub outer_max_netns: Option<u64>,
    /// Only one uid is mapped there, and this is to be done about it.
    pub one_id: Option<String>,
    /// The names go to `/run/netns`.
    pub publish: bool,
    /// The host is the machine itself.
    pub on_host: bool,
}

/// Runs the agent of one lab until it is told to end. Called in the process that `lab` has made for it.
pub fn serve(config: Config) -> ExitCode {
    match boot::boot(&config) {
        Ok(booted) => server::run(Arc::new(config), booted),
        Err(status) => status,
    }
}
