//! What an import lets a scenario do at most, in plain words.

use super::core::known;
use super::survey::Import;
use super::wit;

/// What an interface gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Power {
    /// The most that a scenario could do with it.
    pub most: &'static str,
    /// The flag without which it can't do that.
    pub grant: Option<&'static str>,
}

const fn power(most: &'static str) -> Power {
    Power { most, grant: None }
}

/// Each by the name of the interface, or of a whole package.
const POWERS: &[(&str, Power)] = &[
    ("orchestrator:net/errors", power("nothing: it says what an error looks like")),
    (
        "orchestrator:net/netns",
        power("add, list and remove network namespaces, have them forward or configure themselves"),
    ),
    ("orchestrator:net/link", power("list, rename, move and remove links, set them up or down, and set their MTU")),
    ("orchestrator:net/veth", power("add veth pairs")),
    ("orchestrator:net/bridge", power("add bridges, attach and detach their ports")),
    ("orchestrator:net/address", power("add, list and remove addresses")),
    ("orchestrator:net/route", power("add, list and remove routes")),
    ("orchestrator:net/lab", power("have what it drew built, wait for it, and tell you something")),
    ("orchestrator:net/probe", power("ping any address from a namespace, and see what the kernel has in it")),
    ("wasi:cli/*", power("read its arguments, print text, and end; no input, no environment")),
    ("wasi:clocks/*", power("tell the time, and wait")),
    (
        "wasi:filesystem/*",
        Power { most: "read files below directories that you name", grant: Some("--allow dir=PATH") },
    ),
    ("wasi:io/*", power("wait, and use the streams that the others give it")),
    (
        "wasi:random/*",
        Power { most: "have random numbers, without the grant the same each time", grant: Some("--allow random") },
    ),
    ("wasi:sockets/*", power("nothing: it has no network of its own")),
];

impl Import {
    /// Tells what this import gives, if there is anything of that name and version here.
    pub fn power(&self) -> Option<Power> {
        let functions = self.functions.as_ref()?;
        let known = known();
        if !functions.iter().all(|function| known.contains(&(self.interface.clone(), function.clone()))) {
            return None;
        }
        let version = self.version.as_deref().unwrap_or_default();
        let is_here =
            if wit::is_ours(&self.interface) { wit::is_compatible(version) } else { version.starts_with("0.2.") };
        let is_meant = |pattern: &str| match pattern.strip_suffix('*') {
            Some(beginning) => self.interface.starts_with(beginning),
            None => self.interface == pattern,
        };
        let (_, power) = POWERS.iter().find(|(pattern, _)| is_meant(pattern)).filter(|_| is_here)?;
        Some(*power)
    }
}

/// Tells whether a module imports all of our interfaces that do something: some toolchains (Python's, JavaScript's) import the whole
/// world, used or not.
pub fn is_everything(imports: &[Import]) -> bool {
    let ours = POWERS.iter().map(|(pattern, _)| *pattern).filter(|pattern| wit::is_ours(pattern));
    ours.filter(|interface| !interface.ends_with("/errors"))
        .all(|interface| imports.iter().any(|import| import.interface == interface))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(interface: &str, version: &str) -> Import {
        Import { interface: interface.into(), version: Some(version.into()), functions: Some(Vec::new()) }
    }

    #[test]
    fn each_interface_of_ours_has_words() {
        for name in wit::interfaces() {
            assert!(import(&format!("{}{name}", wit::PACKAGE), wit::VERSION).power().is_some(), "{name}");
        }
    }

    #[test]
    fn what_is_not_here_gives_nothing() {
        for (interface, version) in [
            ("acme:shop/till", "0.2.0"),
            ("orchestrator:net/netns", "0.2.0"),
            ("wasi:cli/exit", "0.3.0"),
            ("wasi:http/types", "0.2.0"),
        ] {
            assert_eq!(import(interface, version).power(), None, "{interface}");
        }
        assert_eq!(import("wasi:cli/stderr", "0.2.6").power(), import("wasi:cli/stdout", "0.2.0").power());
        assert_eq!(import("wasi:filesystem/types", "0.2.0").power().unwrap().grant, Some("--allow dir=PATH"));
        let with =
            |interface, function: &str| Import { functions: Some(vec![function.into()]), ..import(interface, "0.2.0") };
        assert_eq!(with("wasi:cli/nonsense", "exit").power(), None);
        assert!(with("wasi:cli/exit", "exit").power().is_some());
        let ours = |function| Import { version: Some("0.1.9".into()), ..with("orchestrator:net/netns", function) };
        assert!(ours("[method]netns.remove").power().is_some());
        assert_eq!(ours("fly").power(), None);
    }
}
