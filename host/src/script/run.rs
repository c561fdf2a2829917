//! Running a scenario to its end, whichever end that is.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use cpu_time::ThreadTime;
use sha2::{Digest, Sha256};
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};
use wasmtime::component::{ResourceTable, ResourceTableError};
use wasmtime::{Store, UpdateDeadline, WasmBacktrace};
use wasmtime_wasi::{I32Exit, WasiCtx};

use super::Backend;
use super::clock::{RehearsalClock, end_of_time};
use super::drawing::Drawing;
use super::engine::start_clock;
use super::files::Files;
use super::grants::Granted;
use super::limits::{CALL, LimitReached, Meter, RunLimits};
use super::load::{LoadError, Prepared};
use super::look::{Look, Seen};
use super::output::Output;
use crate::topology::{Refusal, Topology};

/// Characters of a guest's frame that are shown: the name in it is the guest's.
const LONGEST_FRAME: usize = 200;

/// How a scenario is to be run.
pub struct Order {
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it is told of its lab's name.
    pub lab_name: String,
    /// What it may use.
    pub limits: RunLimits,
    /// What it may use besides.
    pub granted: Granted,
    /// The network that it begins with.
    pub network: Topology,
    /// The numbers of the signals that end it.
    pub signals: Vec<i32>,
    /// What it is run for.
    pub stage: Stage,
    /// Who makes its steps real.
    pub backend: Arc<Mutex<dyn Backend>>,
}

/// What a scenario is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// To build a lab: the kernel answers its looks.
    Lab,
    /// To edit one that stands. The model answers its looks, and its time is not the user's.
    Edit,
    /// The same, to tell what it would do. What it prints is no answer then.
    Plan,
}

impl Stage {
    /// Tells whether the model answers.
    pub(super) fn is_rehearsal(self) -> bool {
        self != Self::Lab
    }
}

/// How a scenario ended.
#[derive(Debug)]
pub enum End {
    /// It returned success, and all that it drew stands.
    Success,
    /// It returned an error, which it has told the user itself.
    Failed,
    /// It trapped; the text has its own stack.
    Trapped(String),
    /// It reached a limit; the text says which, and the flag.
    Limit(String),
    /// The kernel gave no memory for it to be run in.
    NoMemory,
    /// A step was refused; the lab is undone.
    NotApplied(Refusal),
    /// This process got a signal that ends it.
    Interrupted(i32),
}

/// What became of a run.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub end: End,
    /// The network that was drawn.
    pub network: Topology,
    /// What was looked at since the last change, while a lab is edited.
    pub looks: Vec<(Look, Seen)>,
}

/// Runs a scenario. To be called after this process has given up what it had.
pub fn run(prepared: Prepared, order: Order) -> Result<Report, LoadError> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(order.stage.is_rehearsal()).build().map_err(LoadError::Thread)?;
    start_clock(&prepared.engine).map_err(LoadError::Thread)?;
    let report = runtime.block_on(drive(prepared, order));
    // A call that hangs must not keep the program.
    runtime.shutdown_background();
    report
}

async fn drive(prepared: Prepared, order: Order) -> Result<Report, LoadError> {
    let Order { arguments, lab_name, limits, granted, network, signals, stage, backend } = order;
    let rehearsal = stage.is_rehearsal();
    let meter = Meter::new(limits);
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.handles);
    let files = Files::new(granted.directories > 0);
    let wasi = wasi(granted, &prepared, &arguments, &meter, stage);
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
    let end = tokio::select! {
        end = scenario(&prepared, &mut store) => end,
        () = end_of_time(limits.time, prepared.started, rehearsal) => End::Limit(meter.out_of_time().to_string()),
        signal = interruption.comes() => End::Interrupted(signal),
    };
    let Drawing { topology: network, looks, .. } = store.into_data();
    Ok(Report { end, network, looks })
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

async fn scenario(prepared: &Prepared, store: &mut Store<Drawing>) -> End {
    let returned = async {
        let command = prepared.command.instantiate_async(&mut *store).await?;
        command.wasi_cli_run().call_run(&mut *store).await
    };
    let returned = returned.await;
    // An apply that failed is what matters, whatever the scenario made of it.
    if let Some(failed) = store.data().failed.clone() {
        return End::NotApplied(failed);
    }
    match returned {
        Ok(Ok(())) => finish(store).await,
        Ok(Err(())) => End::Failed,
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(0)) => finish(store).await,
            Some(_) => End::Failed,
            None => ended(&error, store),
        },
    }
}

async fn finish(store: &mut Store<Drawing>) -> End {
    match store.data_mut().apply().await {
        Ok(()) => End::Success,
        // The guest is told less.
        Err(super::errors::Failure::Refused(refusal)) => {
            End::NotApplied(store.data().failed.clone().unwrap_or(refusal))
        }
        Err(super::errors::Failure::Trap(error)) => ended(&error, store),
    }
}

fn ended(error: &wasmtime::Error, store: &Store<Drawing>) -> End {
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
