//! Collects what a command says while it runs.

use std::io::{ErrorKind, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::deadline::poll_until;

/// The text of one stream so far.
pub(crate) struct Output(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    bytes: Vec<u8>,
    ended: bool,
}

impl Output {
    /// Reads `stream` to its end in a thread of its own.
    pub(super) fn collect(mut stream: impl Read + Send + 'static) -> Output {
        let said = Arc::new(Mutex::new(Said::default()));
        let output = Output(Arc::clone(&said));
        thread::spawn(move || {
            let output = Output(said);
            let mut buffer = [0; 65_536];
            loop {
                match stream.read(&mut buffer) {
                    Ok(length @ 1..) => output.lock().bytes.extend_from_slice(&buffer[..length]),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // A terminal without programs on it answers EIO, which is its way to end.
                    Ok(0) | Err(_) => break,
                }
            }
            output.lock().ended = true;
        });
        output
    }

    /// Returns all that was said, with what is not UTF-8 replaced.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().bytes).into_owned()
    }

    /// Waits until `text` is said after the first `from` bytes, and returns how many bytes that takes.
    ///
    /// It is `None` when the deadline has passed, or the stream has ended without it.
    pub(super) fn find(&self, text: &str, from: usize, deadline: Instant) -> Option<usize> {
        poll_until(deadline, || {
            let said = self.lock();
            match said.bytes[from..].windows(text.len()).position(|window| window == text.as_bytes()) {
                Some(found) => Some(Some(from + found + text.len())),
                None => said.ended.then_some(None),
            }
        })
        .flatten()
    }

    /// Waits until nothing holds the stream open, and says whether that came in time.
    pub(super) fn ends(&self, deadline: Instant) -> bool {
        poll_until(deadline, || self.lock().ended.then_some(())).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
