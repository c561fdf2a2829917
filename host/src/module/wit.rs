//! The WIT package that this program implements, as it is in `wit/`.

/// What every interface of ours is called, up to its own name.
pub const PACKAGE: &str = "orchestrator:net/";
/// The version of the package.
pub const VERSION: &str = "0.1.0";
/// The version of WASI that world `scenario` asks for.
pub const WASI_VERSION: &str = "0.2.12";

/// One file of the package.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its path in the package's folder.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(File { path: $path, text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/", $path)) }),*]
    };
}

/// The package's own files. The first one names it.
pub const FILES: &[File] = files![
    "errors.wit",
    "netns.wit",
    "link.wit",
    "veth.wit",
    "bridge.wit",
    "address.wit",
    "route.wit",
    "lab.wit",
    "probe.wit",
    "describe.wit",
    "world.wit",
];

/// WASI's, which world `scenario` includes: each a package, after those that it needs.
pub const WASI: &[File] = files![
    "deps/io.wit",
    "deps/clocks.wit",
    "deps/random.wit",
    "deps/filesystem.wit",
    "deps/sockets.wit",
    "deps/cli.wit",
];

/// Tells whether a guest that was built against a version of the package can be run: while that is 0.x, all of one 0.MINOR go together.
pub fn is_compatible(version: &str) -> bool {
    let parts = |version: &str| -> Option<[u32; 3]> {
        // As semver has them, without a sign or zeros in front.
        let part = |part: &str| part.parse().ok().filter(|number: &u32| number.to_string() == part);
        let parts = version.split('.').map(part).collect::<Option<Vec<u32>>>()?;
        parts.try_into().ok()
    };
    parts(version).zip(parts(VERSION)).is_some_and(|(theirs, ours)| theirs[..2] == ours[..2])
}

/// The interface that a scenario may export, without a version. None can import it.
pub const DESCRIBE: &str = "orchestrator:net/describe";

/// Returns the names of the interfaces that a module may import, without the package's.
pub fn interfaces() -> impl Iterator<Item = &'static str> {
    let names = FILES.iter().filter_map(|file| file.path.strip_suffix(".wit"));
    names.filter(|name| *name != "world" && Some(*name) != DESCRIBE.strip_prefix(PACKAGE))
}

/// Tells whether a module may import an interface of the package, named without its version.
pub fn is_ours(interface: &str) -> bool {
    interface.strip_prefix(PACKAGE).is_some_and(|name| interfaces().any(|interface| interface == name))
}

/// Tells whether an export, with its version, is what a module says of itself.
pub fn is_describe(export: &str) -> bool {
    export.strip_prefix(DESCRIBE).and_then(|rest| rest.strip_prefix('@')).is_some_and(is_compatible)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn package_is_what_the_folder_has() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        let list = |under: &str| -> BTreeSet<String> {
            let entries = std::fs::read_dir(folder.join(under)).unwrap().map(|entry| entry.unwrap().file_name());
            let names = entries.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".wit"));
            names.map(|name| format!("{under}{name}")).collect()
        };
        let files = |files: &[File]| files.iter().map(|file| file.path.to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(files(FILES), list(""));
        assert_eq!(files(WASI), list("deps/"));
        assert!(FILES[0].text.starts_with(&format!("package orchestrator:net@{VERSION};\n")));
        assert!(FILES.last().unwrap().text.contains(&format!("wasi:cli/run@{WASI_VERSION}")));
    }

    #[test]
    fn guests_of_one_minor_version_go_together() {
        assert!(is_compatible("0.1.0") && is_compatible("0.1.7"));
        for other in [
            "0.2.0",
            "1.1.0",
            "",
            "0.1",
            "0.1.",
            "0.1.0.0",
            "0.1.0; interface x {}",
            "0.1.x",
            "0.1.0-rc",
            "0.1.+7",
            "0.01.0",
        ] {
            assert!(!is_compatible(other), "{other}");
        }
        assert!(is_ours("orchestrator:net/netns") && !is_ours("orchestrator:net/world") && !is_ours("wasi:cli/run"));
        assert!(is_describe("orchestrator:net/describe@0.1.3") && !is_ours(DESCRIBE));
        assert!(!is_describe("orchestrator:net/describe@0.2.0") && !is_describe("orchestrator:net/describer@0.1.0"));
    }
}
