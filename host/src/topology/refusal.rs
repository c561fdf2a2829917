//! The answer "no" to a call, in words about what was asked.

use thiserror::Error;

use super::Errno;

/// What kind of "no" it is; the cases are those of `error-code` in `wit/errors.wit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "wit/errors.wit documents them")]
pub enum Code {
    Denied,
    AlreadyExists,
    NotFound,
    InUse,
    InvalidArgument,
    Unsupported,
    Unreachable,
    TimedOut,
    Limit,
    Kernel,
}

impl From<&Errno> for Code {
    fn from(errno: &Errno) -> Self {
        match errno.name() {
            "EPERM" | "EACCES" => Self::Denied,
            "EEXIST" => Self::AlreadyExists,
            "ENOENT" | "ENODEV" | "ENXIO" | "ESRCH" | "EADDRNOTAVAIL" => Self::NotFound,
            "EBUSY" => Self::InUse,
            "EINVAL" | "ERANGE" | "ELOOP" => Self::InvalidArgument,
            "EOPNOTSUPP" | "EAFNOSUPPORT" => Self::Unsupported,
            "ENETUNREACH" | "EHOSTUNREACH" | "ENETDOWN" => Self::Unreachable,
            "ETIMEDOUT" => Self::TimedOut,
            "ENOSPC" | "ENFILE" | "EMFILE" | "EXFULL" | "ENOMEM" | "ENOBUFS" => Self::Limit,
            _ => Self::Kernel,
        }
    }
}

/// A call that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("could not {act}: {why}")]
pub struct Refusal {
    /// What to match on.
    pub code: Code,
    /// What the kernel says, or would say; `None` for a reason that the kernel does not know.
    pub errno: Option<Errno>,
    /// What was asked, of which object, where: ``add netns `red` ``.
    pub act: String,
    /// Why it can't be.
    pub why: String,
}

impl Refusal {
    /// Makes a refusal with the errno that the kernel has for it.
    pub fn new(errno: Errno, act: impl Into<String>, why: impl Into<String>) -> Self {
        Self { code: Code::from(&errno), errno: Some(errno), act: act.into(), why: why.into() }
    }

    /// Makes a refusal for an argument that is malformed or out of range.
    pub fn invalid(act: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Errno::EINVAL, act, why)
    }

    /// Makes a refusal for what would meet something of the machine's own.
    pub fn conflict(act: impl Into<String>, why: impl Into<String>) -> Self {
        Self { code: Code::InUse, ..Self::new(Errno::EEXIST, act, why) }
    }

    /// Tells whether it is one of those.
    pub fn is_conflict(&self) -> bool {
        self.code == Code::InUse && self.errno == Some(Errno::EEXIST)
    }

    /// Returns what a guest is told of it: nothing of what the machine has.
    pub fn for_guest(&self) -> Self {
        if !self.is_conflict() {
            return self.clone();
        }
        Self {
            why: "something of the machine is in the way; who runs the scenario is told what".into(),
            ..self.clone()
        }
    }

    /// Makes a refusal for a limit of this run, which `flag` raises.
    pub fn limit(act: impl Into<String>, limit: usize, what: &str, flag: &str) -> Self {
        Self {
            code: Code::Limit,
            errno: None,
            act: act.into(),
            why: format!("this run may have {limit} {what}; `{flag}` raises the limit"),
        }
    }
}
