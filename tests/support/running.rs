//! A command that runs while the test goes on.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::Outcome;
use super::output::Output;
use super::process::Process;

/// How long output may take to arrive after what held it open was killed.
const OUTPUT_WITHIN: Duration = Duration::from_secs(5);

/// A command on pipes. It is killed if the test ends without waiting for it.
#[must_use = "say what is expected of its end: `wait().success()`"]
pub(crate) struct Running<'m> {
    process: Process<'m>,
    stdout: Output,
    stderr: Output,
}

impl<'m> Running<'m> {
    pub(super) fn new(mut process: Process<'m>, input: Vec<u8>) -> Running<'m> {
        let nsenter = process.nsenter();
        let mut stdin = nsenter.stdin.take().expect("stdin is piped");
        // A command may leave its input unread.
        thread::spawn(move || drop(stdin.write_all(&input)));
        let stdout = Output::collect(nsenter.stdout.take().expect("stdout is piped"));
        let stderr = Output::collect(nsenter.stderr.take().expect("stderr is piped"));
        Running { process, stdout, stderr }
    }

    /// Sends a signal to the command alone, which must have said something before.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Returns the command's process id outside the machine, once it has said something.
    #[track_caller]
    pub(crate) fn pid(&self) -> i32 {
        self.process.command_pid().expect("it runs").as_raw()
    }

    /// Waits until the command's stdout has `text`.
    #[track_caller]
    pub(crate) fn stdout_gets(&mut self, text: &str) {
        if self.stdout.find(text, 0, self.process.deadline()).is_none() {
            self.give_up(&format!("did not print {text:?}"));
        }
    }

    /// Waits until the command's stderr has `text`.
    #[track_caller]
    pub(crate) fn stderr_gets(&mut self, text: &str) {
        if self.stderr.find(text, 0, self.process.deadline()).is_none() {
            self.give_up(&format!("did not print {text:?} on stderr"));
        }
    }

    /// Waits for the command's end, and until nothing holds its output open any more.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Outcome {
        let Some(end) = self.process.wait() else {
            self.give_up("did not end in time");
        };
        let deadline = self.process.deadline();
        if !(self.stdout.ends(deadline) && self.stderr.ends(deadline)) {
            self.give_up(&format!("has ended ({}), but something it started holds its output open", end.status));
        }
        Outcome::new(self.process.said(), end, self.stdout.text(), self.stderr.text())
    }

    #[track_caller]
    fn give_up(&mut self, why: &str) -> ! {
        self.process.kill_machine();
        let deadline = Instant::now() + OUTPUT_WITHIN;
        self.stdout.ends(deadline);
        self.stderr.ends(deadline);
        panic!(
            "`{}` {why}\n--- stdout\n{}\n--- stderr\n{}",
            self.process.said(),
            self.stdout.text(),
            self.stderr.text()
        );
    }
}
