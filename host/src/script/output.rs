//! The guest's stdout and stderr: counted, and on a terminal harmless.

use std::io::{self, IsTerminal, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::StdoutStream;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::limits::Meter;

/// What one write may carry.
const PERMIT: usize = 64 * 1024;

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
    /// The beginning of a character whose rest comes with the next write.
    unfinished: Vec<u8>,
}

impl Output {
    pub(super) fn stdout(meter: Meter) -> Self {
        Self { sink: Sink::Stdout, terminal: io::stdout().is_terminal(), meter, unfinished: Vec::new() }
    }

    pub(super) fn stderr(meter: Meter) -> Self {
        Self { sink: Sink::Stderr, terminal: io::stderr().is_terminal(), meter, unfinished: Vec::new() }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let shown;
        let bytes = if self.terminal {
            shown = self.escape(bytes);
            shown.as_bytes()
        } else {
            bytes
        };
        match self.sink {
            Sink::Stdout => write_all(io::stdout().lock(), bytes),
            Sink::Stderr => write_all(io::stderr().lock(), bytes),
        }
    }

    /// Shows control characters instead of sending them to the terminal, which would obey them.
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
                control if control.is_control() => shown.extend(control.escape_default()),
                _ => shown.push(character),
            }
        }
        shown
    }
}

fn write_all(mut stream: impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

impl OutputStream for Output {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.meter.count_output(bytes.len()).map_err(|reached| StreamError::Trap(reached.into()))?;
        match self.put(&bytes) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(StreamError::Closed),
            Err(error) => Err(StreamError::LastOperationFailed(error.into())),
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

#[async_trait::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

/// Asked for by WASI 0.3 alone; the same stream all the same.
impl AsyncWrite for Output {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let counted = self.meter.count_output(bytes.len()).map_err(io::Error::other);
        Poll::Ready(counted.and_then(|()| self.put(bytes)).map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl wasmtime_wasi::cli::IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        self.terminal
    }
}

impl StdoutStream for Output {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}
