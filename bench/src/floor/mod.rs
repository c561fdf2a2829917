//! The star of `n-containers N` with none of our layers: no sandbox, no model, no plan, no protocol between processes.
//!
//! It builds by the recipe that the agent follows too: what is left of the time is the kernel's, and the start of a process.

mod ping;
mod requests;
mod socket;
mod star;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::{fs, io, process};

use anyhow::{Context, Result, ensure};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{ForkResult, Gid, Uid, fork, pipe};

/// Builds the star in a process that keeps it, and returns when it stands. It does until standard input ends.
///
/// Must be called while there is one thread.
pub(crate) fn build(containers: u32) -> Result<()> {
    let (stands, done) = pipe()?;
    // SAFETY: there is one thread, so the child may do what the parent may.
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop(stands);
            if let Err(error) = keep(containers, done) {
                eprintln!("floor: {error:#}");
                process::exit(1);
            }
            process::exit(0);
        }
        ForkResult::Parent { .. } => {
            drop(done);
            let mut word = [0];
            let length = File::from(stands).read(&mut word)?;
            ensure!(length == 1, "the star of {containers} does not stand");
            Ok(())
        }
    }
}

fn keep(containers: u32, done: OwnedFd) -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    become_root()?;
    let star = star::build(containers)?;
    ping::ping(&star.nodes[0], star::address(containers))?;
    ping::ping(&star.nodes[containers as usize - 1], star::GATEWAY)?;
    File::from(done).write_all(b"!")?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// Makes a user namespace where this isn't root.
fn become_root() -> Result<()> {
    let (uid, gid) = (Uid::effective(), Gid::effective());
    if uid.is_root() {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWUSER).context("could not make a user namespace")?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    Ok(())
}
