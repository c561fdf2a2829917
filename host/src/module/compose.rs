//! Plugging libraries into a scenario: what it imports of them, or one of them of another, is what that one exports.

use std::collections::BTreeMap;

use thiserror::Error;
use wac_graph::types::{Package, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use super::bundle::Part;
use super::core::quietly;
use super::survey::{Declared, SurveyError};
use super::wit;

/// The place of the scenario among the parts; its libraries follow.
const SCENARIO: usize = 0;
/// What of a scenario's exports is asked for.
fn is_asked_for(export: &str) -> bool {
    export.starts_with("wasi:cli/run@") || wit::is_describe(export)
}

/// Why a scenario can't be composed with its libraries.
#[derive(Debug, Error)]
pub enum ComposeError {
    /// A library is no module.
    #[error("library `{name}`: {why}")]
    NoLibrary {
        /// Its name.
        name: String,
        /// Why it is none.
        why: String,
    },
    /// A library is a core module.
    #[error("library `{0}` is a core module, and has to be a component")]
    CoreLibrary(String),
    /// Two libraries give the same.
    #[error("libraries `{one}` and `{other}` both export `{interface}`")]
    SameExport {
        /// What they give.
        interface: String,
        /// One of them.
        one: String,
        /// Another.
        other: String,
    },
    /// Something is imported that is not there.
    #[error("`{who}` imports `{import}`, which no library exports and this orchestrator does not have")]
    Missing {
        /// Who imports it.
        who: String,
        /// What that is.
        import: String,
    },
    /// What was given as a library is a scenario.
    #[error("`{0}` is a scenario and no library: it exports `wasi:cli/run`, and nobody imports anything of it")]
    Scenario(String),
    /// Nobody imports anything of a library.
    #[error("nobody imports what library `{name}` exports: {}", list(.exports))]
    Unused {
        /// Its name.
        name: String,
        /// What it exports.
        exports: Vec<String>,
    },
    /// Libraries import each other.
    #[error("libraries import each other: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// What is exported is not what is imported.
    #[error("`{import}` of library `{library}` is not what `{who}` imports: {why}")]
    Differs {
        /// The interface.
        import: String,
        /// Who exports it.
        library: String,
        /// Who imports it.
        who: String,
        /// Where they differ.
        why: String,
    },
    /// They do not go together for another reason.
    #[error("it can't be composed with its libraries: {0}")]
    Misfit(String),
}

fn list(exports: &[String]) -> String {
    if exports.is_empty() { "nothing".into() } else { exports.join(", ") }
}

/// Makes one component of a scenario's and its libraries'.
pub(super) fn compose(scenario: Part<'_>, libraries: &[Part<'_>]) -> Result<Vec<u8>, ComposeError> {
    let parts = [&[scenario][..], libraries].concat();
    let declared = parts.iter().map(declared).collect::<Result<Vec<_>, _>>()?;
    let plan = Plan::new(&parts, &declared)?;
    quietly(|| plan.compose()).unwrap_or_else(|| Err(ComposeError::Misfit("the composer broke off".into())))
}

fn declared(part: &Part<'_>) -> Result<Declared, ComposeError> {
    Declared::of(part.bytes).map_err(|error| {
        let why = match error {
            SurveyError::Invalid(why) => format!("it is no valid component: {why}"),
            SurveyError::Module(error) => error.to_string(),
        };
        ComposeError::NoLibrary { name: part.name.into(), why }
    })
}

/// What one part takes of another.
struct Plug {
    /// What it is called where it is imported.
    import: String,
    /// The part that exports it.
    from: usize,
    /// What it is called there.
    export: String,
}

/// Who gives what to whom.
struct Plan<'a> {
    parts: &'a [Part<'a>],
    /// What each part takes of others.
    plugs: Vec<Vec<Plug>>,
    /// What the scenario gives.
    exports: Vec<String>,
}

impl<'a> Plan<'a> {
    fn new(parts: &'a [Part<'a>], declared: &[Declared]) -> Result<Self, ComposeError> {
        let name = |at: usize| parts[at].name.to_owned();
        let libraries = || declared.iter().enumerate().skip(1);
        let mut plugs = Vec::new();
        for (at, part) in declared.iter().enumerate() {
            let mut taken = Vec::new();
            for import in &part.imports {
                let in_full = import.in_full();
                let of = libraries().filter(|(from, _)| *from != at);
                let mut found = of.filter_map(|(from, other)| Some((from, find(&other.exports, &in_full)?)));
                let (first, second) = (found.next(), found.next());
                if let (Some((one, export)), Some((other, _))) = (first, second) {
                    let (interface, one, other) = (export.clone(), name(one), name(other));
                    return Err(ComposeError::SameExport { interface, one, other });
                }
                match first {
                    Some((from, export)) => taken.push(Plug { import: in_full, from, export: export.clone() }),
                    // Whether it is there just so is seen when the whole is loaded.
                    None if import.interface.starts_with("wasi:") || wit::is_ours(&import.interface) => {}
                    None => return Err(ComposeError::Missing { who: name(at), import: in_full }),
                }
            }
            plugs.push(taken);
        }
        let exports = declared[SCENARIO].exports.iter().filter(|export| is_asked_for(export)).cloned().collect();
        let plan = Self { parts, plugs, exports };
        let mut reached = vec![false; parts.len()];
        plan.follow(SCENARIO, &mut Vec::new(), &mut reached)?;
        if let Some(unused) = reached.iter().position(|reached| !reached) {
            let exports = declared[unused].exports.clone();
            if exports.iter().all(|export| is_asked_for(export)) && !exports.is_empty() {
                return Err(ComposeError::Scenario(name(unused)));
            }
            return Err(ComposeError::Unused { name: name(unused), exports });
        }
        Ok(plan)
    }

    /// Goes from a part to those that it takes of, and refuses to come back.
    fn follow(&self, at: usize, path: &mut Vec<usize>, reached: &mut [bool]) -> Result<(), ComposeError> {
        if let Some(begin) = path.iter().position(|before| *before == at) {
            let round = path[begin..].iter().chain([&at]).map(|part| self.parts[*part].name.to_owned());
            return Err(ComposeError::Cycle(round.collect()));
        }
        if std::mem::replace(&mut reached[at], true) {
            return Ok(());
        }
        path.push(at);
        for plug in &self.plugs[at] {
            self.follow(plug.from, path, reached)?;
        }
        path.pop();
        Ok(())
    }

    fn compose(&self) -> Result<Vec<u8>, ComposeError> {
        let mut graph = CompositionGraph::new();
        let mut instances = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            // Two files may have one name.
            let package =
                Package::from_bytes(&format!("part{at}"), None, part.bytes, graph.types_mut()).map_err(misfit)?;
            let package = graph.register_package(package).map_err(misfit)?;
            instances.push(graph.instantiate(package));
        }
        let mut aliases = BTreeMap::new();
        for (at, plugs) in self.plugs.iter().enumerate() {
            for plug in plugs {
                let key = (plug.from, plug.export.as_str());
                let alias: NodeId = match aliases.get(&key) {
                    Some(alias) => *alias,
                    None => graph.alias_instance_export(instances[plug.from], &plug.export).map_err(misfit)?,
                };
                aliases.insert(key, alias);
                graph.set_instantiation_argument(instances[at], &plug.import, alias).map_err(|error| {
                    ComposeError::Differs {
                        import: plug.import.clone(),
                        library: self.parts[plug.from].name.into(),
                        who: self.parts[at].name.into(),
                        why: causes(error).pop().unwrap_or_default(),
                    }
                })?;
            }
        }
        for name in &self.exports {
            let export = graph.alias_instance_export(instances[SCENARIO], name).map_err(misfit)?;
            graph.export(export, name).map_err(misfit)?;
        }
        // The engine validates it.
        graph.encode(EncodeOptions { validate: false, ..EncodeOptions::default() }).map_err(misfit)
    }
}

/// Finds an export that is what an import asks for: of that name, and of a version that goes with it.
fn find<'a>(exports: &'a [String], import: &str) -> Option<&'a String> {
    let exact = exports.iter().find(|export| *export == import);
    exact.or_else(|| exports.iter().find(|export| are_semver_compatible(export, import)))
}

fn causes(error: impl Into<anyhow::Error>) -> Vec<String> {
    error.into().chain().map(ToString::to_string).collect()
}

fn misfit(error: impl Into<anyhow::Error>) -> ComposeError {
    ComposeError::Misfit(causes(error).join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component that exports each interface with function `f`, which takes nothing unless it is said to, and imports others.
    fn component(imports: &[&str], exports: &[&str]) -> Vec<u8> {
        of_type("(func)", imports, exports)
    }

    fn of_type(ty: &str, imports: &[&str], exports: &[&str]) -> Vec<u8> {
        let mut text = String::from("(component\n");
        for (at, import) in imports.iter().enumerate() {
            text += &format!("(import \"{import}\" (instance $i{at} (export \"f\" {ty})))\n");
        }
        text += "(core module $m (func (export \"f\")) (func (export \"g\") (param i32)))\n(core instance $m (instantiate $m))\n";
        let core = if ty == "(func)" { "f" } else { "g" };
        let parameters = ty.trim_start_matches("(func").trim_end_matches(')');
        let parameters = if parameters.is_empty() { String::new() } else { format!("{parameters})") };
        text += &format!("(func $f {parameters} (canon lift (core func $m \"{core}\")))\n");
        for (at, export) in exports.iter().enumerate() {
            text += &format!("(instance $e{at} (export \"f\" (func $f)))\n(export \"{export}\" (instance $e{at}))\n");
        }
        wat::parse_str(text + ")").unwrap()
    }

    /// Its name and its component.
    type Library<'a> = (&'a str, &'a [u8]);

    fn composed(scenario: &[u8], libraries: &[Library<'_>]) -> Result<Vec<u8>, String> {
        let libraries: Vec<Part<'_>> = libraries.iter().map(|(name, bytes)| Part { name, bytes }).collect();
        compose(Part { name: "lab", bytes: scenario }, &libraries).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn is_ours(composed: Result<Vec<u8>, String>, imports: &[&str]) {
        let declared = Declared::of(&composed.unwrap()).unwrap();
        assert_eq!(declared.exports, ["wasi:cli/run@0.2.0"]);
        assert_eq!(declared.imports.iter().map(|import| import.in_full()).collect::<Vec<_>>(), imports);
    }

    const RUN: &str = "wasi:cli/run@0.2.0";

    #[test]
    fn libraries_give_what_is_imported_of_them() {
        let scenario = component(&["a:a/one@0.1.0", "wasi:cli/exit@0.2.0"], &[RUN, "a:a/other@0.1.0"]);
        let one = component(&["b:b/two@1.2.0"], &["a:a/one@0.1.3"]);
        let two = component(&["wasi:cli/exit@0.2.0"], &["b:b/two@1.4.0"]);
        is_ours(composed(&scenario, &[("one", &one), ("two", &two)]), &["wasi:cli/exit@0.2.0"]);
        is_ours(composed(&scenario, &[("two", &two), ("one", &one)]), &["wasi:cli/exit@0.2.0"]);
        // What nobody imports may be there twice.
        let (one, two) =
            (component(&["b:b/two@1.2.0"], &["a:a/one@0.1.3", RUN]), component(&[], &["b:b/two@1.4.0", RUN]));
        is_ours(composed(&scenario, &[("one", &one), ("two", &two)]), &["wasi:cli/exit@0.2.0"]);
        // What both import of a third is of one instance.
        let both = component(&["a:a/one@0.1.0", "b:b/two@1.0.0"], &[RUN]);
        is_ours(composed(&both, &[("one", &one), ("two", &two)]), &[]);
    }

    #[test]
    fn library_may_stand_between_the_scenario_and_what_is_here() {
        let scenario = component(&["orchestrator:net/lab@0.1.0"], &[RUN]);
        let between = component(&["orchestrator:net/lab@0.1.0"], &["orchestrator:net/lab@0.1.0"]);
        is_ours(composed(&scenario, &[("between", &between)]), &["orchestrator:net/lab@0.1.0"]);
    }

    #[test]
    fn what_does_not_go_together_is_told_by_name() {
        let scenario = component(&["a:a/one@0.1.0"], &[RUN]);
        let one = component(&[], &["a:a/one@0.1.0"]);
        let again = component(&[], &["a:a/one@0.1.1"]);
        let needs = component(&["b:b/two@1.0.0"], &["a:a/one@0.1.0"]);
        let back = component(&["a:a/one@0.1.0"], &["b:b/two@1.0.0"]);
        let later = component(&[], &["a:a/one@0.2.0"]);
        let with = of_type("(func (param \"n\" u32))", &[], &["a:a/one@0.1.0"]);
        let other = component(&[], &[RUN]);
        let cases: [(&[Library<'_>], &str); 9] = [
            (&[("x", &one), ("y", &other)], "`y` is a scenario and no library"),
            (&[], "`lab` imports `a:a/one@0.1.0`, which no library exports and this orchestrator does not have"),
            (&[("x", &one), ("y", &again)], "libraries `x` and `y` both export `a:a/one@0.1.0`"),
            (
                &[("x", &needs)],
                "`x` imports `b:b/two@1.0.0`, which no library exports and this orchestrator does not have",
            ),
            (&[("x", &needs), ("y", &back)], "libraries import each other: x -> y -> x"),
            (
                &[("x", &one), ("y", &component(&[], &["c:c/c@1.0.0"]))],
                "nobody imports what library `y` exports: c:c/c@1.0.0",
            ),
            (&[("x", &later)], "`lab` imports `a:a/one@0.1.0`, which no library exports"),
            (&[("x", &with)], "`a:a/one@0.1.0` of library `x` is not what `lab` imports"),
            (&[("x", b"\0asm\x0d\0\x01\0\xff")], "library `x`: it is no valid component"),
        ];
        for (libraries, words) in cases {
            let error = composed(&scenario, libraries).unwrap_err();
            assert!(error.starts_with(words), "{error}");
        }
    }
}
