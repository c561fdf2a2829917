//! The languages that projects are made in.

/// A language whose toolchain is known here. A module may come from any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Rust, by cargo.
    Rust,
    /// Python, by componentize-py.
    Python,
    /// JavaScript, by jco.
    JavaScript,
    /// C, by zig, which has a C compiler with a C library for WASI.
    C,
    /// Go, by its own compiler.
    Go,
    /// Zig.
    Zig,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Rust, Self::Python, Self::JavaScript, Self::C, Self::Go, Self::Zig];

    /// Returns what it is called on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::C => "c",
            Self::Go => "go",
            Self::Zig => "zig",
        }
    }

    /// Finds it by what it is called on a command line.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }

    /// Returns its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::C => "C",
            Self::Go => "Go",
            Self::Zig => "Zig",
        }
    }

    /// Returns the file by which a folder is known for a project in it.
    pub fn main_file(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Python => "scenario.py",
            Self::JavaScript => "scenario.js",
            Self::C => "scenario.c",
            Self::Go => "go.mod",
            Self::Zig => "scenario.zig",
        }
    }

    /// Returns the file that draws, in a new project.
    pub fn source(self) -> &'static str {
        match self {
            Self::Rust => "src/main.rs",
            Self::Go => "main.go",
            _ => self.main_file(),
        }
    }
}
