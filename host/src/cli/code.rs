//! A module's code: taken from the cache, or compiled by a process of its own and kept.

use std::fs::Metadata;
use std::time::{Duration, Instant};

use super::ended::not_loaded;
use super::progress::Progress;
use super::source::Source;
use super::{Exit, Failure};
use crate::cache::{self, Cache, CompilerError, Kept, Key, Spent, Task};
use crate::lab;
use crate::own::Unfit;
use crate::render::Compiled;
use crate::sandbox::CompilerLimits;
use crate::script::{self, Identity, LoadError, Native, RunLimits};
use crate::topology::harmless;

/// Bytes of what a compiler says that nobody can read.
const REPORT: usize = 200;

/// What the engine will execute for a module.
pub(super) struct Code {
    pub(super) engine: script::Engine,
    pub(super) native: Native,
    /// Of which module it is.
    pub(super) identity: Identity,
    /// How it was come by.
    pub(super) compiled: Compiled,
}

/// Comes by the code of a module. To be called before this process gives up what it has, as the cache is this user's alone, and while
/// it has one thread.
pub(super) fn code_of(source: Source, limits: &RunLimits, shown: &str) -> Result<Code, Failure> {
    let started = Instant::now();
    let broken = |error| not_loaded(error, shown);
    let engine = script::engine().map_err(LoadError::Engine).map_err(broken)?;
    let engine_digest = script::engine_digest(&engine);
    let key = |identity: &Identity| Key::new(identity.digest, engine_digest);
    let cache = open_cache();
    let kept = |identity: &Identity| cache.as_ref()?.take(&key(identity));
    let before = source.metadata();
    // What is known by its file is not read.
    if let Some(identity) = known(&source, cache.as_ref(), before.as_ref(), limits)
        && let Some(kept) = kept(&identity)
    {
        return kept_code(engine, &kept, identity).map_err(broken);
    }
    let module = source.read(limits.module).map_err(broken)?;
    let identity = module.identity().clone();
    if let (Some(cache), Some(before)) = (&cache, &before) {
        // Without that it is read again the next time.
        let _ = cache.has_seen(before, identity.digest);
    }
    if let Some(kept) = kept(&identity) {
        return kept_code(engine, &kept, identity).map_err(broken);
    }
    let key = key(&identity);
    let mut progress = Progress::of(format!("compiling `{}`", harmless(shown)));
    let deadline = started + limits.time.min(Duration::from_secs(u64::from(u32::MAX)));
    let compiled = cache::compile(Task::Compile, &identity.name, module.bytes(), deadline, || progress.tick());
    drop(progress);
    let bytes = compiled.map_err(|error| refused(error, limits, shown))?;
    if let Some(cache) = cache
        && let Err(error) = cache.keep(&key, &bytes)
    {
        let place = harmless(&cache.path().display().to_string());
        eprintln!(
            "warning: the compiled module could not be kept in `{place}`, so the next run compiles again: {}",
            error.kind()
        );
    }
    // SAFETY: the compiler is a process of this program's, and nobody else has touched what it has made.
    let native = unsafe { Native::new(&engine, &bytes) }.map_err(broken)?;
    Ok(Code { engine, native, identity, compiled: Compiled::Now(started.elapsed()) })
}

/// Takes in code from the cache.
fn kept_code(engine: script::Engine, kept: &Kept, identity: Identity) -> Result<Code, LoadError> {
    // SAFETY: the cache is this user's alone, and its entries are not changed once they are there.
    let native = match unsafe { Native::open(&engine, &kept.path()) } {
        // Where a file system is mounted without `exec`, its files are none to be executed, and what is read from them is.
        Err(LoadError::Code(_)) => {
            let code = kept.read()?;
            // SAFETY: the same.
            unsafe { Native::new(&engine, &code) }?
        }
        native => native?,
    };
    Ok(Code { engine, native, identity, compiled: Compiled::Before })
}

/// Tells which module a file holds, if the cache knows it.
fn known(source: &Source, cache: Option<&Cache>, file: Option<&Metadata>, limits: &RunLimits) -> Option<Identity> {
    let file = file.filter(|file| file.len() <= limits.module)?;
    let digest = cache?.seen(source.file()?, file)?;
    // What was damaged before it was seen is read, and found to be.
    let is_it = source.digest().is_none_or(|expected| expected == digest);
    is_it.then(|| Identity { name: source.name().into_owned(), digest })
}

/// Opens the cache. Without one each run compiles, which is worth a word only where somebody may be up to something.
fn open_cache() -> Option<Cache> {
    match Cache::open() {
        Ok(cache) => Some(cache),
        Err(unfit @ Unfit::Unsafe { .. }) => {
            eprintln!("warning: {}; compiled modules are not kept", harmless(&unfit.to_string()));
            None
        }
        Err(Unfit::Nowhere(_) | Unfit::Closed { .. }) => None,
    }
}

fn refused(error: CompilerError, limits: &RunLimits, shown: &str) -> Failure {
    let act = format!("`{}` can't be compiled", harmless(shown));
    match error {
        CompilerError::OutOfTime => not_loaded(LoadError::OutOfTime(limits.out_of_time()), shown),
        CompilerError::Refused(report) => match serde_json::from_slice(&report) {
            Ok(refused) => not_loaded(LoadError::Compile(refused), shown),
            Err(_) => unclear(&report, act),
        },
        error => broke_off(error, act),
    }
}

/// Says that a compiler has given an answer that is none.
pub(super) fn unclear(report: &[u8], act: String) -> Failure {
    let said = harmless(&String::from_utf8_lossy(&report[..report.len().min(REPORT)]));
    no(anyhow::anyhow!("the compiler said what can't be read: {said}"), act)
}

/// Says why a compiler has given no answer, where it had more to do than it may or could not be run.
pub(super) fn broke_off(error: CompilerError, act: String) -> Failure {
    match error {
        CompilerError::Broken { status, report } if status.code().is_some() => {
            let said = String::from_utf8_lossy(&report).lines().take(3).map(harmless).collect::<Vec<_>>().join("; ");
            let error = anyhow::anyhow!("the compiler broke off, {status}: {said}");
            Failure { exit: Exit::Failed, ..no(error, act) }
        }
        error @ (CompilerError::Spent(_) | CompilerError::Broken { .. }) => ended_by_a_limit(error, act),
        CompilerError::Io(error) if lab::is_short_of_files(&error) => {
            let hint = Some("raise the limit of open files: `ulimit -n`".into());
            Failure { exit: Exit::Unable, hint, ..no(CompilerError::Io(error).into(), act) }
        }
        error => Failure { exit: Exit::Failed, ..no(error.into(), act) },
    }
}

/// Says which limit has ended a compiler, as far as that can be told, and what it may use.
fn ended_by_a_limit(error: CompilerError, act: String) -> Failure {
    let CompilerLimits { memory, cpu, code } = match CompilerLimits::in_force() {
        Ok(limits) => limits,
        Err(error) => return error.into(),
    };
    let size = |bytes| bytesize::ByteSize(bytes).display().iec();
    let memory = format!("{} of memory", size(memory));
    let cpu = format!("{} of CPU time", humantime::format_duration(Duration::from_secs(cpu)));
    let reached = |limit| anyhow::anyhow!("the compiler reached its limit of {limit}");
    let error = match error {
        CompilerError::Spent(Spent::Memory) => reached(&memory),
        CompilerError::Spent(Spent::CpuTime) => reached(&cpu),
        error => error.into(),
    };
    no(error, act)
        .hint(format!("it may use {memory}, {cpu} and {} of code; the module may be made to take more", size(code)))
}

fn no(error: anyhow::Error, act: String) -> Failure {
    Failure { exit: Exit::No, error: error.context(act), hint: None }
}
