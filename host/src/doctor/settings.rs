//! Settings of the kernel, as `sysctl` reads them.

use std::fs;
use std::io;

use super::words;

/// Reads a setting. `ErrorKind::NotFound` says that this kernel, or this netns, has none such.
pub(super) fn read(name: &str) -> io::Result<String> {
    Ok(fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/")))?.trim().to_owned())
}

/// Reads a setting that is a number.
pub(super) fn number(name: &str) -> io::Result<u64> {
    // One that is negative by mistake is as none.
    Ok(read(name)?.parse().unwrap_or(0))
}

/// Says in words why a setting could not be read.
pub(super) fn why_not(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not show here, in /proc/sys".into(),
        _ => format!("it can't be read: {}", words(error)),
    }
}
