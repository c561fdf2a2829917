//! The WebAssembly engine, and the clock that lets it be interrupted.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Engine};

use super::bindings::Imports;
use super::drawing::Drawing;
use super::files::watch_for_files;

/// How often a running guest is looked at.
const TICK: Duration = Duration::from_millis(10);

/// Makes the engine, which compiles and executes. One is enough for both.
pub fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    // Frames of the guest by name, whatever `RUST_BACKTRACE` says of the host's.
    config.wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Enable);
    Engine::new(&config)
}

/// Links what a scenario may import: our interfaces and WASI. Whether WASI gives it anything is for its context to say.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Drawing>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    watch_for_files(&mut linker)?;
    Imports::add_to_linker::<_, HasSelf<Drawing>>(&mut linker, |drawing| drawing)?;
    Ok(linker)
}

/// The thread that has running guests looked at. It ends with this: where no guest runs, a signal comes to the main thread alone.
pub(super) struct Clock {
    going: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    /// Starts it.
    pub(super) fn start(engine: &Engine) -> std::io::Result<Self> {
        let engine = engine.clone();
        let (going, stopped) = channel();
        let tick = move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        };
        let thread = thread::Builder::new().name("clock".into()).spawn(tick)?;
        Ok(Self { going: Some(going), thread: Some(thread) })
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        drop(self.going.take());
        if let Some(thread) = self.thread.take() {
            // One that has panicked has ended too.
            let _ = thread.join();
        }
    }
}
