//! From a module's bytes and its compiled code to a component that can be run.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use sha2::{Digest, Sha256};
use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::{Component, Type, types::ComponentItem};
use wasmtime_wasi::p2::bindings::CommandPre;

use super::bindings::describes::DescribesPre;
use super::compile::CompileError;
use super::drawing::Drawing;
use super::engine::linker;
use super::limits::LimitReached;
use crate::module::is_bundle;
use crate::module::wit::{DESCRIBE, PACKAGE, VERSION, is_compatible, is_describe, is_ours};
use crate::topology::harmless;

/// What there is of WASI 0.2.
const WASI: [&str; 6] = ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random", "wasi:sockets"];

/// Why a module can't be run.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("it could not be read")]
    Read(#[from] io::Error),
    /// The file is not what it is named by.
    #[error("its file in the store is damaged: it is not what its digest says")]
    Damaged,
    /// The file is larger than the limit.
    #[error("it is larger than the limit of {limit}; `--max-module` raises it")]
    TooLarge {
        /// The limit.
        limit: bytesize::Display,
    },
    /// It could not be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Code that was compiled is not taken by the engine that compiled it.
    #[error("its compiled code can't be loaded")]
    Code(#[source] wasmtime::Error),
    /// It imports what is not there.
    #[error("it imports `{import}`, which this orchestrator does not have")]
    Import {
        /// The interface.
        import: String,
        /// What is known about it.
        hint: Option<String>,
    },
    /// It imports something of an interface that is there.
    #[error("it imports `{item}` of `{interface}`, and there is nothing here of that name and type")]
    Item {
        /// The function or type.
        item: String,
        /// The interface.
        interface: String,
        /// What is known about it.
        hint: String,
    },
    /// It can't be run as a command.
    #[error("it exports no `wasi:cli/run@0.2`, so it is no command and no scenario")]
    NoRun {
        /// It exports an interface that scenarios may import.
        is_library: bool,
    },
    /// What it exports as a command's function takes or returns something else.
    #[error("its `run` is of another type than that of `wasi:cli/run@0.2`, so it is no command and no scenario")]
    OtherRun,
    /// What it exports to say what it is takes or returns something else.
    #[error("what it exports as `{0}` is of another type than the interface of that name here")]
    OtherDescribe(String),
    /// Compiling took all the time that the run may have.
    #[error(transparent)]
    OutOfTime(LimitReached),
    /// The kernel gives no thread, or no memory, to run it.
    #[error("the kernel gives it no thread to run in")]
    Thread(#[source] io::Error),
    /// The engine could not be set up.
    #[error("the WebAssembly engine could not be set up")]
    Engine(#[source] wasmtime::Error),
}

/// Which scenario it is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What it is called in messages, and its first argument.
    pub name: String,
    /// The SHA-256 of its module.
    pub digest: [u8; 32],
}

/// The bytes of a scenario.
#[derive(Debug)]
pub struct Module {
    identity: Identity,
    bytes: Vec<u8>,
}

/// The code of a scenario.
pub struct Native(Component);

/// A scenario that is compiled.
pub struct Prepared {
    pub(super) engine: Engine,
    pub(super) command: CommandPre<Drawing>,
    /// It says what it is.
    pub(super) describes: Option<DescribesPre<Drawing>>,
    pub(super) identity: Identity,
    /// When it all began.
    pub(super) started: Instant,
}

impl Module {
    /// Takes bytes that are there already.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        let digest = Sha256::digest(&bytes).into();
        Self { identity: Identity { name: name.into(), digest }, bytes }
    }

    /// Reads an open file, no further than the limit.
    pub fn read(name: impl Into<String>, file: File, limit: u64) -> Result<Self, LoadError> {
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(LoadError::TooLarge { limit: bytesize::ByteSize(limit).display().iec() });
        }
        // Only this program puts those together.
        if is_bundle(&bytes) {
            return Err(CompileError::NotWasm.into());
        }
        Ok(Self::new(name, bytes))
    }

    /// Returns the module's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the module's bytes alone.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns which it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

impl Native {
    /// Takes in code that `compile` has made.
    ///
    /// # Safety
    ///
    /// The code is executed as it is, so nobody else must have had a hand in it.
    pub unsafe fn new(engine: &Engine, code: &[u8]) -> Result<Self, LoadError> {
        // SAFETY: the caller vouches for it.
        unsafe { Component::deserialize(engine, code) }.map(Self).map_err(LoadError::Code)
    }

    /// Takes in code that `compile` has made and that is in a file, of which no more is read than is used.
    ///
    /// # Safety
    ///
    /// As of [`Native::new`], and the file must stay as it is for as long as this process is there.
    pub unsafe fn open(engine: &Engine, file: &Path) -> Result<Self, LoadError> {
        // SAFETY: the caller vouches for it.
        unsafe { Component::deserialize_file(engine, file) }.map(Self).map_err(LoadError::Code)
    }

    /// Tells whether it says what it is.
    pub fn is_described(&self, engine: &Engine) -> bool {
        described(engine, &self.0).is_some()
    }

    /// Makes it ready to be run by the engine that it was taken in by, and checks that all it imports is there. Compiling began at
    /// `started`.
    pub fn prepare(self, engine: Engine, identity: Identity, started: Instant) -> Result<Prepared, LoadError> {
        let Self(component) = self;
        let linker = linker(&engine).map_err(LoadError::Engine)?;
        let instance = match linker.instantiate_pre(&component) {
            Ok(instance) => instance,
            Err(error) => return Err(explain_imports(&engine, &component, error)),
        };
        let describes = match described(&engine, &component) {
            None => None,
            Some((export, ty)) => {
                let pre = DescribesPre::new(instance.clone()).ok().filter(|_| is_description(&engine, &ty));
                Some(pre.ok_or_else(|| LoadError::OtherDescribe(harmless(&export)))?)
            }
        };
        let is_library = || {
            let gives = |name: &str| name.contains(':') && !name.starts_with("wasi:");
            let interface = |item: &ComponentItem| matches!(item, ComponentItem::ComponentInstance(_));
            component.component_type().exports(&engine).any(|(name, export)| gives(name) && interface(&export.ty))
        };
        let command = CommandPre::new(instance).map_err(|_| LoadError::NoRun { is_library: is_library() })?;
        if !runs_as_a_command(&engine, &component) {
            return Err(LoadError::OtherRun);
        }
        Ok(Prepared { engine, command, describes, identity, started })
    }
}

/// Returns what a component exports to say what it is, if it does.
fn described(engine: &Engine, component: &Component) -> Option<(String, ComponentItem)> {
    let ty = component.component_type();
    let mut exports = ty.exports(engine).map(|(name, export)| (name.to_owned(), export.ty));
    exports.find(|(name, _)| is_describe(name))
}

/// Tells whether an interface says what a scenario is: of what is in it, the engine tells when it is asked.
fn is_description(engine: &Engine, ty: &ComponentItem) -> bool {
    let ComponentItem::ComponentInstance(interface) = ty else { return false };
    let Some(ComponentItem::ComponentFunc(describe)) = interface.get_export(engine, "describe").map(|export| export.ty)
    else {
        return false;
    };
    let is_record =
        |ty| matches!(ty, Type::Record(record) if record.fields().map(|field| field.name.to_owned()).eq(FIELDS));
    describe.params().len() == 0 && describe.results().len() == 1 && describe.results().all(is_record)
}

/// What a description has.
const FIELDS: [&str; 3] = ["title", "summary", "arguments"];

/// Tells whether each `run` that a component exports for WASI 0.2 is `func() -> result`: the engine would find out only when it is
/// called.
fn runs_as_a_command(engine: &Engine, component: &Component) -> bool {
    let ty = component.component_type();
    let of_wasi = ty.exports(engine).filter(|(name, _)| name.starts_with("wasi:cli/run@0.2."));
    of_wasi.map(|(_, export)| export.ty).all(|item| {
        let ComponentItem::ComponentInstance(interface) = item else { return false };
        let Some(ComponentItem::ComponentFunc(run)) = interface.get_export(engine, "run").map(|run| run.ty) else {
            return false;
        };
        let result = |ty| matches!(ty, Type::Result(either) if either.ok().is_none() && either.err().is_none());
        run.params().len() == 0 && run.results().len() == 1 && run.results().all(result)
    })
}

/// Names the first import that is not there, or differs.
fn explain_imports(engine: &Engine, component: &Component, error: wasmtime::Error) -> LoadError {
    let ty = component.component_type();
    let imports = ty.imports(engine).map(|(name, item)| (name.to_owned(), item.ty.clone()));
    let known = |name: &str| {
        let (interface, version) = name.split_once('@').unwrap_or((name, ""));
        let ours = is_ours(interface) && is_compatible(version);
        ours || WASI.contains(&interface.split('/').next().unwrap_or_default()) && version.starts_with("0.2.")
    };
    let unknown = imports.filter(|(_, item)| !matches!(item, ComponentItem::Type(_))).find(|(name, _)| !known(name));
    let Some((import, _)) = unknown else {
        // The interface is there, so a function of it is newer than this program, or is declared otherwise.
        let text = format!("{error:#}");
        let mut quoted = text.split('`').skip(1).step_by(2);
        let interface = quoted.next().unwrap_or("an interface");
        let (interface, item) = (harmless(interface), harmless(quoted.next().unwrap_or("something")));
        let hint =
            format!("this orchestrator has {PACKAGE}*@{VERSION}; the scenario may be built against a later version");
        return LoadError::Item { item, interface, hint };
    };
    let interface = import.split('@').next().unwrap_or_default();
    let hint = if interface == DESCRIBE {
        Some("a scenario exports it, and nobody can import it".into())
    } else if interface.starts_with(PACKAGE) && !is_ours(interface) {
        Some(format!("this orchestrator has {PACKAGE}*@{VERSION}; the scenario may be built against a later version"))
    } else if is_ours(interface) {
        Some(format!(
            "this orchestrator has {interface}@{VERSION}; build the scenario against that version, which `orchestrator wit --out DIR` writes"
        ))
    } else if interface.starts_with("wasi:") {
        Some("of WASI there is version 0.2: cli, clocks, filesystem, io, random, sockets".into())
    } else {
        Some("nothing here gives that, yet a library may: `--with LIB`".into())
    };
    LoadError::Import { import: harmless(&import), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepare(text: &str) -> Result<(), LoadError> {
        let code = super::super::compile("test", text.as_bytes())?;
        let engine = super::super::engine().map_err(LoadError::Engine)?;
        // SAFETY: it comes from the compiler.
        let native = unsafe { Native::new(&engine, &code) }?;
        let identity = Module::new("test", text.into()).identity().clone();
        native.prepare(engine, identity, Instant::now()).map(drop)
    }

    #[test]
    fn component_that_is_no_command_is_told() {
        assert!(matches!(prepare("(component)"), Err(LoadError::NoRun { is_library: false })));
    }

    #[test]
    fn command_whose_run_is_of_another_type_is_told() {
        for (ty, core) in [
            ("(param \"n\" u32) (result (result))", "(param i32) (result i32)"),
            ("(result (result u32))", "(result i32)"),
            ("(result bool)", "(result i32)"),
            ("", ""),
        ] {
            let text = format!(
                "(component
                   (core module $m (func (export \"run\") {core} unreachable)
                     (memory (export \"memory\") 1))
                   (core instance $i (instantiate $m))
                   (func $run {ty} (canon lift (core func $i \"run\") (memory (core memory $i \"memory\"))))
                   (instance $command (export \"run\" (func $run)))
                   (export \"wasi:cli/run@0.2.0\" (instance $command)))"
            );
            let outcome = prepare(&text);
            assert!(matches!(outcome, Err(LoadError::OtherRun)), "{ty}: {outcome:?}");
        }
    }

    #[test]
    fn import_that_is_not_there_is_named() {
        let error = prepare("(component (import \"acme:shop/till@1.0.0\" (instance (export \"open\" (func)))))");
        let Err(LoadError::Import { import, hint: Some(_), .. }) = error else { panic!("it was accepted") };
        assert_eq!(import, "acme:shop/till@1.0.0");
    }

    #[test]
    fn import_of_another_version_is_told_the_one_that_is_there() {
        let text =
            "(component (import \"orchestrator:net/lab@0.2.0\" (instance (export \"name\" (func (result string))))))";
        let Err(LoadError::Import { import, hint: Some(hint), .. }) = prepare(text) else { panic!("it was accepted") };
        assert_eq!(import, "orchestrator:net/lab@0.2.0");
        assert!(hint.contains("orchestrator:net/lab@0.1.0"), "{hint}");
    }
}
