//! A command on a terminal of its own, and somebody who types there.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, fchown};
use std::process::Stdio;

use nix::fcntl::OFlag;
use nix::pty::{Winsize, grantpt, posix_openpt, ptsname_r, unlockpt};

use super::output::Output;
use super::process::Process;
use super::tester::Tester;
use super::{Command, Outcome};

/// A terminal of 80 columns and 24 rows with a command on it. What was typed and was echoed is part of the output.
#[must_use = "say what is expected of its end: `wait().success()`"]
pub(crate) struct Terminal<'m> {
    process: Process<'m>,
    keyboard: File,
    screen: Output,
    /// How much of the screen's text the test has looked at.
    read: usize,
}

impl<'m> Command<'m> {
    /// Starts the command as the leader of a session whose controlling terminal it is on.
    #[track_caller]
    pub(crate) fn on_terminal(self) -> Terminal<'m> {
        // No openpty: its descriptors could leak into a command that another test starts at the same moment.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags).expect("could not open a terminal");
        grantpt(&master).expect("could not grant the terminal");
        unlockpt(&master).expect("could not unlock the terminal");
        let name = ptsname_r(&master).expect("the terminal has no name");
        let terminal = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NOCTTY.bits())
            .open(&name)
            .unwrap_or_else(|error| panic!("could not open {name}: {error}"));
        if self.machine().tester() == Tester::Root {
            // As after a login, so that the account can open it by its name too.
            fchown(&terminal, Some(self.account().uid()), None).expect("could not give the terminal away");
        }
        set_size(&terminal, 24, 80);

        let stream = || Stdio::from(terminal.try_clone().expect("could not duplicate a descriptor"));
        let command = self.env("TERM", "xterm");
        let process = command.start(&["setsid", "--ctty"], stream(), stream(), stream());
        let keyboard = File::from(std::os::fd::OwnedFd::from(master));
        let screen = Output::collect(keyboard.try_clone().expect("could not duplicate a descriptor"));
        Terminal { process, keyboard, screen, read: 0 }
    }
}

impl Terminal<'_> {
    /// Types `keys`: `"\r"` is Enter, `"\x03"` Ctrl-C, `"\x04"` Ctrl-D, `"\x1a"` Ctrl-Z.
    #[track_caller]
    pub(crate) fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("could not type on the terminal");
    }

    /// Waits until `text` is shown, after what an earlier call has waited for.
    #[track_caller]
    pub(crate) fn shows(&mut self, text: &str) {
        match self.screen.find(text, self.read, self.process.deadline()) {
            Some(end) => self.read = end,
            None => self.give_up(&format!("did not show {text:?}")),
        }
    }

    /// Makes the terminal another size, of which the programs on it are told by SIGWINCH.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        set_size(&self.keyboard, rows, columns);
    }

    /// Waits for the command's end; the outcome's stdout is all that was shown.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Outcome {
        let Some(end) = self.process.wait() else {
            self.give_up("did not end in time");
        };
        if !self.screen.ends(self.process.deadline()) {
            self.give_up(&format!("has ended ({}), but something it started holds its terminal open", end.status));
        }
        Outcome::new(self.process.said(), end, self.screen.text(), String::new())
    }

    #[track_caller]
    fn give_up(&mut self, why: &str) -> ! {
        self.process.kill_machine();
        panic!("`{}` {why}\n--- terminal\n{}", self.process.said(), self.screen.text());
    }
}

fn set_size(terminal: &impl AsRawFd, rows: u16, columns: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is open for as long as `terminal` is borrowed, and TIOCSWINSZ reads one winsize.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    assert_eq!(result, 0, "could not set the terminal's size: {}", std::io::Error::last_os_error());
}
