//! From a core module, which most compilers make, to a component.
//!
//! What it imports of ours is told by name alone, so that a toolchain which can declare imports needs to know nothing of WIT; one
//! that knows more has left it in the module. WASI comes from the C library as preview 1, and an adapter turns it into WASI 0.2.

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use thiserror::Error;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW_1, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, SourceMap, WorldId};

use super::go;
use super::imports::Declarations;
use super::wit::{self, File};

/// To be raised when a module is turned into another component than before: with the encoder's version too.
const RECIPE: u32 = 2;
/// So many imports that nobody gives are named.
const NAMED: usize = 5;
/// What a world of ours and WASI's is called that says what a module without WIT imports.
const WORLD: &str = "module";
/// What a program's memory is called, by every toolchain and by the encoder (component-model, BuildTargets.md).
const MEMORY: &str = "memory";

/// Why a core module can't be made a component.
#[derive(Debug, Error)]
pub enum CoreError {
    /// It is not valid.
    #[error("it is no valid core module: {0}")]
    Invalid(String),
    /// It is no program.
    #[error("it exports no `_start`, so it is no command and no scenario")]
    NoStart,
    /// Nobody can speak to it.
    #[error("it exports no `memory`, by which what it asks for and is told is passed")]
    NoMemory,
    /// It asks for what is not there.
    #[error("it imports {}, which nobody gives it here", list(.0))]
    Unknown(Vec<String>),
    /// It asks for another version of our interfaces.
    #[error("it imports `{interface}@{version}`, which this orchestrator does not have")]
    Version {
        /// The interface.
        interface: String,
        /// The version that it wants.
        version: String,
    },
    /// It asks for two versions of them, whose handles would be different things.
    #[error("it imports orchestrator:net of two versions, {one} and {other}")]
    Versions {
        /// One of them.
        one: String,
        /// Another.
        other: String,
    },
    /// What it imports and exports is no component's.
    #[error("no component can be made of it: {0}")]
    Misfit(String),
}

fn list(imports: &[String]) -> String {
    let named = imports.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = imports.len().saturating_sub(NAMED);
    if more > 0 { format!("{named} and {more} more") } else { named }
}

/// Returns the SHA-256 of all that the component hangs on besides its module.
pub fn recipe() -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(RECIPE.to_le_bytes());
    digest.update(env!("CARGO_PKG_VERSION"));
    wit::FILES.iter().chain(wit::WASI).for_each(|file| digest.update(file.text));
    digest.update(ADAPTER);
    digest.finalize().into()
}

/// Makes a component of a core module that is a command.
pub(super) fn adapted(module: &[u8]) -> Result<Vec<u8>, CoreError> {
    let declarations = Declarations::of(module).map_err(|error| CoreError::Invalid(error.to_string()))?;
    let version = version_of_ours(&declarations)?;
    let mut module = match go::with_room(module).map_err(misfit)? {
        Some(roomy) => roomy,
        None => module.to_vec(),
    };
    let known = if declarations.has_wit {
        BTreeSet::new()
    } else {
        let wants_wasi = declarations.imports.iter().any(|(interface, _)| interface.starts_with("wasi:"));
        let describes =
            declarations.exports.iter().any(|export| export.strip_suffix("#describe").is_some_and(wit::is_describe));
        let (resolve, world) = world(&version, wants_wasi, describes).map_err(misfit)?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(misfit)?;
        functions(&resolve, world)
    };
    let preview_1 = Declarations::of(ADAPTER).map_err(|error| CoreError::Invalid(error.to_string()))?.exports;
    let is_known = |interface: &str, name: &str| match interface {
        PREVIEW_1 => preview_1.iter().any(|function| function == name),
        // What it says by WIT is looked at with that.
        _ if declarations.has_wit => interface.contains([':', '$', '[']),
        _ => known.contains(&(interface.to_owned(), name.to_owned())),
    };
    let unknown: BTreeSet<String> = (declarations.imports.iter())
        .filter(|(interface, name)| !is_known(interface, name))
        .map(|(interface, name)| format!("`{name}` of `{interface}`"))
        .collect();
    if !unknown.is_empty() {
        return Err(CoreError::Unknown(unknown.into_iter().collect()));
    }
    let runs = |export: &String| export == "_start" || export.contains("wasi:cli/run@");
    if !declarations.exports.iter().any(runs) {
        return Err(CoreError::NoStart);
    }
    // One that says by WIT what it is may need none.
    if !declarations.has_wit && !declarations.exports.iter().any(|export| export == MEMORY) {
        return Err(CoreError::NoMemory);
    }
    quietly(|| {
        ComponentEncoder::default()
            .validate(true)
            // Without that the text of a C program's first `printf` is lost, and Go's stack runs over: the adapter would ask the
            // module's own allocator for memory before it is set up. What that means for Go, go.rs has seen to.
            .realloc_via_memory_grow(true)
            .module(&module)?
            .adapter(PREVIEW_1, ADAPTER)?
            .encode()
    })
    .unwrap_or_else(|| Err(anyhow::anyhow!("the encoder broke off: what it says of itself does not go together")))
    .map_err(misfit)
}

/// Does something that panics where a module was not made by a compiler. To be called where nothing else may panic meanwhile.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(hook);
    done.ok()
}

/// Says what the encoder found, and of what. Before that its words tell only how it came to look.
fn misfit(error: impl Into<anyhow::Error>) -> CoreError {
    let error = error.into();
    let words: Vec<String> = error.chain().map(ToString::to_string).collect();
    CoreError::Misfit(words[words.len().saturating_sub(2)..].join(": "))
}

/// Returns the version of our interfaces that a module was written against, if it can be run here.
fn version_of_ours(declarations: &Declarations) -> Result<String, CoreError> {
    let mut found: Option<String> = None;
    for (import, _) in &declarations.imports {
        let Some((interface, version)) = import.split_once('@').filter(|_| import.starts_with(wit::PACKAGE)) else {
            continue;
        };
        if !wit::is_compatible(version) {
            return Err(CoreError::Version { interface: interface.into(), version: version.into() });
        }
        match &found {
            Some(other) if other != version => {
                return Err(CoreError::Versions { one: other.clone(), other: version.into() });
            }
            _ => found = Some(version.into()),
        }
    }
    Ok(found.unwrap_or_else(|| wit::VERSION.into()))
}

/// Makes the world of all that a module without WIT may import. Our package is called what the module calls it: what of its version
/// is not here is not found by its name. One that `describes` itself exports that.
fn world(version: &str, wants_wasi: bool, describes: bool) -> anyhow::Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let push = |resolve: &mut Resolve, files: &[(&str, String)]| -> anyhow::Result<_> {
        let mut sources = SourceMap::default();
        files.iter().for_each(|(path, text)| sources.push_str(path, text.clone()));
        Ok(resolve.push_group(sources.parse().map_err(|(_, error)| error)?)?)
    };
    if wants_wasi {
        for File { path, text } in wit::WASI {
            push(&mut resolve, &[(path, (*text).to_owned())])?;
        }
    }
    let named = |text: &str| {
        text.replace(&format!("orchestrator:net@{};", wit::VERSION), &format!("orchestrator:net@{version};"))
    };
    let is_interface = |file: &&File| file.path != "world.wit";
    let ours: Vec<_> = wit::FILES.iter().filter(is_interface).map(|file| (file.path, named(file.text))).collect();
    push(&mut resolve, &ours)?;
    let mut text = format!("package orchestrator:core;\nworld {WORLD} {{\n");
    for name in wit::interfaces() {
        text.push_str(&format!("import {}{name}@{version};\n", wit::PACKAGE));
    }
    if describes {
        text.push_str(&format!("export {}@{version};\n", wit::DESCRIBE));
    }
    if wants_wasi {
        text.push_str(&format!("include wasi:cli/imports@{};\n", wit::WASI_VERSION));
    }
    text.push('}');
    let package = push(&mut resolve, &[("module.wit", text)])?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    Ok((resolve, world))
}

/// Lists all functions that there are here, of our interfaces and of WASI's, by interface without its version.
pub(super) fn known() -> &'static BTreeSet<(String, String)> {
    static KNOWN: OnceLock<BTreeSet<(String, String)>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let (resolve, world) = world(wit::VERSION, true, false).expect("a test reads this WIT too");
        let unversioned = |interface: String| interface.split('@').next().map(str::to_owned).unwrap_or_default();
        functions(&resolve, world).into_iter().map(|(interface, name)| (unversioned(interface), name)).collect()
    })
}

/// Lists what a core module may import of a world, by interface and name.
fn functions(resolve: &Resolve, world: WorldId) -> BTreeSet<(String, String)> {
    let mut known = BTreeSet::new();
    for (key, item) in &resolve.worlds[world].imports {
        let wit_parser::WorldItem::Interface { id, .. } = item else { continue };
        let interface = resolve.name_world_key(key);
        let of = &resolve.interfaces[*id];
        let functions = of.functions.keys().cloned();
        let is_resource = |id: &&wit_parser::TypeId| resolve.types[**id].kind == wit_parser::TypeDefKind::Resource;
        let resources = of.types.values().filter(is_resource).filter_map(|id| resolve.types[*id].name.as_ref());
        let drops = resources.map(|resource| format!("[resource-drop]{resource}"));
        known.extend(functions.chain(drops).map(|name| (interface.clone(), name)));
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with the WIT of a world that has nothing.
    fn with_wit(text: &str) -> Vec<u8> {
        let mut module = wat::parse_str(text).unwrap();
        let mut resolve = Resolve::default();
        let package = resolve.push_source("a.wit", "package a:b; world nothing {}").unwrap();
        let world = resolve.select_world(&[package], Some("nothing")).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        module
    }

    #[test]
    fn module_that_brings_its_wit_is_taken_at_its_word() {
        assert!(adapted(&with_wit("(module (func (export \"_start\")) (memory (export \"memory\") 1))")).is_ok());
        let wants = "(module (import \"a:b/c\" \"d\" (func)) (func (export \"_start\")))";
        assert!(matches!(adapted(&with_wit(wants)), Err(CoreError::Misfit(_))));
        let wants = "(module (import \"env\" \"d\" (func)) (func (export \"_start\")))";
        assert!(matches!(adapted(&with_wit(wants)), Err(CoreError::Unknown(_))));
    }

    #[test]
    fn what_takes_the_encoder_down_is_an_error() {
        // It takes for granted that whoever waits has a memory.
        let waits = "(module (import \"$root\" \"[waitable-set-wait]\" (func (param i32 i32) (result i32)))
            (func (export \"_start\")))";
        assert!(matches!(adapted(&with_wit(waits)), Err(CoreError::Misfit(_))));
        assert_eq!(quietly(|| -> u32 { panic!("no") }), None);
        assert_eq!(quietly(|| 1), Some(1));
    }
}
