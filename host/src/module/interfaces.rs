//! The WIT of what a library exports, so that a scenario can be written against it.

use std::collections::BTreeSet;

use thiserror::Error;
use wit_component::{DecodedWasm, WitPrinter, decode};
use wit_parser::{PackageId, Resolve, TypeDefKind, TypeId, TypeOwner, WorldItem};

use super::core::quietly;
use super::kind::{Binary, KindError, binary};
use super::wit;

/// Why there is none.
#[derive(Debug, Error)]
pub enum InterfacesError {
    /// It is no module.
    #[error(transparent)]
    Kind(#[from] KindError),
    /// It is a core module.
    #[error("it is a core module, which exports no interfaces")]
    Core,
    /// It exports nothing that a scenario could import.
    #[error("it exports no interface that a scenario could import")]
    Nothing,
    /// Its types are none of WIT's.
    #[error("what it exports can't be said in WIT: {0}")]
    Unsayable(String),
}

/// The packages of what a component exports, and of what these use, but for ours and WASI's: the name of each, and its text.
pub fn interfaces(name: &str, bytes: &[u8]) -> Result<Vec<(String, String)>, InterfacesError> {
    let component = match binary(name, bytes)? {
        Binary::Core(_) => return Err(InterfacesError::Core),
        Binary::Component(component) => component,
    };
    let read = quietly(|| printed(&component)).unwrap_or_else(|| Err(anyhow::anyhow!("the decoder broke off")));
    let printed = read.map_err(|error| InterfacesError::Unsayable(format!("{error:#}")))?;
    if printed.is_empty() { Err(InterfacesError::Nothing) } else { Ok(printed) }
}

fn printed(component: &[u8]) -> anyhow::Result<Vec<(String, String)>> {
    let DecodedWasm::Component(resolve, world) = decode(component)? else { return Ok(Vec::new()) };
    let mut packages = BTreeSet::new();
    for item in resolve.worlds[world].exports.values() {
        if let WorldItem::Interface { id, .. } = item {
            add(&resolve, resolve.interfaces[*id].package, &mut packages);
        }
    }
    let mut printed = Vec::new();
    for package in packages {
        let name = &resolve.packages[package].name;
        let mut printer = WitPrinter::default();
        printer.print(&resolve, package, &[])?;
        printed.push((format!("{}-{}", name.namespace, name.name), printer.output.to_string()));
    }
    printed.sort();
    // Of two versions, say: each is a file.
    for at in 1..printed.len() {
        let twins = printed[..at].iter().filter(|(name, _)| *name == printed[at].0).count();
        if twins > 0 {
            printed[at].0 += &format!("-{}", twins + 1);
        }
    }
    Ok(printed)
}

/// Adds a package and those that its interfaces use. Ours and WASI's are in each project.
fn add(resolve: &Resolve, package: Option<PackageId>, packages: &mut BTreeSet<PackageId>) {
    let Some(package) = package else { return };
    let name = &resolve.packages[package].name;
    if name.namespace == "wasi" || wit::PACKAGE == format!("{}:{}/", name.namespace, name.name) {
        return;
    }
    if !packages.insert(package) {
        return;
    }
    for interface in resolve.packages[package].interfaces.values() {
        for ty in resolve.interfaces[*interface].types.values() {
            add(resolve, origin(resolve, *ty), packages);
        }
    }
}

/// The package that a type comes from.
fn origin(resolve: &Resolve, ty: TypeId) -> Option<PackageId> {
    let ty = &resolve.types[ty];
    match (&ty.kind, ty.owner) {
        (TypeDefKind::Type(wit_parser::Type::Id(other)), _) => origin(resolve, *other),
        (_, TypeOwner::Interface(interface)) => resolve.interfaces[interface].package,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exports_nothing_is_told() {
        let of = |text: &'static str| interfaces("test", text.as_bytes());
        assert!(matches!(of("(module)"), Err(InterfacesError::Core)));
        assert!(matches!(of("(component)"), Err(InterfacesError::Nothing)));
        assert!(matches!(of("no module"), Err(InterfacesError::Kind(_))));
        let command = "(component (instance $run) (export \"wasi:cli/run@0.2.0\" (instance $run)))";
        assert!(matches!(of(command), Err(InterfacesError::Nothing)));
    }

    #[test]
    fn packages_are_told_with_those_that_they_use() {
        let component = "(component
            (import \"a:types/t@1.0.0\" (instance $t (type $r (record (field \"x\" u32))) (export \"r\" (type (eq $r)))))
            (alias export $t \"r\" (type $r))
            (core module $m (func (export \"f\") (param i32)) (memory (export \"memory\") 1))
            (core instance $m (instantiate $m))
            (func $f (param \"r\" $r) (canon lift (core func $m \"f\")))
            (component $shim (import \"r\" (type $r0 (eq $r))) (import \"f\" (func $f (param \"r\" $r0)))
              (export $r1 \"r\" (type $r0)) (export \"f\" (func $f) (func (param \"r\" $r1))))
            (instance $e (instantiate $shim (with \"r\" (type $r)) (with \"f\" (func $f))))
            (export \"b:lib/go@0.1.0\" (instance $e)))";
        let packages = interfaces("test", component.as_bytes()).unwrap();
        assert_eq!(packages.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a-types", "b-lib"]);
        assert!(packages[1].1.starts_with("package b:lib@0.1.0;"), "{}", packages[1].1);
        assert!(packages[1].1.contains("use a:types/t@1.0.0.{r};"), "{}", packages[1].1);
    }
}
