//! The guest's stdout and stderr: counted, and on a terminal harmless.

use std::io::{self, IsTerminal};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::StdoutStream;
use wasmtime_wasi::p2::pipe::AsyncWriteStream;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::limits::Meter;
use crate::topology::is_obeyed;

/// Bytes that may be on their way.
const BUDGET: usize = 1 << 20;
/// `\u{fffd}` and the like.
const LONGEST_ESCAPE: usize = 10;

#[derive(Clone, Copy, Debug)]
enum Sink {
    Stdout,
    Stderr,
}

/// One of the guest's output streams.
#[derive(Clone, Debug)]
pub(super) struct Output {
    sink: Sink,
    terminal: bool,
    meter: Meter,
}

impl Output {
    pub(super) fn stdout(meter: Meter) -> Self {
        Self { sink: Sink::Stdout, terminal: io::stdout().is_terminal(), meter }
    }

    pub(super) fn stderr(meter: Meter) -> Self {
        Self { sink: Sink::Stderr, terminal: io::stderr().is_terminal(), meter }
    }
}

/// An open output stream. What is written goes to another thread: a reader that does not read holds up the guest alone.
struct Stream {
    out: AsyncWriteStream,
    terminal: bool,
    meter: Meter,
    /// The beginning of a character whose rest comes with the next write.
    unfinished: Vec<u8>,
}

impl Stream {
    /// Shows what the terminal would obey instead of sending it there.
    fn escape(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.unfinished);
        all.extend_from_slice(bytes);
        if let Err(error) = std::str::from_utf8(&all)
            && error.error_len().is_none()
        {
            self.unfinished = all.split_off(error.valid_up_to());
        }
        let mut shown = String::with_capacity(all.len());
        for character in String::from_utf8_lossy(&all).chars() {
            match character {
                '\n' | '\t' => shown.push(character),
                obeyed if is_obeyed(obeyed) => shown.extend(obeyed.escape_default()),
                _ => shown.push(character),
            }
        }
        shown
    }
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.meter.count_output(bytes.len()).map_err(|reached| StreamError::Trap(reached.into()))?;
        if self.terminal {
            let shown = self.escape(&bytes);
            return self.out.write(shown.into());
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.out.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        // A byte may become as many on its way to a terminal.
        Ok(self.out.check_write()?.div_ceil(LONGEST_ESCAPE))
    }
}

#[async_trait::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {
        self.out.ready().await;
    }
}

impl wasmtime_wasi::cli::IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        self.terminal
    }
}

impl StdoutStream for Output {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        let out = match self.sink {
            Sink::Stdout => AsyncWriteStream::new(BUDGET, tokio::io::stdout()),
            Sink::Stderr => AsyncWriteStream::new(BUDGET, tokio::io::stderr()),
        };
        Box::new(Stream { out, terminal: self.terminal, meter: self.meter.clone(), unfinished: Vec::new() })
    }

    /// Asked for by WASI 0.3 alone, which is not linked.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::empty())
    }
}
