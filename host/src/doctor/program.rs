//! Programs of the machine that are asked, for want of a way to ask the kernel.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::child::hear;

/// Where programs of root are, which users often have not in their PATH.
const ALSO: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/bin"];

/// Finds a program.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).filter(|place| place.is_absolute()).chain(ALSO.map(PathBuf::from));
    let is_program =
        |path: &PathBuf| path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    places.map(|place| place.join(name)).find(is_program)
}

/// Returns what a program prints, if it is there, ends before the deadline, and ends well.
pub(super) fn ask(name: &str, arguments: &[&str], deadline: Instant) -> io::Result<String> {
    let program = find(name).ok_or(io::ErrorKind::NotFound)?;
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let heard = match child.stdout.take() {
        Some(stdout) => hear(stdout, deadline),
        None => Err(io::ErrorKind::BrokenPipe.into()),
    };
    if heard.is_err() {
        // It may have ended just now.
        let _ = child.kill();
    }
    let ended = child.wait()?;
    let heard = heard?;
    if !ended.success() {
        return Err(io::Error::other(format!("`{name}` failed")));
    }
    Ok(String::from_utf8_lossy(&heard).into_owned())
}
