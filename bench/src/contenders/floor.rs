//! The least that the kernel takes: `bench floor`.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::rest;
use crate::account::Account;
use crate::stage;

/// Builds the star, and returns how long that took.
pub(crate) fn build(account: &Account, containers: u32) -> Result<Duration> {
    let mut command = account.command(stage::itself());
    command.args(["floor", &containers.to_string()]).stdin(Stdio::piped()).stdout(Stdio::null());
    let start = Instant::now();
    let mut process = command.spawn()?;
    // The star stands as long as this is open.
    let standing = process.stdin.take().context("the floor has no standard input")?;
    let status = process.wait()?;
    let took = start.elapsed();
    ensure!(status.success(), "the floor: {status}");
    drop(standing);
    rest(containers);
    Ok(took)
}
