//! Descriptors that this process was started with.

use std::os::fd::{AsRawFd, BorrowedFd};

use std::fs::File;

use nix::libc::{SYS_close_range, c_int, syscall};
use nix::unistd::dup2_stderr;

/// Closes what the caller had open and did not mean for this process: all but stdin, stdout, stderr and the module.
///
/// To be called before anything else is open.
pub fn close_inherited(module: Option<BorrowedFd<'_>>) {
    let close = |first: c_int, last: c_int| {
        if first <= last {
            // SAFETY: nobody in this process knows these descriptors.
            unsafe { syscall(SYS_close_range, first, last, 0) };
        }
    };
    match module.map(|module| module.as_raw_fd()) {
        Some(module) => {
            close(3, module - 1);
            close(module + 1, c_int::MAX);
        }
        None => close(3, c_int::MAX),
    }
}

/// Has nothing that this process says on stderr be seen.
pub fn silence() {
    if let Ok(nowhere) = File::options().write(true).open("/dev/null") {
        // It is better seen than not said at all.
        let _ = dup2_stderr(nowhere);
    }
}
