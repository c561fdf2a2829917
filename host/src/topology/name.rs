//! Names of netns and links, checked once, where they come in.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// It has no byte at all.
    #[error("a {kind} name can't be empty")]
    Empty {
        /// `netns` or `link`.
        kind: &'static str,
    },
    /// It is longer than the kernel, or a file name, allows.
    #[error("the name has {length} bytes and a {kind} name has at most {most}{reason}")]
    TooLong {
        /// `netns` or `link`.
        kind: &'static str,
        /// Its bytes.
        length: usize,
        /// The most it may have.
        most: usize,
        /// Whose limit that is.
        reason: &'static str,
    },
    /// It has a character that is not in the set, or begins with one that may not come first.
    #[error("a {kind} name has only `A-Z a-z 0-9 . _ -` and begins with a letter, digit or `_`")]
    Character {
        /// `netns` or `link`.
        kind: &'static str,
    },
    /// It means something else.
    #[error("`{name}` is not free for a {kind}: {meaning}")]
    Reserved {
        /// `netns` or `link`.
        kind: &'static str,
        /// The name.
        name: &'static str,
        /// What it means.
        meaning: &'static str,
    },
}

fn check(kind: &'static str, text: &str, most: usize, reason: &'static str) -> Result<(), NameError> {
    let first = *text.as_bytes().first().ok_or(NameError::Empty { kind })?;
    if text.len() > most {
        return Err(NameError::TooLong { kind, length: text.len(), most, reason });
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if !text.bytes().all(allowed) || matches!(first, b'.' | b'-') {
        return Err(NameError::Character { kind });
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                String::from(&*name.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::parse(&text)
            }
        }
    };
}

name! {
    /// The name of a netns of a lab; `host` is the one that plays the host.
    NetnsName
}

impl NetnsName {
    /// Returns the name of the netns that plays the host.
    pub fn host() -> Self {
        Self("host".into())
    }

    /// Tells whether this names the netns that plays the host.
    pub fn is_host(&self) -> bool {
        &*self.0 == "host"
    }

    /// Checks a name: 1 to 63 bytes (RFC 1035, section 2.3.4, as it becomes a hostname) out of `A-Z a-z 0-9 . _ -`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check("netns", text, 63, ", as it becomes a hostname")?;
        match text {
            "localhost" => Err(NameError::Reserved {
                kind: "netns",
                name: "localhost",
                meaning: "it is every netns's own name for itself",
            }),
            _ => Ok(Self(text.into())),
        }
    }
}

name! {
    /// The name of a link.
    LinkName
}

impl LinkName {
    /// Returns the name of the loopback link.
    pub fn lo() -> Self {
        Self("lo".into())
    }

    /// Checks a name: 1 to 15 bytes (IFNAMSIZ is 16 with its NUL) out of `A-Z a-z 0-9 . _ -`, and neither `all` nor `default`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check("link", text, 15, " (IFNAMSIZ)")?;
        let meaning = "its sysctls would be those of every link";
        match text {
            "all" => Err(NameError::Reserved { kind: "link", name: "all", meaning }),
            "default" => Err(NameError::Reserved { kind: "link", name: "default", meaning }),
            _ => Ok(Self(text.into())),
        }
    }
}

/// Where a link is: its netns and its name there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The netns that it is in.
    pub netns: NetnsName,
    /// Its name.
    pub link: LinkName,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in netns `{}`", self.link, self.netns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_links_end_at_fifteen_bytes() {
        assert!(LinkName::parse("a23456789012345").is_ok());
        let error = LinkName::parse("a234567890123456").unwrap_err();
        assert_eq!(error.to_string(), "the name has 16 bytes and a link name has at most 15 (IFNAMSIZ)");
    }

    #[test]
    fn what_a_shell_or_a_path_would_misread_is_no_name() {
        for text in ["", "a/b", ".", "..", "-h", "a b", "$(id)", ";reboot", "a\nb", "\u{1b}[31m", "é", ".hidden"] {
            assert!(LinkName::parse(text).is_err(), "{text:?} passed as a link name");
            assert!(NetnsName::parse(text).is_err(), "{text:?} passed as a netns name");
        }
    }

    #[test]
    fn names_with_a_meaning_of_their_own_are_reserved() {
        assert!(LinkName::parse("all").is_err());
        assert!(LinkName::parse("default").is_err());
        assert!(NetnsName::parse("localhost").is_err());
        assert!(NetnsName::parse("host").unwrap().is_host());
    }

    #[test]
    fn a_name_from_outside_is_checked_when_it_is_read() {
        assert!(serde_json::from_str::<LinkName>("\"veth1\"").is_ok());
        assert!(serde_json::from_str::<LinkName>("\"a/b\"").is_err());
    }
}
