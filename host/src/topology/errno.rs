//! The name of an errno.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// An errno by its name, as errno(3) lists it: `ENETUNREACH`.
///
/// A name and no number, because it travels to guests whose C library numbers them otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Errno(Cow<'static, str>);

macro_rules! known {
    ($($name:ident),+ $(,)?) => {
        #[allow(missing_docs, reason = "errno(3) documents them")]
        impl Errno { $(pub const $name: Errno = Errno(Cow::Borrowed(stringify!($name)));)+ }
    };
}

known!(
    EACCES,
    EADDRNOTAVAIL,
    EBUSY,
    EEXIST,
    EHOSTUNREACH,
    EINVAL,
    ELOOP,
    ENETDOWN,
    ENETUNREACH,
    ENODEV,
    ENOENT,
    ENXIO,
    EOPNOTSUPP,
    EPERM,
    ESRCH,
    ETIMEDOUT,
    EXFULL,
);

impl Errno {
    /// Names an errno that the kernel returned.
    pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
        Self(name.into())
    }

    /// Returns the name, in capitals.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
