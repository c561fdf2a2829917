//! What comes with the program: scenarios, and a library for others.

/// A scenario or a library that comes with the program.
pub(super) struct Example {
    /// Its name.
    pub(super) name: &'static str,
    /// What it draws, in a line.
    pub(super) summary: &'static str,
    /// What it takes, in the words of a usage.
    pub(super) arguments: &'static str,
    /// Arguments that it can be tried with.
    pub(super) typed: &'static str,
    /// How many namespaces its lab has, the host among them.
    pub(super) netns: &'static str,
    /// A drawing of it in text.
    pub(super) drawing: &'static str,
    /// Its code: for each language the files, by path.
    pub(super) sources: &'static [Code],
    /// Its component.
    pub(super) wasm: &'static [u8],
}

/// The files that an example is made of in a language.
pub(super) type Code = (&'static str, &'static [(&'static str, &'static str)]);

include!(concat!(env!("OUT_DIR"), "/examples.rs"));

impl Example {
    /// Finds a scenario or a library by its name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        Self::all().find(|example| example.name == name)
    }

    /// Returns the scenarios, then the libraries.
    pub(super) fn all() -> impl Iterator<Item = &'static Self> {
        EXAMPLES.iter().chain(LIBRARIES)
    }

    /// Finds the library that exports an interface. They are all called by their package's name.
    pub(super) fn library_of(interface: &str) -> Option<&'static Self> {
        let (package, _) = interface.strip_prefix("example:")?.split_once('/')?;
        LIBRARIES.iter().find(|library| library.name == package)
    }

    /// Lists the languages that its code is there in.
    pub(super) fn languages(&self) -> impl Iterator<Item = &'static str> {
        self.sources.iter().map(|(language, _)| *language)
    }

    /// Tells whether it is a library.
    pub(super) fn is_library(&self) -> bool {
        LIBRARIES.iter().any(|library| library.name == self.name)
    }
}
