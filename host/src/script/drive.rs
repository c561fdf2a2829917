//! An instance of a scenario at work: what it is given, and what ends it whatever it does.

use std::future::poll_fn;
use std::sync::PoisonError;
use std::task::Poll;

use cpu_time::ThreadTime;
use sha2::{Digest, Sha256};
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};
use wasmtime::component::{ResourceTable, ResourceTableError};
use wasmtime::{Store, UpdateDeadline, WasmBacktrace};
use wasmtime_wasi::WasiCtx;

use super::clock::{RehearsalClock, end_of_time};
use super::drawing::Drawing;
use super::engine::with_clock;
use super::files::Files;
use super::grants::Granted;
use super::limits::{CALL, LimitReached, Meter};
use super::load::{LoadError, Prepared};
use super::output::Output;
use super::run::{End, Order, Stage};

/// Characters of a guest's frame that are shown: the name in it is the guest's.
const LONGEST_FRAME: usize = 200;

/// Has an instance of a scenario do what it is `asked`. To be called after this process has given up what it had.
pub(super) fn drive<T>(
    prepared: &Prepared,
    order: Order,
    asked: impl AsyncFnOnce(&Prepared, &mut Store<Drawing>) -> Result<T, End>,
) -> Result<(Result<T, End>, Drawing), LoadError> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(order.stage.is_rehearsal()).build().map_err(LoadError::Thread)?;
    let work = || runtime.block_on(within_limits(prepared, order, asked));
    let driven = with_clock(&prepared.engine, work).map_err(LoadError::Thread)?;
    // A call that hangs must not keep the program.
    runtime.shutdown_background();
    Ok(driven)
}

async fn within_limits<T>(
    prepared: &Prepared,
    order: Order,
    asked: impl AsyncFnOnce(&Prepared, &mut Store<Drawing>) -> Result<T, End>,
) -> (Result<T, End>, Drawing) {
    let Order { arguments, lab_name, limits, granted, network, signals, stage, backend } = order;
    let rehearsal = stage.is_rehearsal();
    let meter = Meter::new(limits);
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.handles);
    let files = Files::new(granted.directories > 0);
    let wasi = wasi(granted, prepared, &arguments, &meter, stage);
    let interruption = Interruption::listen(&signals);
    backend.lock().unwrap_or_else(PoisonError::into_inner).signals_are_waited_for();
    let mut drawing = Drawing::new(network, backend, lab_name, meter.clone(), table, wasi);
    (drawing.stage, drawing.files) = (stage, files);
    let mut store = Store::new(&prepared.engine, drawing);
    store.limiter(|drawing| &mut drawing.meter);
    store.set_hostcall_fuel(CALL);
    store.set_epoch_deadline(1);
    let started = ThreadTime::now().as_duration();
    let (cpu, begun) = (meter.clone(), prepared.started);
    store.epoch_deadline_callback(move |_| {
        cpu.check_cpu(ThreadTime::now().as_duration().saturating_sub(started))?;
        // The clock of a rehearsal does not tell.
        if begun.elapsed() > limits.time {
            return Err(cpu.out_of_time().into());
        }
        // To the runtime, which sees to the time in all and to signals.
        Ok(UpdateDeadline::Yield(1))
    });
    let outcome = tokio::select! {
        outcome = asked(prepared, &mut store) => outcome,
        () = end_of_time(limits.time, prepared.started, rehearsal) => Err(End::Limit(meter.out_of_time().to_string())),
        signal = interruption.comes() => Err(End::Interrupted(signal)),
    };
    (outcome, store.into_data())
}

/// Deny by default: no files, no environment, no sockets, no input; output, arguments, clocks, and random numbers that are the
/// same for the same module and arguments on every machine.
fn wasi(mut granted: Granted, prepared: &Prepared, arguments: &[String], meter: &Meter, stage: Stage) -> WasiCtx {
    let mut hash = Sha256::new();
    hash.update(prepared.identity.digest);
    for argument in arguments {
        hash.update((argument.len() as u64).to_le_bytes());
        hash.update(argument);
    }
    granted.seed(hash.finalize().into());
    let mut wasi = granted.wasi;
    wasi.arg(&prepared.identity.name).args(arguments);
    // What a plan prints is for the user, or for a program; what the scenario says goes beside it.
    wasi.stdout(if stage == Stage::Plan { Output::stderr(meter.clone()) } else { Output::stdout(meter.clone()) });
    if stage.is_rehearsal() {
        wasi.wall_clock(RehearsalClock::start()).monotonic_clock(RehearsalClock::start());
    }
    wasi.stderr(Output::stderr(meter.clone()));
    wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
    wasi.build()
}

/// Says how an instance was ended.
pub(super) fn ended(error: &wasmtime::Error, store: &Store<Drawing>) -> End {
    if let Some(reached) = error.downcast_ref::<LimitReached>() {
        return End::Limit(reached.to_string());
    }
    if matches!(error.downcast_ref::<ResourceTableError>(), Some(ResourceTableError::Full)) {
        return End::Limit(store.data().meter.out_of_handles().to_string());
    }
    // What wasmtime asks the kernel with is none of its public types.
    let is_first = error.downcast_ref::<WasmBacktrace>().is_none();
    if is_first && error.root_cause().to_string().ends_with("(os error 12)") {
        return End::NoMemory;
    }
    // The reason, then the guest's own frames.
    let mut text = error.root_cause().to_string();
    if let Some(frames) = error.downcast_ref::<WasmBacktrace>() {
        // Their heading says no more than that these are they.
        let frames = frames.to_string();
        for frame in frames.lines().skip(1) {
            text.push('\n');
            text.extend(frame.chars().take(LONGEST_FRAME));
        }
    }
    End::Trapped(text.trim_end().to_owned())
}

/// Signals that end this process.
struct Interruption(Vec<(i32, SignalStream)>);

impl Interruption {
    /// Waits for them from now on, not first when it is asked.
    fn listen(signals: &[i32]) -> Self {
        let stream = |number: &i32| Some((*number, signal(SignalKind::from_raw(*number)).ok()?));
        Self(signals.iter().filter_map(stream).collect())
    }

    /// Returns the number of the first that comes.
    async fn comes(mut self) -> i32 {
        poll_fn(|context| {
            let mut came = self
                .0
                .iter_mut()
                .filter_map(|(number, stream)| stream.poll_recv(context).is_ready().then_some(*number));
            came.next().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
