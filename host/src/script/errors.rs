//! From a refusal to the guest's error.

use thiserror::Error;
use wasmtime::component::ResourceTableError;

use super::bindings::orchestrator::net::errors::{Error as WitError, ErrorCode, Host};
use super::drawing::Drawing;
use crate::topology::{Code, Refusal};

/// How a call fails: the guest gets an error, or it is ended.
#[derive(Debug, Error)]
#[allow(
    unreachable_pub,
    reason = "the generated interfaces have it, which are `pub`, and newer compilers compare the words"
)]
pub enum Failure {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Trap(#[from] wasmtime::Error),
}

impl From<ResourceTableError> for Failure {
    fn from(error: ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl Host for Drawing {
    fn convert_error(&mut self, failure: Failure) -> wasmtime::Result<WitError> {
        match failure {
            Failure::Refused(refusal) => Ok(WitError {
                code: code(refusal.code),
                message: refusal.to_string(),
                errno: refusal.errno.map(|errno| errno.name().to_owned()).unwrap_or_default(),
            }),
            Failure::Trap(trap) => Err(trap),
        }
    }
}

fn code(code: Code) -> ErrorCode {
    match code {
        Code::Denied => ErrorCode::Denied,
        Code::AlreadyExists => ErrorCode::AlreadyExists,
        Code::NotFound => ErrorCode::NotFound,
        Code::InUse => ErrorCode::InUse,
        Code::InvalidArgument => ErrorCode::InvalidArgument,
        Code::Unsupported => ErrorCode::Unsupported,
        Code::Unreachable => ErrorCode::Unreachable,
        Code::TimedOut => ErrorCode::TimedOut,
        Code::Limit => ErrorCode::Limit,
        Code::Kernel => ErrorCode::Kernel,
    }
}
