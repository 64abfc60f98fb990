//! Generated types ↔ our own.

use super::bindings::exports::tollgate::proxy::interceptor as generated;
use super::bindings::tollgate::proxy::types;
use crate::interceptor::Verdict;
use crate::message::BodyError;
use crate::plugin::host::FieldError;

/// What a plugin is told about a body that it can't have.
pub fn body_error(error: BodyError) -> types::BodyError {
    match error {
        BodyError::TooLarge { limit } => types::BodyError::TooLarge(limit),
        BodyError::TimedOut { .. } => types::BodyError::TimedOut,
        BodyError::Disconnected(why) => types::BodyError::Disconnected(why),
        BodyError::AlreadyStreamed => types::BodyError::AlreadyStreamed,
    }
}

/// What a plugin is told about a change that was refused.
pub fn field_error(error: FieldError) -> types::FieldError {
    match error {
        FieldError::InvalidName(name) => types::FieldError::InvalidName(name),
        FieldError::InvalidValue(why) => types::FieldError::InvalidValue(why),
        FieldError::OwnedByHost(name) => types::FieldError::OwnedByHost(name),
        FieldError::TooMany => types::FieldError::TooMany,
    }
}

/// What a plugin decided.
pub fn verdict(verdict: generated::Verdict) -> Verdict {
    match verdict {
        generated::Verdict::Forward => Verdict::Forward,
        generated::Verdict::Respond => Verdict::Respond,
    }
}
