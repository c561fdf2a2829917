//! Names of labs.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use thiserror::Error;

const LONGEST: usize = 40;

/// A text that is no lab name.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a lab name has 1 to 40 of `a-z 0-9 -` and begins with a letter or digit")]
pub struct LabNameError;

/// The name of a lab: `[a-z0-9][a-z0-9-]*`, at most 40 bytes, so that it can stand in a path and in a shell unquoted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabName(String);

impl LabName {
    /// Makes a name from a module's file name: without ending, in lower case, each run of other bytes one `-`.
    pub fn from_module(module: &Path) -> Option<Self> {
        let stem = module.file_stem()?.to_string_lossy().to_ascii_lowercase();
        let mut name = String::new();
        for character in stem.chars() {
            match character {
                'a'..='z' | '0'..='9' => name.push(character),
                _ if name.ends_with('-') || name.is_empty() => {}
                _ => name.push('-'),
            }
        }
        name.truncate(LONGEST);
        name.trim_end_matches('-').parse().ok()
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LabName {
    type Err = LabNameError;

    fn from_str(text: &str) -> Result<Self, LabNameError> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-');
        if fits { Ok(Self(text.to_owned())) } else { Err(LabNameError) }
    }
}

impl fmt::Display for LabName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_from(module: &str) -> Option<String> {
        LabName::from_module(Path::new(module)).map(|name| name.to_string())
    }

    #[test]
    fn module_file_names_become_legal() {
        assert_eq!(made_from("two-containers").as_deref(), Some("two-containers"));
        assert_eq!(made_from("./target/My Lab_v2.wasm").as_deref(), Some("my-lab-v2"));
        assert_eq!(made_from("/x/--A--.wat").as_deref(), Some("a"));
        assert_eq!(made_from(&"x".repeat(60)).map(|name| name.len()), Some(40));
        assert_eq!(made_from("é.wasm"), None);
    }

    #[test]
    fn illegal_names_are_refused() {
        for text in ["", "-a", "A", "a_b", "a/b", "..", "a b", &"x".repeat(41)] {
            assert_eq!(text.parse::<LabName>(), Err(LabNameError), "{text:?}");
        }
    }
}
