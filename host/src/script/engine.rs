//! The WebAssembly engine, and the clock that lets it be interrupted.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
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

/// Does work in which a guest runs, beside a thread that has it looked at again and again. It ends with the work: where no guest runs,
/// a signal comes to the main thread alone.
pub(super) fn with_clock<T>(engine: &Engine, work: impl FnOnce() -> T) -> io::Result<T> {
    let (going, stopped) = channel::<()>();
    let tick = move || {
        while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            engine.increment_epoch();
        }
    };
    thread::scope(move |scope| {
        let clock = thread::Builder::new().name("clock".into()).spawn_scoped(scope, tick)?;
        let done = work();
        drop(going);
        // The scope would wait for the end of `tick`, and not for that of the thread. One that has panicked has ended too.
        let _ = clock.join();
        Ok(done)
    })
}
